//! The same readings, given and asked over HTTP, in a station and in databases for measured values.

mod side;
mod work;

use std::{fs, path::PathBuf, time::Duration};

use anyhow::ensure;
use clap::Args;

use self::{
    side::Side,
    work::{Uplink, history},
};
use super::{
    http::now_ms,
    machine::{Disk, load, pause},
    report::{Samples, number},
};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Rounds whose medians are printed.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Devices with a month of readings, beside the one that has a year.
    #[arg(long, default_value_t = 40)]
    devices: u64,
    /// How long each thing is done in a round, in milliseconds.
    #[arg(long, default_value_t = 2_000)]
    asked_ms: u64,
    /// One short round, to see that it runs.
    #[arg(long)]
    quick: bool,
    /// A folder on the disk to measure; what is left there is removed.
    #[arg(long, default_value = "target/bench")]
    folder: PathBuf,
}

/// Of one side, one thing that is done: how often a second, and CPU µs of one.
#[derive(Default)]
struct Figures {
    per_second: Samples,
    cpu_us: Samples,
}

/// What is done in rounds.
const TASKS: [(Task, &str); 3] = [
    (Task::Uplink, "one uplink (8 readings) a request, 64 connections, acknowledged"),
    (Task::Month, "one series, a month (8,640 readings)"),
    (Task::Year, "one series, a year as averages (at most 250)"),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    Uplink,
    Month,
    Year,
}

pub(crate) fn run(mut arguments: Arguments) -> anyhow::Result<()> {
    if arguments.quick {
        (arguments.rounds, arguments.devices, arguments.asked_ms) = (1, 2, 500);
    }
    let asked = Duration::from_millis(arguments.asked_ms);
    fs::create_dir_all(&arguments.folder)?;
    let scratch = tempfile::tempdir_in(&arguments.folder)?;
    let mut disk = Disk::new(scratch.path())?;
    let mut syncs = Samples::default();
    for _ in 0..200 {
        syncs.extend([disk.sync()?]);
    }
    let end_ms = now_ms()? / 300_000 * 300_000;
    let [year, months] = history(arguments.devices, end_ms);
    let count = |uplinks: &[Uplink]| uplinks.iter().map(|uplink| uplink.readings.len()).sum::<usize>();
    let readings = count(&year) + count(&months);
    println!("a year of one device, a month of {}: {readings} readings", arguments.devices);

    let mut sides = Side::start_all(scratch.path(), end_ms)?;
    println!("\n| | {} |\n|---|{}", names(&sides, " | "), "---|".repeat(sides.len()));
    let mut loads = Vec::new();
    for side in &mut sides {
        side.load(&year)?;
        let each = count(&months) as f64 / months.len() as f64;
        let loaded = side.load(&months)?;
        let bytes = side.settled_bytes()? as f64 / readings as f64;
        loads.push((loaded.per_second() * each / 1e3, loaded.cpu_us() / each, bytes));
    }
    row("125 uplinks a request, 4 connections, acknowledged", &loads, |(rate, cpu, _)| {
        format!("{} k readings/s, {} µs each", number(*rate), number(*cpu))
    });
    row("bytes of all files at rest, a reading", &loads, |(_, _, bytes)| number(*bytes));

    for side in &sides {
        side.check()?;
    }
    let mut figures: Vec<Vec<Figures>> =
        TASKS.iter().map(|_| sides.iter().map(|_| Figures::default()).collect()).collect();
    for round in 0..arguments.rounds {
        for ((task, _), figures) in TASKS.iter().zip(&mut figures) {
            for (side, figures) in sides.iter().zip(figures) {
                let done = match task {
                    Task::Uplink => side.send(round as u64, end_ms, asked)?,
                    Task::Month => side.ask(|side| &side.month, asked)?,
                    Task::Year => side.ask(|side| std::slice::from_ref(&side.year), asked)?,
                };
                figures.per_second.add(done.per_second());
                figures.cpu_us.add(done.cpu_us());
                // What one of them does behind its answers should not be counted against the next.
                pause(Duration::from_millis(500));
            }
        }
        for _ in 0..100 {
            syncs.extend([disk.sync()?]);
        }
    }
    for ((_, what), figures) in TASKS.iter().zip(&figures) {
        row(what, figures, |figures| {
            format!("{} /s, {} µs", number(figures.per_second.median()), number(figures.cpu_us.median()))
        });
    }
    println!("\nfdatasync of 4 KiB p50 {:.0} µs; load {:.2}", syncs.median(), load()?);
    ensure!(sides.len() > 1, "there is nothing to compare with: install influxdb or victoria-metrics");
    Ok(())
}

fn names(sides: &[Side], between: &str) -> String {
    sides.iter().map(|side| side.name).collect::<Vec<_>>().join(between)
}

fn row<T>(what: &str, sides: &[T], write: impl Fn(&T) -> String) {
    println!("| {what} | {} |", sides.iter().map(write).collect::<Vec<_>>().join(" | "));
}
