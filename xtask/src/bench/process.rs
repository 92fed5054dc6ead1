use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::ensure;
use clap::Args;

use super::{
    http::{FIRST_EUI, measure, now_ms},
    machine::{folder_bytes, load, memory, pause},
    report::number,
};
use crate::{
    connection::Connection,
    station::{Station, weather},
};

const POSTING: usize = 64;
const TICK_MS: i64 = 5 * 60_000;
const READINGS: u64 = 8;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Devices of the station that is not empty.
    #[arg(long, default_value_t = 10_000)]
    devices: u64,
    /// Uplinks of each, of eight readings.
    #[arg(long, default_value_t = 125)]
    uplinks: u64,
    /// A folder on the disk to measure; what is left there is removed.
    #[arg(long, default_value = "target/bench")]
    folder: PathBuf,
}

/// Memory and the time until the first answer, of a station that has nothing and of one that has something.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    ensure!(arguments.devices > 0 && arguments.uplinks > 0, "somebody has to send something");
    fs::create_dir_all(&arguments.folder)?;
    let scratch = tempfile::tempdir_in(&arguments.folder)?;
    let folder = scratch.path().join("station");
    let mut station = Station::start(&folder)?;
    let empty = look(&mut station, "/openapi/list_devices")?;

    let begin_ms = now_ms()? - arguments.uplinks as i64 * TICK_MS;
    measure(station.pid(), POSTING, |index| {
        let mut connection = Connection::open(station.address)?;
        let mut count = 0;
        for number in (index as u64..arguments.devices * arguments.uplinks).step_by(POSTING) {
            let (device, tick) = (number % arguments.devices, number / arguments.devices);
            let body = weather(FIRST_EUI + device, tick, begin_ms + tick as i64 * TICK_MS);
            let status = connection.ask(&station.post(&body))?.status;
            ensure!(status == 200, "an uplink is answered with {status}");
            count += 1;
        }
        Ok(count)
    })?;
    let filled =
        format!("{} devices, {} readings", arguments.devices, arguments.devices * arguments.uplinks * READINGS);
    let latest = format!("/openapi/view_latest_telemetry_data?device_eui={FIRST_EUI:016X}");
    let full = look(&mut station, &latest)?;
    println!("\n| station | first answer after start | memory, idle | files |\n|---|---|---|---|");
    for (what, seen) in [("empty", &empty), (&filled, &full)] {
        let (first_ms, resident, files) = (seen.first.as_secs_f64() * 1e3, seen.resident as f64 / 1e6, seen.files);
        println!("| {what} | {} ms | {} MB | {} MB |", number(first_ms), number(resident), number(files as f64 / 1e6));
    }
    println!("\nload {:.2}", load()?);
    Ok(())
}

struct Seen {
    first: Duration,
    resident: u64,
    files: u64,
}

/// Starts a station again, five times, for the median of its first answers; then lets it be.
fn look(station: &mut Station, path: &str) -> anyhow::Result<Seen> {
    let (mut firsts, mut files) = (Vec::new(), 0);
    for _ in 0..5 {
        let began = station.restart(|folder| {
            files = folder_bytes(folder)?;
            Ok(Instant::now())
        })?;
        let answer = Connection::open(station.address)?.ask(&station.get(path))?.status;
        ensure!(answer == 200, "`{path}` is answered with {answer}");
        firsts.push(began.elapsed());
    }
    firsts.sort();
    pause(Duration::from_secs(5));
    let resident = memory(station.pid(), "VmRSS")?;
    Ok(Seen { first: firsts[firsts.len() / 2], resident, files })
}
