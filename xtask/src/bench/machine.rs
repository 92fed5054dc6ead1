use std::{
    fs::{self, OpenOptions},
    os::unix::fs::FileExt,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context;

/// CPU time that a process has used, of all its threads, in the kernel too.
///
/// **Units**: counted in hundredths of a second.
pub(crate) fn cpu_time(pid: u32) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("cannot read a process's CPU time")?;
    ticks(&stat, 11)
}

/// CPU time of processes that this one has started and that have ended.
pub(crate) fn children_cpu_time() -> anyhow::Result<Duration> {
    ticks(&fs::read_to_string("/proc/self/stat").context("cannot read a process's CPU time")?, 13)
}

fn ticks(stat: &str, field: usize) -> anyhow::Result<Duration> {
    // The name in parentheses may hold anything.
    let fields = stat.rsplit_once(')').context("`/proc` is not as it was")?.1;
    let ticks = fields.split_whitespace().skip(field).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}

pub(crate) fn own_cpu_time() -> anyhow::Result<Duration> {
    cpu_time(std::process::id())
}

/// Memory of a process: `VmRSS` as it is, `VmHWM` the most it was.
///
/// **Units**: bytes.
pub(crate) fn memory(pid: u32, name: &str) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("cannot read a process's memory")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = line.context("`/proc` is not as it was")?.trim().trim_end_matches(" kB");
    Ok(kib.parse::<u64>()? * 1_024)
}

/// How many processes wanted to run during the last minute.
pub(crate) fn load() -> anyhow::Result<f64> {
    let text = fs::read_to_string("/proc/loadavg").context("cannot read the load")?;
    Ok(text.split(' ').next().unwrap_or_default().parse()?)
}

/// The disk below everything: one 4 KiB write and fdatasync at a time.
pub(crate) struct Disk {
    file: fs::File,
    next: u64,
}

const BLOCK_BYTES: u64 = 4_096;
const BLOCKS: u64 = 1_024;

impl Disk {
    pub(crate) fn new(folder: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().create(true).truncate(true).write(true).open(folder.join("fdatasync"))?;
        file.write_all_at(&vec![1; (BLOCK_BYTES * BLOCKS) as usize], 0)?;
        file.sync_all()?;
        Ok(Self { file, next: 0 })
    }

    pub(crate) fn sync(&mut self) -> anyhow::Result<Duration> {
        let block = [self.next as u8; BLOCK_BYTES as usize];
        let began = Instant::now();
        self.file.write_all_at(&block, self.next % BLOCKS * BLOCK_BYTES)?;
        self.file.sync_data()?;
        self.next += 1;
        Ok(began.elapsed())
    }
}

/// Bytes of all files in a folder.
pub(crate) fn folder_bytes(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        bytes += if entry.file_type()?.is_dir() { folder_bytes(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}

/// Waits, as senders do who go by the clock.
#[expect(clippy::disallowed_methods, reason = "a fleet sends at its own pace, not at the server's")]
pub(crate) fn pause(duration: Duration) {
    std::thread::sleep(duration);
}
