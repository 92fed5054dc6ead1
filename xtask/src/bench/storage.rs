use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use clap::Args;
use model::{DeviceEui, DeviceId, DeviceKind, OrgId, Organization, SourceId, Timestamp, Window};
use store::{Binding, Entry, RangeQuery, Registry, SegmentQuery, Select, Telemetry};
use store_embedded::{Chore, EmbeddedStore, Settings};

use crate::{copy::copy_folder, random::Random};

use super::{
    fleet::{Fleet, MEASUREMENTS, TICKS_A_DAY, series},
    machine::{Disk, folder_bytes, load, own_cpu_time},
    plain_rows::PlainRows,
    report::{Line, Samples, print},
};

pub(super) const DEVICES: u64 = 1_250;
/// Uplinks that make 1,000 points.
const BATCH: usize = 125;
/// Callers that append batches at the same time.
const BATCH_CALLERS: usize = 8;
const CALLERS: usize = 64;
pub(super) const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);
const DAY_MS: i64 = 86_400_000;
const YEAR_DAYS: i64 = 365;
const MONTH_POINTS: usize = 30 * TICKS_A_DAY;
pub(super) const ORG: OrgId = OrgId::from_random(1);
pub(super) const SOURCE: SourceId = SourceId::from_raw(1);
/// How long a question is asked over and over in a round.
const ASKED: Duration = Duration::from_millis(400);

#[derive(Args)]
pub(crate) struct Arguments {
    /// Rounds whose medians are printed.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Days of the fleet's readings that each round appends.
    #[arg(long, default_value_t = 3)]
    days: usize,
    /// One short round, to see that it runs.
    #[arg(long)]
    quick: bool,
    /// A folder on the disk to measure; what is left there is removed.
    #[arg(long, default_value = "target/bench")]
    folder: std::path::PathBuf,
}

/// Every row of the storage goals, with plain SQLite rows doing the same beside it.
pub(crate) async fn run(mut arguments: Arguments) -> anyhow::Result<()> {
    if arguments.quick {
        (arguments.rounds, arguments.days) = (1, 2);
    }
    std::fs::create_dir_all(&arguments.folder)?;
    let scratch = tempfile::tempdir_in(&arguments.folder)?;
    let mut figures = Figures::new();
    println!(
        "{DEVICES} devices with {} measurements, every 5 min ± 2 s, 1 % late, 0.3 % twice; {} days, {} rounds; load {:.2}",
        MEASUREMENTS.len(),
        arguments.days,
        arguments.rounds,
        load()?,
    );
    let history = History::write(&scratch.path().join("history")).await?;
    for round in 1..=arguments.rounds {
        let folder = scratch.path().join(format!("round-{round}"));
        std::fs::create_dir(&folder)?;
        writes(&folder, arguments.days, &mut figures).await?;
        std::fs::remove_dir_all(&folder)?;
        history.reads(&mut figures).await?;
        println!(
            "round {round}: fdatasync of 4 KiB p50 {:.0} µs, p99 {:.0} µs; load {:.2}",
            figures.disk.median(),
            figures.disk.quantile(0.99),
            load()?
        );
    }
    figures.print();
    Ok(())
}

struct Figures {
    /// Of one fdatasync, in µs, nothing else going on.
    disk: Samples,
    append: Line,
    together: Line,
    single: Line,
    bytes: Line,
    chunks: Line,
    states: Line,
    files: Line,
    month: Line,
    year: Line,
    latest: Line,
    replay: Line,
    commit_p50: Line,
    commit_p99: Line,
    commit_max: Line,
}

impl Figures {
    fn new() -> Self {
        Self {
            disk: Samples::default(),
            append: Line::new(
                "durable append, batches of 1,000 points, one caller; CPU of a point",
                "≥ 3 M points/s",
                "M points/s",
            ),
            together: Line::new("the same, eight callers", "≥ 3 M points/s", "M points/s"),
            single: Line::new(
                "one uplink (8 points) a call, 64 callers; CPU of an uplink",
                "≥ 80 k uplinks/s",
                "k uplinks/s",
            ),
            bytes: Line::new("disk in use, sealed, both clocks", "≤ 1.2 B/point", "B/point"),
            chunks: Line::new("of that the chunks themselves", "", "B/point"),
            states: Line::new(
                "of that what is saved of each device, a day's known uplinks above all; does not grow with history",
                "",
                "B/point",
            ),
            files: Line::new("all files, with room that is free again", "", "B/point"),
            month: Line::new("one series, a month (8,640 points)", "≤ 100 µs", "µs"),
            year: Line::new("one series, a year into 250 averages", "≤ 1,000 µs", "µs"),
            latest: Line::new("latest of a device", "≤ 1 µs", "µs"),
            replay: Line::new("replay after a crash; CPU of a point", "≥ 4 M points/s", "M points/s"),
            commit_p50: Line::new(
                "commit of 1,000 points while chunks are sealed, p50 (beside it: fdatasync in turn with it)",
                "",
                "µs",
            ),
            commit_p99: Line::new("the same, p99", "≤ 3 × fdatasync p99", "µs"),
            commit_max: Line::new("the same, longest", "", "µs"),
        }
    }

    fn print(self) {
        print(
            "plain SQLite rows",
            &[
                self.append,
                self.together,
                self.single,
                self.bytes,
                self.chunks,
                self.states,
                self.files,
                self.month,
                self.year,
                self.latest,
                self.replay,
            ],
        );
        print("fdatasync of 4 KiB", &[self.commit_p50, self.commit_p99, self.commit_max]);
    }
}

pub(super) fn open(folder: &Path) -> anyhow::Result<Arc<EmbeddedStore>> {
    // The log is kept for readers that were away; what is measured here is what stays.
    Ok(EmbeddedStore::open(folder, Settings { log_window_ms: 0, ..Settings::default() })?)
}

/// Makes an organization with a fleet.
pub(super) async fn bind(store: &EmbeddedStore, devices: u64) -> anyhow::Result<Vec<(DeviceId, DeviceEui)>> {
    store.create_organization(Organization { id: ORG, name: "bench".into(), created_at: START }).await?;
    let mut bound = Vec::new();
    for index in 0..devices {
        let eui = DeviceEui::from_raw(0x2CF7_F120_0000_0000 + index);
        let binding = Binding {
            org: ORG,
            eui,
            kind: DeviceKind::Node,
            model: "S2120".into(),
            name: String::new(),
            group: None,
            place: None,
            frequency: String::new(),
            code: String::new(),
            bound_at: START,
        };
        bound.push((store.bind_device(binding).await?.id, eui));
    }
    Ok(bound)
}

/// Whatever is appended: how much, how long, how dear.
#[derive(Default)]
struct Appending {
    points: usize,
    elapsed: Duration,
}

async fn writes(folder: &Path, days: usize, figures: &mut Figures) -> anyhow::Result<()> {
    let mut disk = Disk::new(folder)?;
    for _ in 0..300 {
        figures.disk.extend([disk.sync()?]);
    }
    let station = folder.join("station");
    let store = open(&station)?;
    let devices = bind(&store, DEVICES).await?;
    let mut fleet = Fleet::new(ORG, SOURCE, &devices, START, 1);
    let mut points = 0;

    // A batch at a time, maintenance going on beside it once a second as in a running station.
    let upkeep = tokio::spawn(keep_in_order(Arc::clone(&store)));
    let mut appending = Appending::default();
    let mut cpu = Duration::ZERO;
    for _ in 0..days * TICKS_A_DAY {
        let entries = fleet.tick();
        points += distinct_points(&entries);
        let batches = batches(entries);
        let began_cpu = own_cpu_time()?;
        let began = Instant::now();
        for batch in batches {
            appending.points += batch.len() * MEASUREMENTS.len();
            store.append(batch).await?;
        }
        appending.elapsed += began.elapsed();
        cpu += own_cpu_time()?.saturating_sub(began_cpu);
    }
    figures.append.ours.add(appending.points as f64 / appending.elapsed.as_secs_f64() / 1e6);
    figures.append.cpu.add(cpu.as_secs_f64() * 1e6 / appending.points as f64);

    // The same, each commit in turn with an fdatasync of its own, for a full set of rows.
    let (mut commits, mut syncs) = (Samples::default(), Samples::default());
    let sealed_before = store.stats().chunks_sealed;
    for _ in 0..TICKS_A_DAY {
        let entries = fleet.tick();
        points += distinct_points(&entries);
        for batch in batches(entries) {
            let began = Instant::now();
            store.append(batch).await?;
            commits.extend([began.elapsed()]);
            syncs.extend([disk.sync()?]);
        }
    }
    ensure!(store.stats().chunks_sealed > sealed_before, "no chunk was sealed meanwhile");
    for (line, share) in
        [(&mut figures.commit_p50, 0.5), (&mut figures.commit_p99, 0.99), (&mut figures.commit_max, 1.0)]
    {
        line.ours.add(commits.quantile(share));
        line.beside.add(syncs.quantile(share));
    }

    // Batches of several callers, then an uplink a call.
    let mut ticks = || (0..40).flat_map(|_| fleet.tick()).collect::<Vec<Entry>>();
    let entries = ticks();
    points += distinct_points(&entries);
    let count = entries.len() * MEASUREMENTS.len();
    let (elapsed, cpu) = call(&store, batches(entries), BATCH_CALLERS).await?;
    figures.together.ours.add(count as f64 / elapsed.as_secs_f64() / 1e6);
    figures.together.cpu.add(cpu.as_secs_f64() * 1e6 / count as f64);
    let entries = ticks();
    points += distinct_points(&entries);
    let count = entries.len();
    let (elapsed, cpu) = call(&store, entries.into_iter().map(|entry| vec![entry]).collect(), CALLERS).await?;
    figures.single.ours.add(count as f64 / elapsed.as_secs_f64() / 1e3);
    figures.single.cpu.add(cpu.as_secs_f64() * 1e6 / count as f64);

    upkeep.abort();

    // A power cut's view of the folder: what is on disk now, opened elsewhere.
    store.chore(Chore::Checkpoint).await?;
    let mut replayed = 0;
    for _ in 0..150 {
        for batch in batches(fleet.tick()) {
            replayed += distinct_points(&batch);
            store.append(batch).await?;
        }
    }
    points += replayed;
    let crashed = folder.join("crashed");
    copy_folder(&station, &crashed)?;
    let (began, began_cpu) = (Instant::now(), own_cpu_time()?);
    let reopened = open(&crashed)?;
    figures.replay.ours.add(replayed as f64 / began.elapsed().as_secs_f64() / 1e6);
    figures.replay.cpu.add((own_cpu_time()? - began_cpu).as_secs_f64() * 1e6 / replayed as f64);
    reopened.close().await?;

    // Everything sealed.
    settle(&store, fleet.now()).await?;
    store.close().await?;
    let [chunks, states, in_use] = bytes_in_use(&station)?;
    figures.states.ours.add(states as f64 / points as f64);
    figures.bytes.ours.add(in_use as f64 / points as f64);
    figures.chunks.ours.add(chunks as f64 / points as f64);
    figures.files.ours.add(folder_bytes(&station)? as f64 / points as f64);

    plain(folder, figures)
}

/// Appends batches from several callers, each waiting for its last; answers time and CPU time.
async fn call(
    store: &Arc<EmbeddedStore>,
    batches: Vec<Vec<Entry>>,
    callers: usize,
) -> anyhow::Result<(Duration, Duration)> {
    let mut shares: Vec<Vec<Vec<Entry>>> = (0..callers).map(|_| Vec::new()).collect();
    for (index, batch) in batches.into_iter().enumerate() {
        shares[index % callers].push(batch);
    }
    let (began, began_cpu) = (Instant::now(), own_cpu_time()?);
    let mut tasks = tokio::task::JoinSet::new();
    for share in shares {
        let store = Arc::clone(store);
        tasks.spawn(async move {
            for batch in share {
                store.append(batch).await?;
            }
            Ok::<_, store::Error>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok((began.elapsed(), own_cpu_time()?.saturating_sub(began_cpu)))
}

/// The same on plain rows, in small: it is slow.
fn plain(folder: &Path, figures: &mut Figures) -> anyhow::Result<()> {
    let devices: Vec<_> = (0..DEVICES).map(|id| (DeviceId(id), DeviceEui::from_raw(id))).collect();
    let mut fleet = Fleet::new(ORG, SOURCE, &devices, START, 1);
    let folder = folder.join("plain");
    let mut rows = PlainRows::create(&folder)?;
    let mut appending = Appending::default();
    for _ in 0..16 {
        for batch in batches(fleet.tick()) {
            let began = Instant::now();
            rows.append(&batch)?;
            appending.elapsed += began.elapsed();
            appending.points += batch.len() * MEASUREMENTS.len();
        }
    }
    figures.append.beside.add(appending.points as f64 / appending.elapsed.as_secs_f64() / 1e6);
    rows.checkpoint()?;
    figures.bytes.beside.add(folder_bytes(&folder)? as f64 / appending.points as f64);
    let entries = fleet.tick();
    let began = Instant::now();
    for entry in &entries {
        rows.append(std::slice::from_ref(entry))?;
    }
    figures.single.beside.add(entries.len() as f64 / began.elapsed().as_secs_f64() / 1e3);
    Ok(())
}

/// A year of a few stations, sealed, and one of them as plain rows.
struct History {
    store: Arc<EmbeddedStore>,
    devices: Vec<(DeviceId, DeviceEui)>,
    rows: PlainRows,
}

impl History {
    async fn write(folder: &Path) -> anyhow::Result<Self> {
        let store = open(&folder.join("station"))?;
        let devices = bind(&store, 8).await?;
        let mut fleet = Fleet::new(ORG, SOURCE, &devices, START, 2);
        let mut rows = PlainRows::create(&folder.join("plain"))?;
        rows.wait_for_disk(false)?;
        for _ in 0..YEAR_DAYS {
            let entries: Vec<Entry> = (0..TICKS_A_DAY).flat_map(|_| fleet.tick()).collect();
            let of_first = |entry: &&Entry| matches!(entry, Entry::Uplink(uplink) if uplink.device == devices[0].0);
            rows.append(&entries.iter().filter(of_first).cloned().collect::<Vec<_>>())?;
            for batch in batches(entries) {
                store.append(batch).await?;
            }
            store.maintain(fleet.now()).await?;
        }
        settle(&store, fleet.now()).await?;
        rows.checkpoint()?;
        Ok(Self { store, devices, rows })
    }

    async fn reads(&self, figures: &mut Figures) -> anyhow::Result<()> {
        let mut random = Random(3);
        let (first, _) = self.devices[0];
        let mut month = || {
            let start = START.plus_ms(random.below(YEAR_DAYS as u64 - 31) as i64 * DAY_MS);
            let measurement = MEASUREMENTS[random.below(8) as usize];
            (measurement, Window::new(start, start.plus_ms(30 * DAY_MS)))
        };
        let (measurement, window) = month();
        let ours = self.month(first, measurement, window).await?;
        let theirs = self.rows.range(first.0, measurement, window)?;
        ensure!(ours == theirs, "a month read from chunks is not the month read from plain rows");
        ensure!(ours.len() > MONTH_POINTS * 98 / 100, "a month has only {} points", ours.len());
        ask(&mut figures.month, async || {
            let (measurement, window) = month();
            self.month(first, measurement, window).await
        })
        .await?;
        ask_beside(&mut figures.month, || {
            let (measurement, window) = month();
            self.rows.range(first.0, measurement, window)
        })?;

        let year = Window::new(START, START.plus_ms(YEAR_DAYS * DAY_MS));
        let width_ms = (YEAR_DAYS * DAY_MS / 249 / 60_000 + 1) * 60_000;
        let ours = self.year(first, MEASUREMENTS[0], year, width_ms).await?;
        let theirs = self.rows.averages(first.0, MEASUREMENTS[0], year, width_ms)?;
        ensure!(ours.len() == theirs.len(), "a year has {} averages, not {}", ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            ensure!((ours - theirs).abs() < 1e-9, "an average from chunks is {ours}, from plain rows {theirs}");
        }
        let mut index = 0;
        ask(&mut figures.year, async || {
            index += 1;
            let (device, _) = self.devices[index % self.devices.len()];
            self.year(device, MEASUREMENTS[index % 8], year, width_ms).await
        })
        .await?;
        ask_beside(&mut figures.year, || self.rows.averages(first.0, MEASUREMENTS[0], year, width_ms))?;

        ask(&mut figures.latest, async || {
            index += 1;
            let (device, _) = self.devices[index % self.devices.len()];
            Ok(self.store.latest(ORG, device, Select::READINGS).await?)
        })
        .await?;
        ask_beside(&mut figures.latest, || self.rows.latest(first.0))
    }

    async fn month(&self, device: DeviceId, measurement: u32, window: Window) -> anyhow::Result<Vec<(i64, f64)>> {
        let select = Select::one(series(measurement));
        let answer = self.store.range(ORG, RangeQuery { device, select, window, limit: 10_000 }).await?;
        let points = answer.first().context("a month has no points")?.points.iter();
        Ok(points.map(|point| (point.measured_at.as_millis(), point.value.as_number().unwrap_or(f64::NAN))).collect())
    }

    async fn year(
        &self,
        device: DeviceId,
        measurement: u32,
        window: Window,
        width_ms: i64,
    ) -> anyhow::Result<Vec<f64>> {
        let select = Select::one(series(measurement));
        let answer = self.store.segments(ORG, SegmentQuery { device, select, window, width_ms, limit: 250 }).await?;
        let segments = answer.first().context("a year has no averages")?.segments.iter();
        Ok(segments.map(|segment| segment.average()).collect())
    }
}

/// Asks a question over and over, each time for some other answer.
async fn ask<T>(line: &mut Line, mut question: impl AsyncFnMut() -> anyhow::Result<T>) -> anyhow::Result<()> {
    let (began, began_cpu) = (Instant::now(), own_cpu_time()?);
    let mut asked = 0_u32;
    while !asked.is_multiple_of(64) || began.elapsed() < ASKED {
        std::hint::black_box(question().await?);
        asked += 1;
    }
    line.ours.add(began.elapsed().as_secs_f64() * 1e6 / f64::from(asked));
    line.cpu.add((own_cpu_time()? - began_cpu).as_secs_f64() * 1e6 / f64::from(asked));
    Ok(())
}

fn ask_beside<T>(line: &mut Line, mut question: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut asked = 0_u32;
    while !asked.is_multiple_of(8) || began.elapsed() < ASKED {
        std::hint::black_box(question()?);
        asked += 1;
    }
    line.beside.add(began.elapsed().as_secs_f64() * 1e6 / f64::from(asked));
    Ok(())
}

/// What a station does beside its work, until it is stopped.
async fn keep_in_order(store: Arc<EmbeddedStore>) -> Result<(), store::Error> {
    let mut every_second = tokio::time::interval(Duration::from_secs(1));
    let began = Instant::now();
    loop {
        every_second.tick().await;
        // The time of the machine that does the work, not of the fleet, which a day passes in a second.
        store.maintain(START.plus_ms(began.elapsed().as_millis() as i64)).await?;
    }
}

/// Bytes of the chunks, of what is saved of each device, and of all pages in use.
fn bytes_in_use(folder: &Path) -> anyhow::Result<[i64; 3]> {
    let mut in_use = 0;
    for database in ["registry.db", "log.db", "rows.db"] {
        let database = rusqlite::Connection::open(folder.join(database))?;
        let pragma = |name| database.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        in_use += (pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?;
    }
    let rows = rusqlite::Connection::open(folder.join("rows.db"))?;
    let sum =
        |table| rows.query_row(&format!("SELECT sum(length(bytes)) FROM {table}"), [], |row| row.get::<_, i64>(0));
    Ok([sum("chunk")?, sum("device")?, in_use])
}

/// Everything sealed and merged, the log trimmed.
pub(super) async fn settle(store: &EmbeddedStore, now: Timestamp) -> anyhow::Result<()> {
    for chore in [Chore::SealAll, Chore::MergeAll, Chore::Checkpoint, Chore::Trim { now: now.plus_ms(60 * DAY_MS) }] {
        store.chore(chore).await?;
    }
    Ok(())
}

pub(super) fn batches(entries: Vec<Entry>) -> Vec<Vec<Entry>> {
    let mut entries = entries.into_iter().peekable();
    let mut batches = Vec::new();
    while entries.peek().is_some() {
        batches.push(entries.by_ref().take(BATCH).collect());
    }
    batches
}

/// Points that stay: the second copy of an uplink does not.
fn distinct_points(entries: &[Entry]) -> usize {
    let is_copy = |pair: &&[Entry]| pair[0] == pair[1];
    (entries.len() - entries.windows(2).filter(is_copy).count()) * MEASUREMENTS.len()
}
