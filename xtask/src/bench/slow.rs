use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, Instant},
};

use anyhow::{anyhow, ensure};
use clap::Args;
use rustix::process::{Resource, getrlimit, setrlimit};

use super::{
    machine::load,
    report::{Samples, number},
};
use crate::{
    connection::Connection,
    station::{Station, uplink},
};

/// How long the slow ones are given to be gone.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often each slow client does what little it does.
const DRIP: Duration = Duration::from_secs(1);
const QUIET: Duration = Duration::from_secs(5);
/// A question with a large answer.
const LARGE: &[u8] = b"GET /refer/def/sensor.json HTTP/1.1\r\nHost: station\r\n\r\n";
const EUI: u64 = 0x2CF7_F120_0410_0000;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Connections that send their header a byte a second.
    #[arg(long, default_value_t = 2_000)]
    headers: usize,
    /// Connections of each other kind: silent, half a body, a body a byte a second, answers never read.
    #[arg(long, default_value_t = 200)]
    others: usize,
    /// A folder to work in; what is left there is removed.
    #[arg(long, default_value = "target/bench")]
    folder: PathBuf,
}

/// How slow clients are slow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Header,
    Silent,
    HalfBody,
    Body,
    NeverReads,
}

struct Slow {
    kind: Kind,
    socket: TcpStream,
    gone: bool,
}

/// The figures of one good client, alone and beside slow ones, and how long those stay.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)?;
    std::fs::create_dir_all(&arguments.folder)?;
    let scratch = tempfile::tempdir_in(&arguments.folder)?;
    let station = Station::start(&scratch.path().join("station"))?;
    let posted = Connection::open(station.address)?.ask(&station.post(&uplink(EUI, 0, 1_790_000_000_000)))?.status;
    ensure!(posted == 200, "an uplink is answered with {posted}");
    let latest = station.get(&format!("/openapi/view_latest_telemetry_data?device_eui={EUI:016X}"));

    let stop = AtomicBool::new(false);
    let (alone, beside, kinds) = std::thread::scope(|scope| {
        let good = || scope.spawn(|| ask(station.address, &latest, &stop));
        let client = good();
        std::thread::park_timeout(QUIET);
        stop.store(true, Relaxed);
        let alone = client.join().map_err(|_| anyhow!("the client panicked"))??;

        stop.store(false, Relaxed);
        let client = good();
        let kinds = crowd(&station, &arguments);
        stop.store(true, Relaxed);
        let beside = client.join().map_err(|_| anyhow!("the client panicked"))??;
        anyhow::Ok((alone, beside, kinds?))
    })?;

    println!("load {:.2}\n\n| a good client | p50 | p99 | longest | answers |\n|---|---|---|---|---|", load()?);
    for (what, good) in [("alone", &alone), ("beside the slow ones", &beside)] {
        for (how, samples) in [("a connection kept", &good.kept), ("a connection each", &good.fresh)] {
            let ms = |share| number(samples.quantile(share) / 1e3);
            println!("| {what}, {how} | {} ms | {} ms | {} ms | {} |", ms(0.5), ms(0.99), ms(1.0), samples.len());
        }
    }
    println!("\n| slow clients | count | the last is gone after |\n|---|---|---|");
    for (what, count, gone) in kinds {
        let gone = gone.map_or("never".to_owned(), |gone| format!("{:.1} s", gone.as_secs_f64()));
        println!("| {what} | {count} | {gone} |");
    }
    Ok(())
}

/// How long the answers of a good client took.
#[derive(Default)]
struct Good {
    kept: Samples,
    fresh: Samples,
}

/// Asks again and again, on one connection and each time on a new one, until told to stop.
fn ask(address: SocketAddr, request: &[u8], stop: &AtomicBool) -> anyhow::Result<Good> {
    let mut good = Good::default();
    let mut kept = Connection::open(address)?;
    while !stop.load(Relaxed) {
        let began = Instant::now();
        ensure!(kept.ask(request)?.status == 200, "a good client is refused");
        good.kept.extend([began.elapsed()]);
        let began = Instant::now();
        ensure!(Connection::open(address)?.ask(request)?.status == 200, "a good client is refused");
        good.fresh.extend([began.elapsed()]);
        std::thread::park_timeout(Duration::from_millis(5));
    }
    Ok(good)
}

type Gone = (&'static str, usize, Option<Duration>);

/// Opens every slow connection and keeps them slow until the station has ended them all.
fn crowd(station: &Station, arguments: &Arguments) -> anyhow::Result<Vec<Gone>> {
    let kinds = [
        ("header, a byte a second", Kind::Header, arguments.headers),
        ("connected and silent", Kind::Silent, arguments.others),
        ("half a body and then nothing", Kind::HalfBody, arguments.others),
        ("body, a byte a second", Kind::Body, arguments.others),
        ("asks on and on, reads nothing", Kind::NeverReads, arguments.others / 4),
    ];
    let mut slow = Vec::new();
    for (_, kind, count) in kinds {
        for _ in 0..count {
            let mut socket = TcpStream::connect(station.address)?;
            socket.set_nonblocking(true)?;
            match kind {
                Kind::Header => socket.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: ")?,
                Kind::Silent => {}
                Kind::HalfBody | Kind::Body => {
                    let head = "POST /openapi/view_devices HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n";
                    socket.write_all(head.as_bytes())?;
                    if kind == Kind::HalfBody {
                        socket.write_all(&[b' '; 1_000])?;
                    }
                }
                Kind::NeverReads => {}
            }
            slow.push(Slow { kind, socket, gone: false });
        }
    }
    let began = Instant::now();
    let mut gone = kinds.map(|(what, _, count)| (what, count, None));
    while began.elapsed() < PATIENCE && gone.iter().any(|(.., after)| after.is_none()) {
        std::thread::park_timeout(DRIP);
        for client in slow.iter_mut().filter(|client| !client.gone) {
            client.gone = client.drip();
        }
        for ((_, kind, _), (.., after)) in kinds.iter().zip(&mut gone) {
            let is_over = slow.iter().filter(|client| client.kind == *kind).all(|client| client.gone);
            if is_over && after.is_none() {
                *after = Some(began.elapsed());
            }
        }
    }
    Ok(gone.into())
}

impl Slow {
    /// Does what little it does; whether the station has ended the connection.
    fn drip(&mut self) -> bool {
        match self.kind {
            Kind::Silent | Kind::HalfBody => {}
            Kind::Header | Kind::Body => {
                if is_over(self.socket.write(b"x")) {
                    return true;
                }
            }
            // What is never read shows its end to a writer alone.
            Kind::NeverReads => {
                return is_over(self.socket.write(&LARGE.repeat(200)));
            }
        }
        let mut answer = [0; 1_024];
        loop {
            match self.socket.read(&mut answer) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(_) => return true,
            }
        }
    }
}

fn is_over(written: std::io::Result<usize>) -> bool {
    written.is_err_and(|error| error.kind() != ErrorKind::WouldBlock)
}
