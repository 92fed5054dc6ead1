use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::ensure;
use serde_json::Value;

use super::work::{ASKED, MONTH_DAYS, Uplink, YEAR_DAYS, YEAR_EUI, csv, lines};
use crate::{
    bench::{
        beside::{Beside, free_address},
        http::{Answered, FIRST_EUI, measure},
        machine::{folder_bytes, pause},
    },
    connection::Connection,
    station::{Station, weather},
};

const DAY_MS: i64 = 86_400_000;
/// Uplinks of one post while a history is loaded, and connections that post.
const TOGETHER: usize = 125;
const LOADING: usize = 4;
/// Connections that post single uplinks, devices that those are of, and connections that ask.
const POSTING: usize = 64;
const DEVICES: u64 = 1_000;
const ASKING: usize = 2;
/// Seconds in which files have not changed once they are at rest.
const STILL_S: u32 = 20;
/// Buckets of a year.
const BUCKET_MINUTES: i64 = 2_103;

/// One that takes readings and answers for them.
pub(super) struct Side {
    pub(super) name: &'static str,
    process: Process,
    folder: PathBuf,
    /// What to ask for a month of one series, and for averages of its year.
    pub(super) month: Vec<Vec<u8>>,
    pub(super) year: Vec<u8>,
}

enum Process {
    Station(Box<Station>),
    /// Where it takes readings, and what makes it put its files in order.
    Database {
        process: Beside,
        write: &'static str,
        settle: &'static [&'static str],
    },
}

impl Side {
    /// A station, and of InfluxDB and VictoriaMetrics those that are installed.
    pub(super) fn start_all(folder: &Path, end_ms: i64) -> anyhow::Result<Vec<Self>> {
        let mut sides = vec![Self::station(&folder.join("station"), end_ms)?];
        sides.extend(Self::influx(&folder.join("influx"), end_ms)?);
        sides.extend(Self::victoria(&folder.join("victoria"), end_ms)?);
        Ok(sides)
    }

    /// A month is more than an answer holds, so that it is asked for in nine.
    fn station(folder: &Path, end_ms: i64) -> anyhow::Result<Self> {
        const PAGES: i64 = 9;
        let station = Station::start(folder)?;
        let of = format!("device_eui={YEAR_EUI:016X}&channel_index=1&measurement_id={ASKED}");
        let width = MONTH_DAYS * DAY_MS / PAGES;
        let page = |number: i64| {
            let start = end_ms - MONTH_DAYS * DAY_MS + number * width;
            let end = start + width - 1;
            station.get(&format!("/openapi/list_telemetry_data?{of}&limit=1000&time_start={start}&time_end={end}"))
        };
        let start = end_ms - YEAR_DAYS * DAY_MS;
        let year = format!(
            "/openapi/aggregate_chart_points?{of}&interval={BUCKET_MINUTES}&time_start={start}&time_end={end_ms}"
        );
        Ok(Self {
            name: "Senstation",
            month: (0..PAGES).map(page).collect(),
            year: station.get(&year),
            folder: folder.to_owned(),
            process: Process::Station(Box::new(station)),
        })
    }

    fn influx(folder: &Path, end_ms: i64) -> anyhow::Result<Option<Self>> {
        fs::create_dir_all(folder)?;
        let address = free_address()?;
        let settings = folder.join("influxdb.conf");
        let at = |name: &str| folder.join(name).display().to_string();
        // What it does at leisure it may do at once, so that its files are as small as they get.
        let text = format!(
            "bind-address = \"{}\"\nreporting-disabled = true\n[meta]\ndir = \"{}\"\n[data]\ndir = \"{}\"\nwal-dir = \"{}\"\n\
             query-log-enabled = false\ncache-snapshot-write-cold-duration = \"2s\"\ncompact-full-write-cold-duration = \"2s\"\n\
             [http]\nbind-address = \"{address}\"\nlog-enabled = false\n[monitor]\nstore-enabled = false\n",
            free_address()?,
            at("meta"),
            at("data"),
            at("wal"),
        );
        fs::write(&settings, text)?;
        let mut command = Command::new("influxd");
        command.arg("-config").arg(&settings);
        let Some(process) = Beside::start("influxd", &mut command, address)? else { return Ok(None) };
        let query = |query: &str| {
            let path = format!("/query?db=bench&epoch=ms&q={}", escaped(query));
            format!("POST {path} HTTP/1.1\r\nHost: influx\r\nContent-Length: 0\r\n\r\n").into_bytes()
        };
        ensure!(Connection::open(address)?.ask(&query("CREATE DATABASE bench"))?.status == 200, "influxd refuses");
        let select = |what: &str, days: i64, group: &str| {
            let start = end_ms - days * DAY_MS;
            query(&format!(
                "SELECT {what} FROM weather WHERE device='{YEAR_EUI:016X}' AND time >= {start}ms AND time < {end_ms}ms{group}"
            ))
        };
        Ok(Some(Self {
            name: "InfluxDB",
            month: vec![select(&format!("m{ASKED}"), MONTH_DAYS, "")],
            year: select(&format!("mean(m{ASKED})"), YEAR_DAYS, &format!(" GROUP BY time({BUCKET_MINUTES}m)")),
            folder: folder.to_owned(),
            process: Process::Database { process, write: "/write?db=bench&precision=ms", settle: &[] },
        }))
    }

    fn victoria(folder: &Path, end_ms: i64) -> anyhow::Result<Option<Self>> {
        fs::create_dir_all(folder)?;
        let address = free_address()?;
        let mut command = Command::new("victoria-metrics");
        command.arg("-storageDataPath").arg(folder).arg("-retentionPeriod=3y").arg("-search.latencyOffset=0s");
        command.arg(format!("-httpListenAddr={address}"));
        let Some(process) = Beside::start("victoria-metrics", &mut command, address)? else { return Ok(None) };
        let series = format!("weather_m{ASKED}{{device=\"{YEAR_EUI:016X}\"}}");
        let get = |path: &str, series: &str, days: i64, step: &str| {
            let (start, end) = ((end_ms - days * DAY_MS) / 1_000, end_ms / 1_000);
            format!("GET {path}={}&start={start}&end={end}{step} HTTP/1.1\r\nHost: victoria\r\n\r\n", escaped(series))
                .into_bytes()
        };
        let averages = format!("avg_over_time({series}[{BUCKET_MINUTES}m])");
        Ok(Some(Self {
            name: "VictoriaMetrics",
            month: vec![get("/api/v1/export?match[]", &series, MONTH_DAYS, "")],
            year: get("/api/v1/query_range?nocache=1&query", &averages, YEAR_DAYS, &format!("&step={BUCKET_MINUTES}m")),
            folder: folder.to_owned(),
            process: Process::Database {
                process,
                write: "/write?precision=ms",
                settle: &["/internal/force_flush", "/internal/force_merge"],
            },
        }))
    }

    pub(super) fn pid(&self) -> u32 {
        match &self.process {
            Process::Station(station) => station.pid(),
            Process::Database { process, .. } => process.pid(),
        }
    }

    fn address(&self) -> SocketAddr {
        match &self.process {
            Process::Station(station) => station.address,
            Process::Database { process, .. } => process.address,
        }
    }

    /// A post of some uplinks with their readings.
    fn post(&self, uplinks: &[&Uplink]) -> Vec<u8> {
        let (path, head, body) = match &self.process {
            Process::Station(station) => {
                let head = format!("{}Content-Type: text/csv\r\n", station.writes_readings);
                ("/ingest/http", head, csv(uplinks))
            }
            Process::Database { write, .. } => (*write, String::new(), lines(uplinks)),
        };
        let length = body.len();
        format!("POST {path} HTTP/1.1\r\nHost: bench\r\n{head}Content-Length: {length}\r\n\r\n{body}").into_bytes()
    }

    /// Gives it a history, each device's uplinks in their order; counts uplinks.
    pub(super) fn load(&self, history: &[Uplink]) -> anyhow::Result<Answered> {
        measure(self.pid(), LOADING, |index| {
            let mut connection = Connection::open(self.address())?;
            let ours: Vec<&Uplink> = history.iter().filter(|uplink| uplink.eui as usize % LOADING == index).collect();
            for uplinks in ours.chunks(TOGETHER) {
                let status = connection.ask(&self.post(uplinks))?.status;
                ensure!(matches!(status, 200 | 204), "{} answers {status}", self.name);
            }
            Ok(ours.len() as u64)
        })
    }

    /// Bytes of its files once they no longer change, without what it only keeps for a while.
    pub(super) fn settled_bytes(&mut self) -> anyhow::Result<u64> {
        match &mut self.process {
            Process::Station(station) => {
                return station.restart(|folder| {
                    // The log is for readers that were away for up to a day; the others have no such thing.
                    let log = fs::metadata(folder.join("log.db"))?.len();
                    Ok(folder_bytes(folder)?.saturating_sub(log))
                });
            }
            Process::Database { process, settle, .. } => {
                for path in *settle {
                    let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n");
                    Connection::open(process.address)?.ask(request.as_bytes())?;
                }
            }
        }
        let (mut before, mut still) = (0, 0);
        while still < STILL_S {
            pause(Duration::from_secs(1));
            let bytes = folder_bytes(&self.folder)?;
            still = if bytes == before { still + 1 } else { 0 };
            before = bytes;
        }
        Ok(before)
    }

    /// Makes sure that it answers with what it was given.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let mut connection = Connection::open(self.address())?;
        for (what, requests, expected) in
            [("a month", self.month.as_slice(), 8_600..8_700), ("a year", std::slice::from_ref(&self.year), 245..253)]
        {
            let mut points = 0;
            for request in requests {
                let answer = connection.ask(request)?;
                ensure!(answer.status == 200, "{} answers {} for {what}", self.name, answer.status);
                points += self.points(answer.body)?;
            }
            ensure!(expected.contains(&points), "{} has {points} points for {what}", self.name);
        }
        Ok(())
    }

    /// How many points an answer has.
    fn points(&self, body: &[u8]) -> anyhow::Result<usize> {
        let count = |values: &Value| values.as_array().map_or(0, Vec::len);
        let mut points = 0;
        for answer in serde_json::Deserializer::from_slice(body).into_iter::<Value>() {
            let answer = answer?;
            let values =
                ["/data/list/1/0", "/data/0/lists", "/results/0/series/0/values", "/values", "/data/result/0/values"];
            points += values.iter().filter_map(|at| answer.pointer(at)).map(count).sum::<usize>();
        }
        Ok(points)
    }

    /// Asks the same again and again.
    pub(super) fn ask(
        &self,
        requests: impl Fn(&Self) -> &[Vec<u8>] + Sync,
        asked: Duration,
    ) -> anyhow::Result<Answered> {
        measure(self.pid(), ASKING, |_| {
            let mut connection = Connection::open(self.address())?;
            let (began, mut count) = (Instant::now(), 0);
            while began.elapsed() < asked {
                for request in requests(self) {
                    ensure!(connection.ask(request)?.status == 200, "{} refuses", self.name);
                }
                count += 1;
            }
            Ok(count)
        })
    }

    /// Posts new uplinks, each by itself: to a station as ChirpStack does.
    pub(super) fn send(&self, round: u64, begin_ms: i64, asked: Duration) -> anyhow::Result<Answered> {
        let readings = [4097, 4098, 4099, 4190, 4105, 4104, 4113, 4101].map(|id| model::Reading::new(1, id, 25.5));
        measure(self.pid(), POSTING, |index| {
            let mut connection = Connection::open(self.address())?;
            let (began, mut count) = (Instant::now(), 0);
            while began.elapsed() < asked {
                let number = round * 10_000_000 + count * POSTING as u64 + index as u64;
                let (eui, at_ms) = (FIRST_EUI + number % DEVICES, begin_ms + number as i64);
                let request = match &self.process {
                    Process::Station(station) => station.post(&weather(eui, number, at_ms)),
                    Process::Database { .. } => self.post(&[&Uplink { eui, at_ms, readings: readings.to_vec() }]),
                };
                let status = connection.ask(&request)?.status;
                ensure!(matches!(status, 200 | 204), "{} answers {status}", self.name);
                count += 1;
            }
            Ok(count)
        })
    }
}

/// Every byte that could mean something else in a query.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(escape).collect()
}
