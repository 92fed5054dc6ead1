use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use anyhow::{Context, bail, ensure};
use clap::Args;
use model::{DeviceId, DeviceKind, Organization, Position, Timestamp};
use store::{Binding, Entry, Registry, Telemetry};
use store_embedded::{Chore, Durability, EmbeddedStore, Settings};

use super::load::{CALLERS, DEVICES, ORG, Operation, eui};
use crate::random::Random;

#[derive(Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    folder: PathBuf,
    #[arg(long)]
    run: u64,
    /// Acknowledge without waiting for the disk.
    #[arg(long)]
    durability_off: bool,
}

/// Small windows, so that sealing, checkpoints, trimming and merging all happen within a second.
pub(crate) fn settings(durability: Durability) -> Settings {
    Settings {
        log_window_ms: 20_000,
        checkpoint_interval_ms: 2_000,
        checkpoint_bytes: 1 << 20,
        open_bytes_max: 256 << 10,
        durability,
        ..Settings::default()
    }
}

/// Opens the store that a fault is tried on, with its fleet.
pub(crate) async fn open(folder: &Path, durability: Durability) -> anyhow::Result<(Arc<EmbeddedStore>, Vec<DeviceId>)> {
    let store = EmbeddedStore::open(folder, settings(durability))?;
    match store.get_organization(ORG).await {
        Ok(_) => {}
        Err(store::Error::NotFound(_)) => {
            let created_at = Timestamp::EPOCH;
            store.create_organization(Organization { id: ORG, name: "faults".into(), created_at }).await?;
        }
        Err(error) => return Err(error.into()),
    }
    let mut devices = Vec::new();
    for index in 0..DEVICES {
        let device = match store.find_device(ORG, eui(index)).await? {
            Some(device) => device,
            None => store.bind_device(binding(index)).await?,
        };
        devices.push(device.id);
    }
    Ok((store, devices))
}

fn binding(index: u64) -> Binding {
    Binding {
        org: ORG,
        eui: eui(index),
        kind: DeviceKind::Node,
        model: "S2120".into(),
        name: String::new(),
        group: None,
        place: None,
        frequency: String::new(),
        code: String::new(),
        bound_at: Timestamp::EPOCH,
    }
}

/// Appends until it is killed, and prints a line for every acknowledgement: caller, number,
/// positions.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let durability = if arguments.durability_off { Durability::Off } else { Durability::Full };
    let (store, devices) = open(&arguments.folder, durability).await?;
    let devices: Arc<[DeviceId]> = devices.into();
    let mut tasks = tokio::task::JoinSet::new();
    let newest_ms = Arc::new(AtomicU64::new(0));
    for caller in 0..CALLERS {
        let first = Operation { run: arguments.run, caller, number: 0 };
        tasks.spawn(call(Arc::clone(&store), Arc::clone(&devices), first, Arc::clone(&newest_ms)));
    }
    tasks.spawn(keep_in_order(store, arguments.run, newest_ms));
    tasks.join_next().await.context("nothing runs")??
}

async fn call(
    store: Arc<EmbeddedStore>,
    devices: Arc<[DeviceId]>,
    mut operation: Operation,
    newest_ms: Arc<AtomicU64>,
) -> anyhow::Result<()> {
    let mut before: Option<(Operation, Vec<Position>)> = None;
    loop {
        let mut entries = entries(operation, before.as_ref(), &devices);
        let count = entries.len();
        // Somebody sends the last uplink of the last append again.
        let again = match &before {
            Some((earlier, positions)) if operation.number.is_multiple_of(5) && !earlier.is_redecode() => {
                earlier.uplinks(&devices).pop().zip(positions.last().copied())
            }
            _ => None,
        };
        entries.extend(again.iter().map(|(entry, _)| entry.clone()));
        let appended = store.append(entries).await?;
        for ((_, first), answer) in again.iter().zip(&appended[count..]) {
            ensure!(answer.duplicate && answer.position == *first, "a duplicate of {first} is stored at {answer:?}");
        }
        let positions: Vec<Position> = appended[..count].iter().map(|appended| appended.position).collect();
        let mut line = format!("{} {}", operation.caller, operation.number);
        for position in &positions {
            line.push_str(&format!(" {position}"));
        }
        line.push('\n');
        let mut out = std::io::stdout().lock();
        out.write_all(line.as_bytes())?;
        out.flush()?;
        drop(out);
        newest_ms.fetch_max(operation.now().as_millis() as u64, Relaxed);
        before = Some((operation, positions));
        operation.number += 1;
    }
}

/// What an operation appends, given the one before it of the same caller.
pub(crate) fn entries(
    operation: Operation,
    before: Option<&(Operation, Vec<Position>)>,
    devices: &[DeviceId],
) -> Vec<Entry> {
    match before {
        Some((earlier, positions)) if operation.is_redecode() => {
            operation.redecode(*earlier, positions[0], devices).into_iter().collect()
        }
        _ => operation.uplinks(devices),
    }
}

async fn keep_in_order(store: Arc<EmbeddedStore>, run: u64, newest_ms: Arc<AtomicU64>) -> anyhow::Result<()> {
    let mut random = Random(run);
    loop {
        let now = Timestamp::from_millis(newest_ms.load(Relaxed) as i64);
        let chore = match random.below(20) {
            0 => Chore::SealAll,
            1 => Chore::MergeAll,
            2 => Chore::Checkpoint,
            3 => Chore::Trim { now },
            _ => Chore::Maintain { now },
        };
        store.chore(chore).await?;
        tokio::time::sleep(std::time::Duration::from_millis(random.below(30))).await;
    }
}

/// A writer as its parent sees it.
pub(crate) struct Writer {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    run: u64,
    acknowledged: Acknowledged,
}

/// What was acknowledged, and where it stands.
pub(crate) type Acknowledged = BTreeMap<Operation, Vec<Position>>;

impl Writer {
    pub(crate) fn start(folder: &Path, run: u64, durability: Durability) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["faults", "writer", "--run", &run.to_string(), "--folder"]).arg(folder);
        if durability == Durability::Off {
            command.arg("--durability-off");
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let lines = BufReader::new(child.stdout.take().context("a writer has no output")?).lines();
        Ok(Self { child, lines, run, acknowledged: Acknowledged::new() })
    }

    /// Waits for so many acknowledgements.
    pub(crate) fn wait(&mut self, count: usize) -> anyhow::Result<()> {
        for _ in 0..count {
            let Some(line) = self.lines.next() else {
                let mut words = String::new();
                self.child.stderr.take().context("a writer has no words")?.read_to_string(&mut words)?;
                bail!("the writer has stopped by itself: {}", words.trim());
            };
            self.take(&line?)?;
        }
        Ok(())
    }

    /// Kills it, and answers everything it was told until then.
    pub(crate) fn kill(mut self) -> anyhow::Result<Acknowledged> {
        self.child.kill()?;
        self.child.wait()?;
        // The last line may be cut off.
        while let Some(Ok(line)) = self.lines.next() {
            if self.take(&line).is_err() {
                break;
            }
        }
        Ok(std::mem::take(&mut self.acknowledged))
    }

    fn take(&mut self, line: &str) -> anyhow::Result<()> {
        let mut numbers = line.split(' ').map(str::parse::<u64>);
        let (Some(Ok(caller)), Some(Ok(number))) = (numbers.next(), numbers.next()) else {
            bail!("the writer says `{line}`");
        };
        let positions = numbers.map(|number| number.map(Position::from_raw)).collect::<Result<Vec<_>, _>>()?;
        self.acknowledged.insert(Operation { run: self.run, caller, number }, positions);
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
