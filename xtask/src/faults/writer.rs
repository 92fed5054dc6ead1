use std::{
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use clap::Args;
use model::Timestamp;
use rustix::process::{Pid, Signal};
use store::{Entry, Telemetry, conformance::random::Ledger};
use store_embedded::{Chore, Durability, EmbeddedStore, Settings};

use crate::random::Random;

/// Callers that append at the same time, each waiting for its last append.
pub(crate) const LANES: u8 = 8;

#[derive(Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    folder: PathBuf,
    #[arg(long)]
    seed: u64,
    /// What the writers before it printed.
    #[arg(long)]
    lines: PathBuf,
    /// Acknowledge without waiting for the disk.
    #[arg(long)]
    durability_off: bool,
}

/// Small windows, so that sealing, checkpoints, trimming and merging all happen within a second.
pub(crate) fn open(folder: &Path, durability: Durability) -> anyhow::Result<Arc<EmbeddedStore>> {
    let settings = Settings {
        log_window_ms: 100_000,
        checkpoint_interval_ms: 50_000,
        checkpoint_bytes: 256 << 10,
        open_bytes_max: 64 << 10,
        durability,
        ..Settings::default()
    };
    Ok(EmbeddedStore::open(folder, settings)?)
}

/// Appends until it is killed, and prints a line for every acknowledgement.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { folder, seed, lines, durability_off } = arguments;
    let store = open(&folder, if durability_off { Durability::Off } else { Durability::Full })?;
    let lines = std::fs::read_to_string(lines).context("cannot read the lines of earlier writers")?;
    let newest_ms = Arc::new(AtomicI64::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for lane in 0..LANES {
        let mut ledger = Ledger::resume(seed, lane, &lines)?;
        ledger.prepare(store.as_ref()).await?;
        tasks.spawn(append(Arc::clone(&store), ledger, Arc::clone(&newest_ms)));
    }
    tasks.spawn(keep_in_order(store, seed, newest_ms));
    tasks.join_next().await.context("nothing runs")??
}

async fn append(store: Arc<EmbeddedStore>, mut ledger: Ledger, newest_ms: Arc<AtomicI64>) -> anyhow::Result<()> {
    loop {
        let batch = ledger.next_batch();
        let newest = batch.iter().map(received_at).max().unwrap_or_default();
        let appended = store.append(batch).await?;
        let line = ledger.acknowledge(&appended) + "\n";
        let mut out = std::io::stdout().lock();
        out.write_all(line.as_bytes())?;
        out.flush()?;
        newest_ms.fetch_max(newest.as_millis(), Relaxed);
    }
}

pub(crate) fn received_at(entry: &Entry) -> Timestamp {
    match entry {
        Entry::Uplink(uplink) => uplink.received_at,
        Entry::Redecode(redecode) => redecode.received_at,
        Entry::Message(message) => message.received_at,
    }
}

async fn keep_in_order(store: Arc<EmbeddedStore>, seed: u64, newest_ms: Arc<AtomicI64>) -> anyhow::Result<()> {
    let mut random = Random(seed);
    loop {
        let now = Timestamp::from_millis(newest_ms.load(Relaxed));
        let chore = match random.below(20) {
            0 => Chore::SealAll,
            1 => Chore::MergeAll,
            2 => Chore::Checkpoint,
            3 => Chore::Trim { now },
            _ => Chore::Maintain { now },
        };
        store.chore(chore).await?;
        tokio::time::sleep(Duration::from_millis(random.below(30))).await;
    }
}

/// A writer as its parent sees it.
pub(crate) struct Writer {
    child: Child,
    out: std::io::Lines<BufReader<ChildStdout>>,
    lines: String,
}

impl Writer {
    /// Starts one that goes on where others ended.
    pub(crate) fn start(folder: &Path, seed: u64, lines: &str, durability: Durability) -> anyhow::Result<Self> {
        let earlier = tempfile::NamedTempFile::new()?;
        std::fs::write(&earlier, lines)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["faults", "writer", "--seed", &seed.to_string(), "--lines"]).arg(earlier.path());
        command.arg("--folder").arg(folder);
        if durability == Durability::Off {
            command.arg("--durability-off");
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let out = BufReader::new(child.stdout.take().context("a writer has no output")?).lines();
        let mut writer = Self { child, out, lines: String::new() };
        // By then it has read what the others left.
        writer.wait(1)?;
        Ok(writer)
    }

    /// Waits for so many acknowledgements.
    pub(crate) fn wait(&mut self, count: usize) -> anyhow::Result<()> {
        for _ in 0..count {
            let Some(line) = self.out.next() else {
                let mut words = String::new();
                self.child.stderr.take().context("a writer has no words")?.read_to_string(&mut words)?;
                bail!("the writer has stopped by itself: {}", words.trim());
            };
            self.lines.push_str(&line?);
            self.lines.push('\n');
        }
        Ok(())
    }

    /// Stops it where it is; from here on it prints nothing, whatever the disk answers it. Answers
    /// whether it was waiting for the disk.
    pub(crate) fn freeze(&self) -> anyhow::Result<bool> {
        let pid = Pid::from_child(&self.child);
        rustix::process::kill_process(pid, Signal::STOP)?;
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            let states = thread_states(pid)?;
            if states.iter().all(|state| matches!(state, 'T' | 'D')) {
                return Ok(states.contains(&'D'));
            }
            std::thread::yield_now();
        }
        bail!("the writer does not stop");
    }

    /// Kills it, and answers every line that it printed.
    pub(crate) fn kill(mut self) -> anyhow::Result<String> {
        self.child.kill()?;
        self.child.wait()?;
        while let Some(Ok(line)) = self.out.next() {
            self.lines.push_str(&line);
            self.lines.push('\n');
        }
        Ok(std::mem::take(&mut self.lines))
    }
}

/// One letter for each thread, as the kernel has it: T is stopped, D waits for a disk.
fn thread_states(pid: Pid) -> anyhow::Result<Vec<char>> {
    let mut states = Vec::new();
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end meanwhile.
        let Ok(stat) = std::fs::read_to_string(thread?.path().join("stat")) else { continue };
        // The name before it, in brackets, may hold anything.
        states.extend(stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()));
    }
    Ok(states)
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
