use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use tokio::{net::TcpStream, sync::mpsc, task::JoinSet, time::sleep};

use super::Side;
use crate::{
    bench::{
        machine::memory,
        mqtt::Client,
        report::{Samples, number},
    },
    connection::Connection,
    station::{Station, uplink},
};

const EUI: u64 = 0x2CF7_F120_0410_0000;
/// How many uplinks are more than the buffers of a reader hold, and how often they are posted.
const UPLINKS: usize = 3_000;
const FLOODS: usize = 5;

/// Prints how long a reading is under way from its webhook to a hundred subscribers, alone and
/// beside ten that never read.
pub(super) async fn run(station: &Station, side: &Side, syncs: &Samples) -> anyhow::Result<()> {
    let alone = latency(station, side, 100).await?;
    // What the station keeps of so many uplinks is not what it keeps for those who do not read.
    let (mut usual, mut later) = (Samples::default(), Samples::default());
    for _ in 0..FLOODS {
        usual.add(flood(station, side)?);
    }
    let deaf = deaf_readers(station, side).await?;
    let first = flood(station, side)?;
    for _ in 1..FLOODS {
        later.add(flood(station, side)?);
    }
    let beside = latency(station, side, 100).await?;
    print(100, &[("alone", &alone), ("beside ten that never read", &beside)]);
    println!("fdatasync of 4 KiB: p50 {:.0} µs, p99 {:.0} µs", syncs.median(), syncs.quantile(0.99));
    let [usual, first, later] = [usual.median(), first, later.median()].map(|bytes| number(bytes / 1e3));
    println!(
        "{UPLINKS} uplinks take {usual} kB of memory; beside {} that never read {first} kB at first, {later} kB later",
        deaf.len()
    );
    Ok(())
}

/// How long readings were under way.
#[derive(Default)]
pub(super) struct Latencies {
    /// To each subscriber.
    each: Samples,
    /// To the last of them.
    last: Samples,
}

/// Rows of quantiles.
pub(super) fn print(subscribers: usize, rows: &[(&str, &Latencies)]) {
    println!("\n| webhook to {subscribers} subscribers, 100 a second | p50 | p99 | to the last of them, p50 | p99 |");
    println!("|---|---|---|---|---|");
    for (what, Latencies { each, last }) in rows {
        let ms = |samples: &Samples, share| number(samples.quantile(share) / 1e3);
        let [each_half, each_most, last_half, last_most] =
            [ms(each, 0.5), ms(each, 0.99), ms(last, 0.5), ms(last, 0.99)];
        println!("| {what} | {each_half} ms | {each_most} ms | {last_half} ms | {last_most} ms |");
    }
}

/// From the first byte of a post until the subscribers hear of it.
pub(super) async fn latency(station: &Station, side: &Side, subscribers: usize) -> anyhow::Result<Latencies> {
    const COUNT: u64 = 500;
    let (heard, mut hears) = mpsc::channel(1_024);
    let mut readers = JoinSet::new();
    for number in 0..subscribers {
        let mut client = Client::connect(side.address, &format!("latency-{number}"), &station.reads_stream).await?;
        client.subscribe(&format!("/device_sensor_data/{}/+/+/vs/4097", station.org), 0).await?;
        let heard = heard.clone();
        readers
            .spawn(async move { while client.receive().await.is_ok() && heard.send(Instant::now()).await.is_ok() {} });
    }
    let mut connection = Connection::open(station.address)?;
    let mut latencies = Latencies::default();
    for _ in 0..COUNT {
        let began = Instant::now();
        post(station, &mut connection)?;
        let mut last = Duration::ZERO;
        for _ in 0..subscribers {
            let at = hears.recv().await.context("the subscribers have gone")?;
            let taken = at.saturating_duration_since(began);
            latencies.each.extend([taken]);
            last = last.max(taken);
        }
        latencies.last.extend([last]);
        sleep(Duration::from_millis(10).saturating_sub(began.elapsed())).await;
    }
    Ok(latencies)
}

/// Posts the next uplink.
fn post(station: &Station, connection: &mut Connection) -> anyhow::Result<()> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Relaxed);
    let request = station.post(&uplink(EUI, number, 1_790_000_000_000 + number as i64 * 1_000));
    ensure!(connection.ask(&request)?.status == 200, "an uplink is refused");
    Ok(())
}

/// Ten that subscribe at QoS 0 and 1 and read nothing more, for as long as they are kept.
async fn deaf_readers(station: &Station, side: &Side) -> anyhow::Result<Vec<TcpStream>> {
    let mut deaf = Vec::new();
    for number in 0..10 {
        let name = format!("deaf-{number}");
        let mut client = Client::connect_narrow(side.address, &name, &station.reads_stream).await?;
        client.subscribe(&format!("/device_sensor_data/{}/#", station.org), number % 2).await?;
        deaf.push(client.into_socket());
    }
    Ok(deaf)
}

/// Posts more than the buffers of a reader hold; by how many bytes the process grows.
fn flood(station: &Station, side: &Side) -> anyhow::Result<f64> {
    let before = memory(side.pid, "VmRSS")?;
    let mut connection = Connection::open(station.address)?;
    for _ in 0..UPLINKS {
        post(station, &mut connection)?;
    }
    Ok(memory(side.pid, "VmRSS")? as f64 - before as f64)
}
