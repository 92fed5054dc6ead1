use anyhow::{Context, ensure};
use store_embedded::Durability;

use super::{
    image::Disk,
    kill::{Counts, TIMES_A_STORE, at_a_random_moment},
    writer::Writer,
};
use crate::random::Random;

const DISK_BYTES: u64 = 512 << 20;
/// Without waiting for the disk a cut loses something nearly every time.
const CONTROL_TIMES: usize = 3;

/// Power cuts in the midst of appending, sealing, trimming and merging; then the same with commits
/// that do not wait for the disk, which must lose something.
pub(crate) async fn run(times: usize) -> anyhow::Result<()> {
    let mut random = Random(13);
    let mut counts = Counts::default();
    let mut disk = Disk::new(DISK_BYTES)?;
    let (mut seed, mut lines, mut waiting) = (0, String::new(), 0);
    for time in 0..times {
        if time > 0 && time % TIMES_A_STORE == 0 {
            (disk, seed, lines) = (Disk::new(DISK_BYTES)?, time as u64, String::new());
        }
        let (printed, waited) = cut(&mut disk, seed, &lines, Durability::Full, &mut random).await?;
        lines += &printed;
        waiting += usize::from(waited);
        let looked = counts.look(&disk.folder().join("station"), seed, &lines).await;
        looked.with_context(|| format!("after cut {}", time + 1))?;
    }
    println!("power cut: {times} times, {waiting} of them while a commit waited for the disk; {counts}");

    let mut losses = 0;
    for time in 0..CONTROL_TIMES {
        disk = Disk::new(DISK_BYTES)?;
        let (lines, _) = cut(&mut disk, time as u64, "", Durability::Off, &mut random).await?;
        let looked = Counts::default().look(&disk.folder().join("station"), time as u64, &lines).await;
        losses += usize::from(looked.is_err());
    }
    println!("power cut, control without fsync: {CONTROL_TIMES} times, something lost in {losses}");
    ensure!(losses > 0, "nothing is lost even without fsync, so this test shows nothing");
    Ok(())
}

/// Lets a writer run and cuts its power; answers what it had printed until then, and whether it was
/// waiting for the disk.
async fn cut(
    disk: &mut Disk,
    seed: u64,
    lines: &str,
    durability: Durability,
    random: &mut Random,
) -> anyhow::Result<(String, bool)> {
    let mut writer = Writer::start(&disk.folder().join("station"), seed, lines, durability)?;
    let switch = disk.switch()?;
    at_a_random_moment(&mut writer, random).await?;
    // A power cut stops the processor as well. A writer that went on would hear from the kernel
    // that a commit is durable which is not: what is then left to write is dropped unseen.
    let waited = writer.freeze()?;
    switch.cut()?;
    let lines = writer.kill()?;
    disk.unmount()?;
    disk.mount()?;
    Ok((lines, waited))
}
