//! The broker: fan-out beside that of others, readings of many organizations, latency from a webhook to
//! subscribers, memory of idle clients.

mod fan_out;
mod idle;
mod injection;
mod latency;
mod peer;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use clap::{Args, ValueEnum};
use rustix::process::{Resource, getrlimit, setrlimit};

use self::peer::Peer;
use super::{
    machine::{Disk, load},
    mqtt::Login,
    report::Samples,
};
use crate::station::Station;

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
    /// Organizations whose readings are posted.
    #[arg(long, default_value_t = 2_000)]
    organizations: u64,
    /// These alone; all of them where none is named.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// One short round, to see that it runs.
    #[arg(long)]
    quick: bool,
    /// A folder on the disk to measure; what is left there is removed.
    #[arg(long, default_value = "target/bench")]
    folder: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    FanOut,
    Injection,
    Latency,
    Idle,
}

/// One broker: where it is, who may use it, and which process it is.
struct Side {
    name: &'static str,
    address: SocketAddr,
    login: Login,
    pid: u32,
}

pub(crate) async fn run(mut arguments: Arguments) -> anyhow::Result<()> {
    let mut injection_lasts = None;
    if arguments.quick {
        (arguments.rounds, arguments.deliveries) = (1, 5_000);
        (arguments.idle, arguments.organizations) = (500, 50);
        injection_lasts = Some(Duration::from_secs(1));
    }
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)?;
    fs::create_dir_all(&arguments.folder)?;
    let scratch = tempfile::tempdir_in(&arguments.folder)?;
    let mut disk = Disk::new(scratch.path())?;
    let mut syncs = Samples::default();
    for _ in 0..100 {
        syncs.extend([disk.sync()?]);
    }
    let is_meant = |part| arguments.only.is_empty() || arguments.only.contains(&part);
    if is_meant(Part::Injection) {
        injection::run(&scratch.path().join("many"), arguments.organizations, injection_lasts).await?;
    }
    // Each with processes of its own: what one has freed would hide what the next takes.
    if is_meant(Part::FanOut) {
        let all = Brokers::start(&scratch.path().join("fan-out"))?;
        fan_out::run(&all.sides(), arguments.rounds, arguments.deliveries, &mut disk, &mut syncs).await?;
    }
    if is_meant(Part::Latency) {
        let all = Brokers::start(&scratch.path().join("latency"))?;
        latency::run(&all.station, &all.ours(), &syncs).await?;
    }
    if is_meant(Part::Idle) {
        let all = Brokers::start(&scratch.path().join("idle"))?;
        idle::run(&all.station, &all.sides(), arguments.idle).await?;
    }
    println!("\nfdatasync of 4 KiB p50 {:.0} µs; load {:.2}", syncs.median(), load()?);
    Ok(())
}

/// A station and its peers beside it.
struct Brokers {
    station: Station,
    address: SocketAddr,
    peers: Vec<Peer>,
}

impl Brokers {
    fn start(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let station = Station::start(&folder.join("station"))?;
        let address = station.mqtt.context("the station speaks no MQTT")?;
        Ok(Self { station, address, peers: Peer::start_all(folder)? })
    }

    fn ours(&self) -> Side {
        let login = Some(self.station.publishes.clone());
        Side { name: "Senstation", address: self.address, login, pid: self.station.pid() }
    }

    /// Ours first.
    fn sides(&self) -> Vec<Side> {
        std::iter::once(self.ours()).chain(self.peers.iter().map(Peer::side)).collect()
    }
}
