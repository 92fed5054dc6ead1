//! Exports of the real binary, and what a backup does to those who append meanwhile.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use clap::Args;
use store::{Entry, Telemetry};
use store_embedded::{
    EmbeddedStore,
    backup::{BackupNotes, BackupSummary},
};

use super::{
    fleet::{Fleet, MEASUREMENTS, TICKS_A_DAY},
    machine::{Disk, children_cpu_time, load},
    report::{Line, Samples, print},
    storage::{DEVICES, ORG, SOURCE, START, batches, bind, open, settle},
};
use crate::station;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Rounds whose medians are printed.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Days of the fleet's readings that are exported and backed up.
    #[arg(long, default_value_t = 7)]
    days: usize,
    /// One short round, to see that it runs.
    #[arg(long)]
    quick: bool,
    /// A folder on the disk to measure; what is left there is removed.
    #[arg(long, default_value = "target/bench")]
    folder: std::path::PathBuf,
}

const FORMATS: [(&str, &str, &str); 3] = [
    ("csv", "export as CSV, all readings; M readings a second of CPU", "≥ 2"),
    ("jsonl", "the same as JSON lines", ""),
    ("parquet", "the same as Parquet", "≥ 1"),
];
/// Ticks appended with and without a backup beside them.
const APPENDED: usize = 60;

/// Every row of the goals of backup and export.
pub(crate) async fn run(mut arguments: Arguments) -> anyhow::Result<()> {
    if arguments.quick {
        (arguments.rounds, arguments.days) = (1, 1);
    }
    let binary = station::build()?;
    std::fs::create_dir_all(&arguments.folder)?;
    let scratch = tempfile::tempdir_in(&arguments.folder)?;
    let mut disk = Disk::new(scratch.path())?;
    let mut syncs = Samples::default();
    let folder = scratch.path().join("station");
    let store = open(&folder)?;
    let devices = bind(&store, DEVICES).await?;
    let mut fleet = Fleet::new(ORG, SOURCE, &devices, START, 1);
    for _ in 0..arguments.days * TICKS_A_DAY {
        for batch in batches(fleet.tick()) {
            store.append(batch).await?;
        }
        store.maintain(fleet.now()).await?;
    }
    settle(&store, fleet.now()).await?;
    println!(
        "{DEVICES} devices with {} measurements, {} days, {} rounds; load {:.2}",
        MEASUREMENTS.len(),
        arguments.days,
        arguments.rounds,
        load()?,
    );
    let mut backup = Line::new("backup; MB of content a second", "≥ 200", "MB/s");
    let mut alone = Line::new("durable append without one, batches of 1,000 points", "", "M points/s");
    let mut beside = Line::new("the same while backups are made", "≥ 0.9 × that", "M points/s");
    for _ in 0..arguments.rounds {
        for _ in 0..100 {
            syncs.extend([disk.sync()?]);
        }
        alone.ours.add(append(&store, &mut fleet, None).await?.0);
        let (points, backups) = append(&store, &mut fleet, Some(scratch.path())).await?;
        beside.ours.add(points);
        let made = make_backup(&store, scratch.path()).await?;
        backup.ours.add(made.content_bytes as f64 / 1e6 / made.elapsed.as_secs_f64());
        println!("{backups} backups of {:.0} MB were made meanwhile; load {:.2}", made.bytes as f64 / 1e6, load()?);
        store.maintain(fleet.now()).await?;
    }
    store.close().await?;
    let mut lines = Vec::new();
    for (format, what, goal) in FORMATS {
        let mut line = Line::new(what, goal, "M/s");
        for _ in 0..arguments.rounds {
            let (readings, cpu) = export(&binary, &folder, scratch.path(), format)?;
            line.ours.add(readings as f64 / 1e6 / cpu.as_secs_f64());
            line.cpu.add(cpu.as_secs_f64() * 1e6 / readings as f64);
        }
        lines.push(line);
    }
    lines.extend([backup, alone, beside]);
    println!(
        "fdatasync of 4 KiB p50 {:.0} µs, p99 {:.0} µs; load {:.2}",
        syncs.median(),
        syncs.quantile(0.99),
        load()?
    );
    print("beside", &lines);
    Ok(())
}

/// Readings of a whole export, and the CPU time of the process that wrote it.
fn export(binary: &Path, station: &Path, scratch: &Path, format: &str) -> anyhow::Result<(u64, Duration)> {
    let file = scratch.join(format!("export.{format}"));
    let manifest = scratch.join(format!("export.{format}.manifest.json"));
    let before = children_cpu_time()?;
    let mut command = Command::new(binary);
    command.arg("--data-dir").arg(station).arg("--json").args(["export", "--format", format, "--to"]).arg(&file);
    let output = command.stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "the export failed");
    let cpu = children_cpu_time()?.saturating_sub(before);
    let made: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    for file in [file, manifest] {
        std::fs::remove_file(file)?;
    }
    Ok((made["rows"].as_u64().context("the export says no number of readings")?, cpu))
}

struct Made {
    content_bytes: u64,
    bytes: u64,
    elapsed: Duration,
}

async fn make_backup(store: &Arc<EmbeddedStore>, folder: &Path) -> anyhow::Result<Made> {
    let file = folder.join("bench.backup");
    let frozen = store.freeze().await?;
    let begun = Instant::now();
    // On a thread behind all others, as a station makes it.
    let (reply, made) = tokio::sync::oneshot::channel();
    let write = move || {
        let out = std::fs::File::create(&file)?;
        let notes = BackupNotes { made_at: START, program: "bench".to_owned(), files: Vec::new() };
        let summary = frozen.write_backup(&out, &notes, &mut |_, _| true)?;
        out.sync_all()?;
        Ok::<_, anyhow::Error>(summary)
    };
    std::thread::spawn(move || {
        let _as_before = rustix::process::setpriority_process(None, 10);
        drop(reply.send(write()));
    });
    let summary: BackupSummary = made.await??;
    let elapsed = begun.elapsed();
    Ok(Made { content_bytes: summary.content_bytes, bytes: summary.bytes, elapsed })
}

/// Millions of points appended a second by one caller, and how many backups were made in that time.
async fn append(store: &Arc<EmbeddedStore>, fleet: &mut Fleet, backups: Option<&Path>) -> anyhow::Result<(f64, usize)> {
    let all: Vec<Vec<Entry>> = (0..APPENDED).flat_map(|_| batches(fleet.tick())).collect();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let backing = backups.map(|folder| {
        let (store, folder) = (Arc::clone(store), folder.to_owned());
        tokio::spawn(async move {
            let mut count = 0;
            while !*stopped.borrow() {
                make_backup(&store, &folder).await?;
                count += 1;
            }
            Ok::<_, anyhow::Error>(count)
        })
    });
    let (begun, mut points) = (Instant::now(), 0);
    for batch in all {
        points += batch.len() * MEASUREMENTS.len();
        store.append(batch).await?;
    }
    let elapsed = begun.elapsed();
    stop.send_replace(true);
    let count = match backing {
        Some(backing) => backing.await??,
        None => 0,
    };
    Ok((points as f64 / elapsed.as_secs_f64() / 1e6, count))
}
