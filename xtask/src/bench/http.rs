use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::Barrier,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, anyhow, ensure};
use clap::{Args, ValueEnum};

use super::{
    hello::Hello,
    machine::{Disk, cpu_time, load},
    report::{Line, Samples, print},
};
use crate::{
    connection::Connection,
    station::{Station, uplink},
};

/// Connections that ask at the same time.
const ASKING: usize = 4;
/// Connections that post at the same time.
const POSTING: usize = 64;
/// Devices that the posts are about.
const DEVICES: u64 = 1_000;
pub(super) const FIRST_EUI: u64 = 0x2CF7_F120_0410_0000;
const TICK_MS: i64 = 5 * 60_000;
const YEAR_TICKS: u64 = 365 * 288;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Rounds whose medians are printed.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long each question is asked in a round, in milliseconds.
    #[arg(long, default_value_t = 2_000)]
    asked_ms: u64,
    /// One short round, to see that it runs.
    #[arg(long)]
    quick: bool,
    /// Only these rows, which is what a profile wants.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "latest,list,chart,webhook")]
    only: Vec<Row>,
    /// A folder on the disk to measure; what is left there is removed.
    #[arg(long, default_value = "target/bench")]
    folder: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Row {
    Latest,
    List,
    Chart,
    Webhook,
}

/// The first rows of the goals for the whole process, over loopback, with the least an axum server
/// does in the same run.
pub(crate) fn run(mut arguments: Arguments) -> anyhow::Result<()> {
    if arguments.quick {
        (arguments.rounds, arguments.asked_ms) = (1, 500);
    }
    let asked = Duration::from_millis(arguments.asked_ms);
    std::fs::create_dir_all(&arguments.folder)?;
    let scratch = tempfile::tempdir_in(&arguments.folder)?;
    let station = Station::start(&scratch.path().join("station"))?;
    let hello = Hello::start()?;
    let mut disk = Disk::new(scratch.path())?;
    let now_ms = now_ms()?;

    let year_ms = year_ms(now_ms);
    write_year(&station, &year_ms, DEVICES)?;

    let eui = format!("{FIRST_EUI:016X}");
    let latest = station.get(&format!("/openapi/view_latest_telemetry_data?device_eui={eui}"));
    let list =
        station.get(&format!("/openapi/list_telemetry_data?device_eui={eui}&limit=1000&time_start={}", year_ms(0)));
    let aggregate = station.get(&format!(
        "/openapi/aggregate_chart_points?device_eui={eui}&channel_index=1&measurement_id=4097&interval=60&time_start={}&time_end={now_ms}",
        year_ms(0)
    ));
    let mut connection = Connection::open(station.address)?;
    for (request, least) in [(&latest, 2), (&list, 1_000), (&aggregate, 200)] {
        let answer = connection.ask(request)?;
        let times = answer.body.windows(2).filter(|part| part == b"Z\"").count();
        let body = String::from_utf8_lossy(&answer.body[..answer.body.len().min(200)]);
        ensure!(answer.status == 200 && times >= least, "only {times} times are in the answer `{body}`");
    }
    let list_bytes = connection.ask(&list)?.body.len();

    let mut figures = Figures::new();
    for round in 1..=arguments.rounds {
        for _ in 0..100 {
            figures.disk.extend([disk.sync()?]);
        }
        let hello = ask(hello.address, hello.pid(), b"GET / HTTP/1.1\r\nHost: hello\r\n\r\n", asked)?;
        for (row, line, request) in [
            (Row::Latest, &mut figures.latest, &latest),
            (Row::List, &mut figures.list, &list),
            (Row::Chart, &mut figures.aggregate, &aggregate),
        ] {
            if !arguments.only.contains(&row) {
                continue;
            }
            let asked = ask(station.address, station.pid(), request, asked)?;
            line.ours.add(asked.per_second() / 1e3);
            line.cpu.add(asked.cpu_us());
            line.beside.add(hello.per_second() / 1e3);
        }
        if arguments.only.contains(&Row::Webhook) {
            let commits = metric(&station, "senstation_store_commits_total")?;
            let posted = post(&station, round as u64, now_ms, asked)?;
            figures.webhook.ours.add(posted.per_second() / 1e3);
            figures.webhook.cpu.add(posted.cpu_us());
            let commits = metric(&station, "senstation_store_commits_total")? - commits;
            figures.uplinks_a_commit.ours.add(posted.count as f64 / commits);
        }
        figures.hello_us.add(hello.cpu_us());
        println!(
            "round {round}: fdatasync of 4 KiB p50 {:.0} µs, p99 {:.0} µs; hello {:.0} /s, {:.2} µs CPU; load {:.2}",
            figures.disk.median(),
            figures.disk.quantile(0.99),
            hello.per_second(),
            hello.cpu_us(),
            load()?
        );
    }
    let list_us = figures.list.cpu.median();
    let ratio = figures.latest.cpu.median() / figures.hello_us.median();
    let is_whole = [Row::Latest, Row::List].iter().all(|row| arguments.only.contains(row));
    figures.print();
    if !is_whole {
        return Ok(());
    }
    println!("\n`view_latest_telemetry_data` costs {ratio:.2} times what axum's hello costs");
    println!(
        "`list_telemetry_data`: {list_bytes} bytes, {:.0} MB a second of CPU, everything counted",
        list_bytes as f64 / list_us
    );
    Ok(())
}

struct Figures {
    /// Of one fdatasync, in µs, nothing else going on.
    disk: Samples,
    /// CPU time of one answer of axum's hello, in µs.
    hello_us: Samples,
    latest: Line,
    list: Line,
    aggregate: Line,
    webhook: Line,
    uplinks_a_commit: Line,
}

impl Figures {
    fn new() -> Self {
        let none = Samples::default;
        Self {
            disk: none(),
            hello_us: none(),
            latest: Line::new("`view_latest_telemetry_data`", "≤ 10 µs CPU, ≤ 2.5 × hello", "k/s"),
            list: Line::new("`list_telemetry_data`, 1,000 points", "≤ 120 µs CPU", "k/s"),
            aggregate: Line::new("`aggregate_chart_points`, a year", "≤ 1,200 µs CPU", "k/s"),
            webhook: Line::new(
                "ChirpStack's webhook, one uplink, durable, 64 connections",
                "≥ 20 k/s, ≤ 35 µs CPU",
                "k/s",
            ),
            uplinks_a_commit: Line::new("uplinks of these in one fsync", "≥ 30", ""),
        }
    }

    fn print(self) {
        let hello_us = self.hello_us.median();
        print(
            &format!("axum hello ({hello_us:.2} µs CPU)"),
            &[self.latest, self.list, self.aggregate, self.webhook, self.uplinks_a_commit],
        );
    }
}

/// How often something was answered, and what it cost the server.
#[derive(Clone, Copy)]
pub(super) struct Answered {
    pub(super) count: u64,
    pub(super) elapsed: Duration,
    cpu: Duration,
}

impl Answered {
    pub(super) fn per_second(&self) -> f64 {
        self.count as f64 / self.elapsed.as_secs_f64()
    }

    pub(super) fn cpu_us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.count as f64
    }
}

/// Asks the same over and over on several connections.
fn ask(address: SocketAddr, pid: u32, request: &[u8], asked: Duration) -> anyhow::Result<Answered> {
    measure(pid, ASKING, |_| {
        let mut connection = Connection::open(address)?;
        let (began, mut count) = (Instant::now(), 0);
        while began.elapsed() < asked {
            let status = connection.ask(request)?.status;
            ensure!(status == 200, "a question is answered with {status}");
            count += 1;
        }
        Ok(count)
    })
}

/// Posts uplinks of a fleet on many connections, every one of them new.
fn post(station: &Station, round: u64, now_ms: i64, asked: Duration) -> anyhow::Result<Answered> {
    measure(station.pid(), POSTING, |index| {
        let mut connection = Connection::open(station.address)?;
        let (began, mut count) = (Instant::now(), 0);
        while began.elapsed() < asked {
            let number = (round * 10_000_000) + count * POSTING as u64 + index as u64;
            let body = uplink(FIRST_EUI + 1 + number % DEVICES, number, now_ms + count as i64);
            let status = connection.ask(&station.post(&body))?.status;
            ensure!(status == 200, "an uplink is answered with {status}");
            count += 1;
        }
        Ok(count)
    })
}

/// When a year ending at a time has its uplinks.
pub(super) fn year_ms(end_ms: i64) -> impl Fn(u64) -> i64 + Sync {
    move |tick| end_ms - (YEAR_TICKS - tick) as i64 * TICK_MS
}

/// A year of one device, oldest first but for what arrives at the same moment, and so many other
/// devices made known.
pub(super) fn write_year(station: &Station, at_ms: impl Fn(u64) -> i64 + Sync, others: u64) -> anyhow::Result<()> {
    // A full set of rows is a whole number of moments.
    let together = 32;
    let barrier = Barrier::new(together);
    let written = measure(station.pid(), together, |index| {
        let mut connection = Connection::open(station.address)?;
        let mut post = |body: &str| {
            let status = connection.ask(&station.post(body))?.status;
            ensure!(status == 200, "an uplink is answered with {status}");
            Ok(())
        };
        let (mut count, mut posted) = (0, Ok(()));
        for tick in (index as u64..YEAR_TICKS).step_by(together) {
            // Whoever failed still comes to the barrier: the others wait there.
            posted = posted.and_then(|()| post(&uplink(FIRST_EUI, tick, at_ms(tick))));
            barrier.wait();
            count += 1;
        }
        posted?;
        for device in (1 + index as u64..=others).step_by(together) {
            post(&uplink(FIRST_EUI + device, 0, at_ms(YEAR_TICKS)))?;
        }
        Ok(count)
    })?;
    println!("a year of one device, {} uplinks, posted in {:.1} s", written.count, written.elapsed.as_secs_f64());
    Ok(())
}

/// Does something on several threads, which answer how often they did it.
pub(super) fn measure(
    pid: u32,
    threads: usize,
    work: impl Fn(usize) -> anyhow::Result<u64> + Sync,
) -> anyhow::Result<Answered> {
    let (began, began_cpu) = (Instant::now(), cpu_time(pid)?);
    let counts: anyhow::Result<Vec<u64>> = std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..threads).map(|index| scope.spawn(move || work(index))).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a client panicked"))?).collect()
    });
    let count = counts?.iter().sum();
    Ok(Answered { count, elapsed: began.elapsed(), cpu: cpu_time(pid)?.saturating_sub(began_cpu) })
}

pub(super) fn metric(station: &Station, name: &str) -> anyhow::Result<f64> {
    let mut connection = Connection::open(station.address)?;
    let answer = connection.ask(&station.get("/metrics"))?;
    let text = std::str::from_utf8(answer.body)?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.with_context(|| format!("there is no metric `{name}`"))
}

#[expect(clippy::disallowed_methods, reason = "readings of the last year need to know what year it is")]
pub(super) fn now_ms() -> anyhow::Result<i64> {
    Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis() as i64)
}
