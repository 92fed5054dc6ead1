use std::time::Duration;

use store_embedded::Durability;

use super::{
    check::check,
    writer::{Acknowledged, Writer, open},
};
use crate::random::Random;

/// Kills before a store is left behind and the next one is begun.
pub(crate) const TIMES_A_STORE: usize = 5;
const ACKNOWLEDGEMENTS_MAX: u64 = 250;

/// `kill -9` in the midst of appending, sealing, trimming and merging.
pub(crate) async fn run(times: usize) -> anyhow::Result<()> {
    let mut random = Random(11);
    let mut counts = Counts::default();
    let mut store_folder = tempfile::tempdir()?;
    let mut held = Acknowledged::new();
    for time in 0..times {
        if time % TIMES_A_STORE == 0 {
            (store_folder, held) = (tempfile::tempdir()?, Acknowledged::new());
        }
        let mut writer = Writer::start(store_folder.path(), time as u64, Durability::Full)?;
        writer.wait(1 + random.below(ACKNOWLEDGEMENTS_MAX) as usize)?;
        tokio::time::sleep(Duration::from_micros(random.below(3_000))).await;
        held.extend(writer.kill()?);
        let is_last = time + 1 == times || (time + 1) % TIMES_A_STORE == 0;
        held = counts.look(store_folder.path(), held, is_last).await?;
        anyhow::ensure!(counts.lost == 0, "kill {}: {} acknowledged appends are lost", time + 1, counts.lost);
    }
    println!("kill -9: {times} times; {counts}");
    Ok(())
}

/// What was found over all times.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) acknowledged: usize,
    pub(crate) untold: usize,
    pub(crate) lost: usize,
}

impl Counts {
    /// Opens a store again, looks at everything in it, and answers what it holds.
    pub(crate) async fn look(
        &mut self,
        folder: &std::path::Path,
        acknowledged: Acknowledged,
        deep: bool,
    ) -> anyhow::Result<Acknowledged> {
        let (store, devices) = open(folder, Durability::Full).await?;
        let found = check(&store, &devices, &acknowledged, deep).await;
        store.close().await?;
        let found = found?;
        self.acknowledged += acknowledged.len();
        self.untold += found.untold;
        self.lost += found.lost;
        Ok(found.held)
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { acknowledged, untold, lost } = self;
        write!(
            f,
            "{acknowledged} acknowledged appends looked up, {lost} lost, 0 torn, 0 twice; {untold} whole that nobody was told of"
        )
    }
}
