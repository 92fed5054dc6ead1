//! The broker: fan-out beside mosquitto's, readings of many organizations, latency from a webhook to
//! subscribers, memory of idle clients.

mod fan_out;
mod idle;
mod injection;
mod latency;
mod mosquitto;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use clap::{Args, ValueEnum};
use rustix::process::{Resource, getrlimit, setrlimit};

use self::mosquitto::Mosquitto;
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
        let both = Both::start(&scratch.path().join("fan-out"))?;
        let (rounds, deliveries) = (arguments.rounds, arguments.deliveries);
        fan_out::run(&both.ours(), both.theirs().as_ref(), rounds, deliveries, &mut disk, &mut syncs).await?;
    }
    if is_meant(Part::Latency) {
        let both = Both::start(&scratch.path().join("latency"))?;
        latency::run(&both.station, &both.ours(), &syncs).await?;
    }
    if is_meant(Part::Idle) {
        let both = Both::start(&scratch.path().join("idle"))?;
        idle::run(&both.station, &both.ours(), both.theirs().as_ref(), arguments.idle).await?;
    }
    println!("\nfdatasync of 4 KiB p50 {:.0} µs; load {:.2}", syncs.median(), load()?);
    Ok(())
}

/// A station and the peer beside it.
struct Both {
    station: Station,
    address: SocketAddr,
    mosquitto: Option<Mosquitto>,
}

impl Both {
    fn start(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let station = Station::start(&folder.join("station"))?;
        let address = station.mqtt.context("the station speaks no MQTT")?;
        let mosquitto = Mosquitto::start(folder)?;
        if mosquitto.is_none() {
            println!("mosquitto is not installed; its figures are left out");
        }
        Ok(Self { station, address, mosquitto })
    }

    fn ours(&self) -> Side {
        Side { address: self.address, login: Some(self.station.publishes.clone()), pid: self.station.pid() }
    }

    fn theirs(&self) -> Option<Side> {
        self.mosquitto.as_ref().map(|mosquitto| Side { address: mosquitto.address, login: None, pid: mosquitto.pid() })
    }
}

fn resident_bytes(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("`/proc` is not as it was")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}
