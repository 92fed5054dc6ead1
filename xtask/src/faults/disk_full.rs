use std::{
    fs::File,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::ensure;

use super::image::Disk;
use crate::{
    connection::Connection,
    station::{Station, uplink},
};

const DISK_BYTES: u64 = 64 << 20;
const EUI: u64 = 0x2CF7_F120_0410_0005;
const START_MS: i64 = 1_767_225_600_000;
/// More uplinks than a small disk can hold.
const UPLINKS_MAX: u64 = 200_000;
const PATIENCE: Duration = Duration::from_secs(20);

/// The real binary on a small disk: when it is full, writes are refused with 503 and reads go on;
/// when there is room again, so do writes, without a restart.
pub(crate) fn run() -> anyhow::Result<()> {
    let disk = Disk::new(DISK_BYTES)?;
    let mut station = Station::start(&disk.folder().join("station"))?;
    let mut connection = Connection::open(station.address)?;
    let mut number = 0;
    let mut post = |station: &Station, connection: &mut Connection| {
        number += 1;
        let request = station.post(&uplink(EUI, number, START_MS + number as i64 * 60_000));
        anyhow::Ok(connection.ask(&request)?.status)
    };
    ensure!(post(&station, &mut connection)? == 200, "the first uplink is refused");
    fill(&disk.folder().join("ballast"))?;

    let mut taken = 1;
    let refusal = loop {
        match post(&station, &mut connection)? {
            200 => taken += 1,
            status => break status,
        }
        ensure!(taken < UPLINKS_MAX, "a full disk takes everything");
    };
    ensure!(refusal == 503, "a full disk is answered with {refusal}, not with 503");
    let latest = station.get(&format!("/openapi/view_latest_telemetry_data?device_eui={EUI:016X}"));
    for _ in 0..20 {
        let answer = connection.ask(&latest)?;
        let is_read = answer.status == 200 && answer.body.windows(6).any(|part| part == b"\"4097\"");
        ensure!(is_read, "while the disk is full, reads are answered with {}", answer.status);
    }

    std::fs::remove_file(disk.folder().join("ballast"))?;
    let freed = Instant::now();
    while post(&station, &mut connection)? != 200 {
        ensure!(freed.elapsed() < PATIENCE, "with room on the disk again, writes are still refused");
    }
    ensure!(station.is_running()?, "the station has stopped");
    println!(
        "disk full: 503 after {taken} uplinks, reads went on, writes again {} ms after there was room, no restart",
        freed.elapsed().as_millis()
    );
    drop(station);
    Ok(())
}

/// Takes all the room there is.
fn fill(path: &Path) -> anyhow::Result<()> {
    let mut ballast = File::create(path)?;
    let block = vec![0; 64 << 10];
    while ballast.write_all(&block).is_ok() {}
    Ok(())
}
