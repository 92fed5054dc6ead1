use std::{
    fs,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{anyhow, ensure};
use clap::Args;

use super::{
    http::{FIRST_EUI, measure, metric, now_ms, write_year, year_ms},
    machine::{Disk, cpu_time, folder_bytes, load, memory, pause},
    report::{Samples, number},
};
use crate::{
    connection::Connection,
    station::{Station, weather},
};

/// Connections that post at the same time.
const POSTING: usize = 64;
/// Readings of one uplink.
const READINGS: u64 = 8;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Devices that send.
    #[arg(long, default_value_t = 1_000_000)]
    devices: u64,
    /// Uplinks a second of all of them; every device every five minutes with the default.
    #[arg(long, default_value_t = 3_333)]
    rate: u64,
    /// How long they do.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// A folder on the disk to measure; what is left there is removed.
    #[arg(long, default_value = "target/bench")]
    folder: PathBuf,
}

/// A fleet that sends as it does in life, at its own pace and not the server's, and somebody who looks at charts.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    ensure!(arguments.devices > 0 && arguments.rate > 0, "a fleet has devices, and they send");
    fs::create_dir_all(&arguments.folder)?;
    let scratch = tempfile::tempdir_in(&arguments.folder)?;
    let folder = scratch.path().join("station");
    let station = Station::start(&folder)?;
    let mut disk = Disk::new(scratch.path())?;
    let mut synced = Samples::default();
    for _ in 0..200 {
        synced.extend([disk.sync()?]);
    }
    let begin_ms = now_ms()?;
    write_year(&station, year_ms(begin_ms), 0)?;

    let added = measure(station.pid(), POSTING, |index| {
        let mut connection = Connection::open(station.address)?;
        let mut count = 0;
        for device in (1 + index as u64..=arguments.devices).step_by(POSTING) {
            post(&station, &mut connection, device, 0, begin_ms)?;
            count += 1;
        }
        Ok(count)
    })?;
    println!(
        "{} devices added by their first uplink in {:.0} s, {:.0} µs CPU each; {} MiB of memory",
        added.count,
        added.elapsed.as_secs_f64(),
        added.cpu_us(),
        memory(station.pid(), "VmRSS")? >> 20
    );

    let chart = station.get(&format!(
        "/openapi/aggregate_chart_points?device_eui={FIRST_EUI:016X}&channel_index=1&measurement_id=4097&interval=60&time_start={}&time_end={begin_ms}",
        year_ms(begin_ms)(0)
    ));
    let stored = metric(&station, "senstation_store_commits_total")?;
    let (next, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let (latencies, charts) = (Mutex::new(Samples::default()), Mutex::new(Samples::default()));
    let (began, began_cpu) = (Instant::now(), cpu_time(station.pid())?);
    let until = Duration::from_secs_f64(arguments.minutes * 60.0);
    let posted: anyhow::Result<u64> = thread::scope(|scope| {
        let looks = scope.spawn(|| -> anyhow::Result<()> {
            let mut connection = Connection::open(station.address)?;
            while !is_over.load(Relaxed) {
                let asked = Instant::now();
                ensure!(connection.ask(&chart)?.status == 200, "a chart is refused");
                charts.lock().map_err(poisoned)?.extend([asked.elapsed()]);
                pause(Duration::from_millis(500));
            }
            Ok(())
        });
        let posting: Vec<_> = (0..POSTING)
            .map(|_| {
                scope.spawn(|| -> anyhow::Result<u64> {
                    let (mut connection, mut count) = (Connection::open(station.address)?, 0);
                    let mut waited = Samples::default();
                    loop {
                        let number = next.fetch_add(1, Relaxed);
                        let due = Duration::from_secs_f64(number as f64 / arguments.rate as f64);
                        if due >= until {
                            break;
                        }
                        pause(due.saturating_sub(began.elapsed()));
                        let device = 1 + number % arguments.devices;
                        let at_ms = begin_ms + 300_000 + due.as_millis() as i64;
                        post(&station, &mut connection, device, 1 + number / arguments.devices, at_ms)?;
                        // From when it was due, so that a server that falls behind is not flattered.
                        waited.extend([began.elapsed().saturating_sub(due)]);
                        count += 1;
                    }
                    latencies.lock().map_err(poisoned)?.merge(waited);
                    Ok(count)
                })
            })
            .collect();
        let counts = posting.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a client panicked"))?).sum();
        is_over.store(true, Relaxed);
        looks.join().map_err(|_| anyhow!("a client panicked"))??;
        counts
    });
    let (posted, elapsed) = (posted?, began.elapsed());
    let cpu = cpu_time(station.pid())?.saturating_sub(began_cpu);
    let commits = metric(&station, "senstation_store_commits_total")? - stored;
    let (latencies, charts) = (latencies.into_inner().map_err(poisoned)?, charts.into_inner().map_err(poisoned)?);
    let cores = thread::available_parallelism()?.get() as f64;
    let three = |samples: &Samples| {
        let [p50, p99, longest] = [0.5, 0.99, 1.0].map(|share| number(samples.quantile(share) / 1e3));
        format!("{p50} / {p99} / {longest} ms")
    };
    let seconds = elapsed.as_secs_f64();
    let share = cpu.as_secs_f64() / seconds / cores * 100.0;
    let rows = [
        ("uplinks a second", "3.3 k", number(posted as f64 / seconds)),
        ("readings a second", "", number((posted * READINGS) as f64 / seconds)),
        ("CPU, share of the machine", "≤ 35 %", format!("{share:.1} %")),
        ("CPU of an uplink, everything counted", "", format!("{} µs", number(cpu.as_secs_f64() * 1e6 / posted as f64))),
        ("uplinks in one fsync", "", number(posted as f64 / commits)),
        ("from due to durable, p50 / p99 / longest", "", three(&latencies)),
        ("a year's chart meanwhile, p50 / p99 / longest", "≤ 20 ms", three(&charts)),
        ("memory, most at any time", "≤ 2,500 MB", format!("{} MiB", memory(station.pid(), "VmHWM")? >> 20)),
        ("files", "", format!("{} MiB", folder_bytes(&folder)? >> 20)),
    ];
    println!(
        "\n{} devices, {} readings an uplink, {:.1} minutes; fdatasync of 4 KiB p50 {:.0} µs, p99 {:.0} µs; load {:.2}\n\n| what | goal | Senstation |\n|---|---|---|",
        arguments.devices,
        READINGS,
        elapsed.as_secs_f64() / 60.0,
        synced.median(),
        synced.quantile(0.99),
        load()?
    );
    for (what, goal, ours) in rows {
        println!("| {what} | {goal} | {ours} |");
    }
    Ok(())
}

fn post(station: &Station, connection: &mut Connection, device: u64, number: u64, at_ms: i64) -> anyhow::Result<()> {
    let body = weather(FIRST_EUI + device, number, at_ms);
    let answer = connection.ask(&station.post(&body))?;
    ensure!(answer.status == 200, "an uplink is answered with {}", answer.status);
    let stored = format!("\"stored\":{READINGS}");
    ensure!(
        answer.body.windows(stored.len()).any(|part| part == stored.as_bytes()),
        "an uplink is answered with `{}`",
        String::from_utf8_lossy(answer.body)
    );
    Ok(())
}

fn poisoned<T>(_: std::sync::PoisonError<T>) -> anyhow::Error {
    anyhow!("a client panicked")
}
