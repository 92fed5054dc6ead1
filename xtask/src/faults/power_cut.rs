use std::time::Duration;

use anyhow::ensure;
use store_embedded::Durability;

use super::{
    image::Disk,
    kill::{Counts, TIMES_A_STORE},
    writer::{Acknowledged, Writer},
};
use crate::random::Random;

const DISK_BYTES: u64 = 512 << 20;
const ACKNOWLEDGEMENTS_MAX: u64 = 250;
/// Without waiting for the disk a cut loses something nearly every time; none in so many would mean
/// that the method shows nothing.
const CONTROL_TIMES: usize = 3;

/// Power cuts in the midst of appending, sealing, trimming and merging; then the same with commits
/// that do not wait for the disk, which must lose something.
pub(crate) async fn run(times: usize) -> anyhow::Result<()> {
    let counts = cuts(times, Durability::Full).await?;
    ensure!(counts.lost == 0, "power cut: {} acknowledged appends are lost", counts.lost);
    println!("power cut: {times} times; {counts}");
    let control = cuts(CONTROL_TIMES, Durability::Off).await?;
    ensure!(control.lost > 0, "power cut: nothing is lost even without fsync, so this test shows nothing");
    println!(
        "power cut, control without fsync: {CONTROL_TIMES} times; {} acknowledged appends lost, as must be",
        control.lost
    );
    Ok(())
}

async fn cuts(times: usize, durability: Durability) -> anyhow::Result<Counts> {
    let mut random = Random(13);
    let mut counts = Counts::default();
    let mut disk = Disk::new(DISK_BYTES)?;
    let mut held = Acknowledged::new();
    let times_a_store = if durability == Durability::Full { TIMES_A_STORE } else { 1 };
    for time in 0..times {
        if time > 0 && time % times_a_store == 0 {
            (disk, held) = (Disk::new(DISK_BYTES)?, Acknowledged::new());
        }
        let station = disk.folder().join("station");
        let mut writer = Writer::start(&station, time as u64, durability)?;
        writer.wait(1 + random.below(ACKNOWLEDGEMENTS_MAX) as usize)?;
        tokio::time::sleep(Duration::from_micros(random.below(3_000))).await;
        disk.cut_power()?;
        held.extend(writer.kill()?);
        disk.unmount()?;
        disk.mount()?;
        if durability == Durability::Off {
            // Anything may be missing or torn, the store itself included.
            let acknowledged = held.len();
            if counts.look(&station, std::mem::take(&mut held), false).await.is_err() {
                counts.lost += acknowledged;
            }
            continue;
        }
        let is_last = time + 1 == times || (time + 1) % times_a_store == 0;
        held = counts.look(&station, held, is_last).await?;
    }
    Ok(counts)
}
