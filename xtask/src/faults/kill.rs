use std::{fmt, path::Path, time::Duration};

use anyhow::Context;
use store::conformance::random::check;
use store_embedded::Durability;

use super::writer::{LANES, Writer, open};
use crate::random::Random;

/// Kills before a store is left behind and the next one is begun.
pub(crate) const TIMES_A_STORE: usize = 5;
const ACKNOWLEDGEMENTS_MAX: u64 = 250;

/// `kill -9` in the midst of appending, sealing, trimming and merging.
pub(crate) async fn run(times: usize) -> anyhow::Result<()> {
    let mut random = Random(11);
    let mut counts = Counts::default();
    let mut folder = tempfile::tempdir()?;
    let (mut seed, mut lines) = (0, String::new());
    for time in 0..times {
        if time % TIMES_A_STORE == 0 {
            (folder, seed, lines) = (tempfile::tempdir()?, time as u64, String::new());
        }
        let mut writer = Writer::start(folder.path(), seed, &lines, Durability::Full)?;
        at_a_random_moment(&mut writer, &mut random).await?;
        lines += &writer.kill()?;
        counts.look(folder.path(), seed, &lines).await.with_context(|| format!("after kill {}", time + 1))?;
    }
    println!("kill -9: {times} times; {counts}");
    Ok(())
}

pub(crate) async fn at_a_random_moment(writer: &mut Writer, random: &mut Random) -> anyhow::Result<()> {
    writer.wait(random.below(ACKNOWLEDGEMENTS_MAX) as usize)?;
    tokio::time::sleep(Duration::from_micros(random.below(3_000))).await;
    Ok(())
}

/// What was found over all times.
#[derive(Default)]
pub(crate) struct Counts {
    acknowledged: u64,
    unacknowledged: u64,
}

impl Counts {
    /// Opens a store again and holds everything in it against what was acknowledged.
    pub(crate) async fn look(&mut self, folder: &Path, seed: u64, lines: &str) -> anyhow::Result<()> {
        let store = open(folder, Durability::Full)?;
        let checked = check(store.as_ref(), seed, LANES, lines).await;
        store.close().await?;
        let checked = checked.map_err(anyhow::Error::msg)?;
        self.acknowledged += checked.acknowledged;
        self.unacknowledged += checked.unacknowledged;
        Ok(())
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acknowledged, unacknowledged } = self;
        write!(
            f,
            "{acknowledged} acknowledged entries looked up, 0 lost, 0 torn, 0 twice; \
             {unacknowledged} were there whose answer nobody saw"
        )
    }
}
