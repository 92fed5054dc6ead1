//! The broker: fan-out beside mosquitto's, latency from a webhook to subscribers, memory of idle clients.

use std::{
    fs,
    net::{SocketAddr, TcpListener as PortFinder},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use clap::Args;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::{net::TcpStream, sync::mpsc, task::JoinSet, time::sleep};

use super::{
    machine::{Disk, cpu_time, load},
    mqtt::{self, Client, Login},
    report::{Samples, number},
};
use crate::{
    connection::Connection,
    station::{Station, uplink},
};

/// Messages that are published before their deliveries are waited for.
const BURST: u64 = 50;
/// Bytes of a message.
const BODY: &[u8] = &[b'x'; 100];
const EUI: u64 = 0x2CF7_F120_0410_0000;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Rounds whose medians are printed.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Deliveries of each row in a round.
    #[arg(long, default_value_t = 100_000)]
    deliveries: u64,
    /// Idle clients whose memory is measured.
    #[arg(long, default_value_t = 9_000)]
    idle: usize,
    /// One short round, to see that it runs.
    #[arg(long)]
    quick: bool,
    /// A folder on the disk to measure; what is left there is removed.
    #[arg(long, default_value = "target/bench")]
    folder: PathBuf,
}

/// One broker: where it is, who may use it, and which process it is.
struct Side {
    address: SocketAddr,
    login: Login,
    pid: u32,
}

/// Of one row: deliveries a second, and CPU µs of one.
#[derive(Default)]
struct Row {
    per_second: Samples,
    cpu_us: Samples,
}

pub(crate) async fn run(mut arguments: Arguments) -> anyhow::Result<()> {
    if arguments.quick {
        (arguments.rounds, arguments.deliveries, arguments.idle) = (1, 5_000, 500);
    }
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)?;
    fs::create_dir_all(&arguments.folder)?;
    let scratch = tempfile::tempdir_in(&arguments.folder)?;
    let station = Station::start(&scratch.path().join("station"))?;
    let mosquitto = Mosquitto::start(scratch.path())?;
    let address = station.mqtt.context("the station speaks no MQTT")?;
    let (user, password) = station.publishes.clone();
    let ours = Side { address, login: Some((user, password)), pid: station.pid() };
    let theirs =
        mosquitto.as_ref().map(|mosquitto| Side { address: mosquitto.address, login: None, pid: mosquitto.child.id() });
    if theirs.is_none() {
        println!("mosquitto is not installed; its figures are left out");
    }

    let shapes: Vec<(u8, usize)> =
        [0, 1].into_iter().flat_map(|qos| [1, 10, 100, 1_000].map(|count| (qos, count))).collect();
    let mut rows: Vec<[Row; 2]> = shapes.iter().map(|_| Default::default()).collect();
    let mut disk = Disk::new(scratch.path())?;
    let mut syncs = Samples::default();
    for round in 1..=arguments.rounds {
        for _ in 0..100 {
            syncs.extend([disk.sync()?]);
        }
        for ((qos, count), row) in shapes.iter().zip(&mut rows) {
            for (side, row) in [Some(&ours), theirs.as_ref()].into_iter().zip(row) {
                let Some(side) = side else { continue };
                let (per_second, cpu_us) = fan_out(side, *qos, *count, arguments.deliveries).await?;
                row.per_second.add(per_second);
                row.cpu_us.add(cpu_us);
            }
        }
        println!("round {round}: fdatasync of 4 KiB p50 {:.0} µs; load {:.2}", syncs.median(), load()?);
    }
    println!("\n| fan-out | Senstation | CPU µs each | mosquitto | CPU µs each |\n|---|---|---|---|---|");
    for ((qos, count), [ours, theirs]) in shapes.iter().zip(&rows) {
        let of = |row: &Row| (number(row.per_second.median() / 1e3), number(row.cpu_us.median()));
        let ((ours, our_cpu), (theirs, their_cpu)) = (of(ours), of(theirs));
        println!("| QoS {qos}, {count} subscribers | {ours} k/s | {our_cpu} | {theirs} k/s | {their_cpu} |");
    }

    let alone = latency(&station, &ours, 100).await?;
    let deaf = deaf_readers(&station, &ours).await?;
    let beside = latency(&station, &ours, 100).await?;
    println!("\n| webhook to the last of 100 subscribers, 100 a second | p50 | p99 |\n|---|---|---|");
    for (what, samples) in [("alone", &alone), ("beside ten that never read", &beside)] {
        let us = |share| number(samples.quantile(share) / 1e3);
        println!("| {what} | {} ms | {} ms |", us(0.5), us(0.99));
    }
    println!("fdatasync of 4 KiB: p50 {:.0} µs, p99 {:.0} µs", syncs.median(), syncs.quantile(0.99));
    drop(deaf);

    println!("\n| idle clients | Senstation, bytes each | mosquitto, bytes each |\n|---|---|---|");
    let mut bytes = Vec::new();
    for side in [Some(&ours), theirs.as_ref()].into_iter().flatten() {
        bytes.push(number(idle(side, arguments.idle).await?));
    }
    println!("| {} | {} | {} |", arguments.idle, bytes[0], bytes.get(1).map_or("–", String::as_str));
    Ok(())
}

/// Publishes in bursts, each delivered to everybody before the next.
async fn fan_out(side: &Side, qos: u8, subscribers: usize, deliveries: u64) -> anyhow::Result<(f64, f64)> {
    let delivered = Arc::new(AtomicU64::new(0));
    let mut readers = JoinSet::new();
    for number in 0..subscribers {
        let mut client = Client::connect(side.address, &format!("reader-{number}"), &side.login).await?;
        client.subscribe("bench", qos).await?;
        let delivered = Arc::clone(&delivered);
        readers.spawn(async move {
            loop {
                client.receive().await?;
                delivered.fetch_add(1, Relaxed);
            }
            #[expect(unreachable_code, reason = "says what the task would give")]
            anyhow::Ok(())
        });
    }
    let mut publisher = Client::connect(side.address, "publisher", &side.login).await?;
    let burst = mqtt::publishes("bench", BODY, qos, BURST as u16);
    let rounds = (deliveries / (BURST * subscribers as u64)).max(2);
    let (cpu, began) = (cpu_time(side.pid)?, Instant::now());
    for round in 1..=rounds {
        publisher.send(&burst).await?;
        if qos > 0 {
            for _ in 0..BURST {
                publisher.acknowledged().await?;
            }
        }
        let expected = round * BURST * subscribers as u64;
        while delivered.load(Relaxed) < expected {
            ensure!(began.elapsed() < Duration::from_secs(120), "only {} of {expected} came", delivered.load(Relaxed));
            sleep(Duration::from_micros(200)).await;
        }
    }
    let total = (rounds * BURST * subscribers as u64) as f64;
    let (cpu, elapsed) = (cpu_time(side.pid)? - cpu, began.elapsed());
    Ok((total / elapsed.as_secs_f64(), cpu.as_secs_f64() * 1e6 / total))
}

/// From the first byte of a post to the last subscriber that hears of it.
async fn latency(station: &Station, side: &Side, subscribers: usize) -> anyhow::Result<Samples> {
    const COUNT: u64 = 500;
    let (heard, mut hears) = mpsc::channel(1_024);
    let mut readers = JoinSet::new();
    for number in 0..subscribers {
        let mut client = Client::connect(side.address, &format!("latency-{number}"), &station.reads_stream).await?;
        client.subscribe(&format!("/device_sensor_data/{}/+/+/vs/4097", station.org), 0).await?;
        let heard = heard.clone();
        readers.spawn(async move { while client.receive().await.is_ok() && heard.send(()).await.is_ok() {} });
    }
    let mut connection = Connection::open(station.address)?;
    let mut samples = Samples::default();
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    for _ in 0..COUNT {
        let number = NUMBER.fetch_add(1, Relaxed);
        let request = station.post(&uplink(EUI, number, 1_790_000_000_000 + number as i64 * 1_000));
        let began = Instant::now();
        ensure!(connection.ask(&request)?.status == 200, "an uplink is refused");
        for _ in 0..subscribers {
            hears.recv().await.context("the subscribers have gone")?;
        }
        samples.extend([began.elapsed()]);
        sleep(Duration::from_millis(10).saturating_sub(began.elapsed())).await;
    }
    Ok(samples)
}

/// Ten that subscribe and read nothing more, for as long as they are kept.
async fn deaf_readers(station: &Station, side: &Side) -> anyhow::Result<Vec<TcpStream>> {
    let mut deaf = Vec::new();
    for number in 0..10 {
        let mut client = Client::connect(side.address, &format!("deaf-{number}"), &station.reads_stream).await?;
        client.subscribe(&format!("/device_sensor_data/{}/#", station.org), 1).await?;
        deaf.push(client.into_socket());
    }
    Ok(deaf)
}

/// How many bytes more the process has with so many clients that are connected and subscribed.
async fn idle(side: &Side, count: usize) -> anyhow::Result<f64> {
    let before = resident_bytes(side.pid)?;
    let mut clients = Vec::with_capacity(count);
    for number in 0..count {
        let mut client = Client::connect(side.address, &format!("idle-{number}"), &side.login).await?;
        client.subscribe(&format!("idle/{number}"), 0).await?;
        clients.push(client);
    }
    Ok(resident_bytes(side.pid)?.saturating_sub(before) as f64 / count as f64)
}

fn resident_bytes(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("`/proc` is not as it was")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

/// mosquitto as a process, with no limits and nobody kept out.
struct Mosquitto {
    child: Child,
    address: SocketAddr,
}

impl Mosquitto {
    fn start(folder: &Path) -> anyhow::Result<Option<Self>> {
        let address = PortFinder::bind("127.0.0.1:0")?.local_addr()?;
        let settings = folder.join("mosquitto.conf");
        let text = format!(
            "listener {} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 100000\nmax_inflight_messages 1000\n",
            address.port()
        );
        fs::write(&settings, text)?;
        let mut command = Command::new("mosquitto");
        command.arg("-c").arg(&settings).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(child) = command.spawn() else { return Ok(None) };
        let mosquitto = Self { child, address };
        let began = Instant::now();
        while std::net::TcpStream::connect(address).is_err() {
            ensure!(began.elapsed() < Duration::from_secs(10), "mosquitto does not listen");
            std::thread::yield_now();
        }
        Ok(Some(mosquitto))
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
