//! A socket in the data folder, by which commands ask a running station for what only the process
//! that holds the store can do.
//!
//! **Shape**: one line of JSON, such as `{"op":"purge_device","org":"…","eui":"…"}`, is answered by
//! one, `{"ok":…}` or `{"error":"…"}`; before it, while it takes long, come lines
//! `{"progress":[done,total]}`. Who hangs up wants it no more. Only the user that the station runs as
//! may ask.

use std::{
    fs::Permissions,
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, anyhow, bail};
use model::{DeviceEui, OrgId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Store;
use store_embedded::backup::Frozen;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::watch,
    task::JoinSet,
    time::{interval, sleep, timeout},
};

use crate::{
    backup,
    config::Settings,
    export::{self, Wanted},
    import, mirror,
    progress::{self, Shown, Steps},
    replay,
    station::{self, Station},
};

const FILE: &str = "control.sock";
/// An export may name many devices, and a mirror brings many readings.
const LINE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Findings of a store that is damaged all over are many.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;
/// How long a command may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many commands are answered at a time.
const COMMANDS_MAX: usize = 16;

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// Unbind a device and erase everything it ever sent.
    PurgeDevice { org: OrgId, eui: DeviceEui },
    /// Write a backup into a file, which must not be there yet.
    Backup { to: PathBuf, with_secrets: bool },
    /// Read everything there is and name what is damaged.
    Verify,
    /// Write readings into a file, which must not be there yet, and a manifest beside it.
    Export { wanted: Box<Wanted>, to: PathBuf },
    /// Take readings in out of a file.
    Import(Box<import::Wanted>),
    /// Take readings of another station in.
    Take(Box<mirror::Batch>),
    /// Count the readings of a device by day.
    Count { org: OrgId, eui: DeviceEui, since_ms: i64 },
    /// Decode stored frames again, and write how that differs into a file.
    Replay(replay::Wanted),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Line {
    PurgeDevice { org: String, eui: String },
    Backup { to: PathBuf, with_secrets: bool },
    Verify,
    Export { wanted: Box<Wanted>, to: PathBuf },
    Import { wanted: Box<import::Wanted> },
    Take { batch: Box<mirror::Batch> },
    Count { org: String, eui: String, since_ms: i64 },
    Replay(replay::Wanted),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Ok(Value),
    Error(String),
    Progress((u64, u64)),
}

/// Asks the running station, or does it here if there is none.
pub(crate) async fn ask(settings: &Settings, request: Request, what: &'static str) -> anyhow::Result<Value> {
    match UnixStream::connect(settings.data_dir.join(FILE)).await {
        Ok(socket) => ask_over(socket, request, what).await,
        Err(error) if shows_that_nobody_listens(&error) => {
            let steps = Arc::new(Steps::default());
            if request == Request::Verify {
                // As it lies there: opening it would recover what it can.
                return verify_closed(settings.data_dir.clone(), &steps, what).await;
            }
            let station = Station::open(settings)?;
            let done = progress::watch(what, &steps, carry_out(&station, request, &steps)).await;
            station.close().await?;
            done
        }
        Err(error) => Err(error).context("cannot ask the running station"),
    }
}

/// Whether a station runs on a data folder.
pub(crate) fn is_running(data_dir: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(data_dir.join(FILE)).is_ok()
}

/// Asks the running station for something that takes no time.
pub(crate) async fn ask_running(settings: &Settings, request: Request) -> anyhow::Result<Value> {
    let socket = UnixStream::connect(settings.data_dir.join(FILE)).await;
    ask_over(socket.context("the station does not run any more; start it and go on")?, request, "").await
}

async fn verify_closed(data_dir: PathBuf, steps: &Arc<Steps>, what: &'static str) -> anyhow::Result<Value> {
    let work = progress::aside(steps, move |steps| {
        let frozen = Frozen::open(&data_dir).map_err(|error| station::refused(error, &data_dir))?;
        Ok(backup::verified_json(&frozen.verify(&mut |done, total| steps.note(done, total))?))
    });
    progress::watch(what, steps, work).await
}

/// A path that is too long for a socket is invalid input, to the station as well.
fn shows_that_nobody_listens(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, InvalidInput, NotFound};
    matches!(error.kind(), ConnectionRefused | InvalidInput | NotFound)
}

async fn ask_over(mut socket: UnixStream, request: Request, what: &'static str) -> anyhow::Result<Value> {
    let line = match request {
        Request::PurgeDevice { org, eui } => Line::PurgeDevice { org: org.to_string(), eui: eui.to_string() },
        Request::Backup { to, with_secrets } => Line::Backup { to, with_secrets },
        Request::Verify => Line::Verify,
        Request::Export { wanted, to } => Line::Export { wanted, to },
        Request::Import(wanted) => Line::Import { wanted },
        Request::Take(batch) => Line::Take { batch },
        Request::Count { org, eui, since_ms } => Line::Count { org: org.to_string(), eui: eui.to_string(), since_ms },
        Request::Replay(wanted) => Line::Replay(wanted),
    };
    socket.write_all(format!("{}\n", serde_json::to_string(&line)?).as_bytes()).await?;
    let mut shown = None;
    let mut lines = BufReader::new(socket);
    loop {
        let mut answer = String::new();
        (&mut lines).take(ANSWER_BYTES_MAX).read_line(&mut answer).await?;
        match serde_json::from_str(&answer).context("the running station gave no answer")? {
            Answer::Ok(value) => return Ok(value),
            Answer::Error(error) => bail!(error),
            Answer::Progress((done, total)) => shown.get_or_insert_with(|| Shown::new(what)).show(done, total),
        }
    }
}

async fn carry_out(station: &Station, request: Request, steps: &Arc<Steps>) -> anyhow::Result<Value> {
    // What the command before this one has changed holds for this one.
    station.poll()?;
    match request {
        Request::PurgeDevice { org, eui } => purge(&*station.store(), org, eui).await,
        Request::Backup { to, with_secrets } => {
            let summary = backup::make(station, to.clone(), with_secrets, steps).await?;
            tracing::info!(file = %to.display(), bytes = summary.bytes, "made a backup");
            Ok(backup::summary_json(&summary))
        }
        Request::Export { wanted, to } => export::write(station, *wanted, to, steps).await,
        Request::Import(wanted) => import::take(station, *wanted, steps).await,
        Request::Take(batch) => mirror::take(&*station.store(), *batch).await,
        Request::Count { org, eui, since_ms } => mirror::count(&*station.store(), org, eui, since_ms).await,
        Request::Replay(wanted) => replay::run(&*station.store(), station.scripts(), wanted, steps).await,
        Request::Verify => Ok(backup::verified_json(&backup::verify(station, steps).await?)),
    }
}

async fn purge(store: &dyn Store, org: OrgId, eui: DeviceEui) -> anyhow::Result<Value> {
    let found = store.find_device_id(org, eui).await?;
    let device = found.with_context(|| format!("the organization never had a device `{eui}`"))?;
    match store.unbind_device(org, eui).await {
        // It was unbound before.
        Ok(()) | Err(store::Error::NotFound(_)) => {}
        Err(error) => return Err(error.into()),
    }
    match store.forget_unbound(org, eui).await {
        // Nothing has come since, as a rule.
        Ok(()) | Err(store::Error::NotFound(_)) => {}
        Err(error) => return Err(error.into()),
    }
    store.purge(org, device).await?;
    tracing::info!(%org, %eui, "unbound a device and erased what it sent");
    Ok(Value::Bool(true))
}

/// The running station's end; its file goes when it does.
pub(crate) struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Opens the socket; what an earlier process has left of one is removed, as it cannot be in
    /// use while this process holds the folder.
    pub(crate) fn bind(data_dir: &Path) -> anyhow::Result<Self> {
        let path = data_dir.join(FILE);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove `{}`", path.display()));
            }
            _ => {}
        }
        let listener = UnixListener::bind(&path).with_context(|| format!("cannot open `{}`", path.display()))?;
        let socket = Self { listener, path };
        std::fs::set_permissions(&socket.path, Permissions::from_mode(0o600))
            .with_context(|| format!("cannot keep others from `{}`", socket.path.display()))?;
        Ok(socket)
    }

    /// Answers commands until told to stop, and those that have been heard to their end.
    pub(crate) async fn serve(self, station: Arc<Station>, mut stop: watch::Receiver<bool>) {
        let mut commands = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                Some(_) = commands.join_next() => continue,
                accepted = self.listener.accept(), if commands.len() < COMMANDS_MAX => accepted,
            };
            match accepted {
                Ok((socket, _)) => drop(commands.spawn(serve_one(socket, Arc::clone(&station), stop.clone()))),
                Err(error) => {
                    tracing::warn!("cannot accept a command: {error}");
                    // Out of file descriptors: some come back when connections end.
                    sleep(Duration::from_millis(50)).await;
                }
            }
        }
        while commands.join_next().await.is_some() {}
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // One that stays is removed by the next start.
        let _removed = std::fs::remove_file(&self.path);
    }
}

async fn serve_one(socket: UnixStream, station: Arc<Station>, stop: watch::Receiver<bool>) {
    if let Err(error) = answer(socket, &station, stop).await {
        tracing::warn!("a command could not be answered: {error:#}");
    }
}

async fn answer(mut socket: UnixStream, station: &Station, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
    let mut line = String::new();
    let mut reader = BufReader::new((&mut socket).take(LINE_BYTES_MAX));
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => bail!("the station stops"),
        read = timeout(PATIENCE, reader.read_line(&mut line)) => read.context("it said nothing")??,
    };
    let done = match parse(&line) {
        Ok(request) => {
            let steps = Arc::new(Steps::default());
            report(&mut socket, &steps, &mut stop, carry_out(station, request, &steps)).await
        }
        Err(error) => Err(error),
    };
    let answer = match done {
        Ok(value) => Answer::Ok(value),
        Err(error) => Answer::Error(format!("{error:#}")),
    };
    say(&mut socket, &answer).await
}

/// Tells how far the work has come until it is done. What can be stopped ends early when the
/// station stops, or when nobody listens any more.
async fn report(
    socket: &mut UnixStream,
    steps: &Steps,
    stop: &mut watch::Receiver<bool>,
    work: impl Future<Output = anyhow::Result<Value>>,
) -> anyhow::Result<Value> {
    let mut work = std::pin::pin!(work);
    let mut ticks = interval(progress::PACE);
    let (mut said, mut is_stopping) = ((0, 0), false);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = async { drop(stop.wait_for(|stop| *stop).await) }, if !is_stopping => {
                steps.stop();
                is_stopping = true;
            }
            _ = ticks.tick() => {
                let now = steps.read();
                if now != said && say(socket, &Answer::Progress(now)).await.is_err() {
                    steps.stop();
                }
                said = now;
            }
        }
    }
}

async fn say(socket: &mut UnixStream, answer: &Answer) -> anyhow::Result<()> {
    Ok(socket.write_all(format!("{}\n", serde_json::to_string(answer)?).as_bytes()).await?)
}

fn parse(line: &str) -> anyhow::Result<Request> {
    Ok(match serde_json::from_str(line).context("this is no command")? {
        Line::PurgeDevice { org, eui } => {
            let eui = eui.parse().map_err(|error: model::InvalidEui| anyhow!(error))?;
            Request::PurgeDevice { org: org.parse()?, eui }
        }
        Line::Backup { to, with_secrets } => Request::Backup { to, with_secrets },
        Line::Verify => Request::Verify,
        Line::Export { wanted, to } => Request::Export { wanted, to },
        Line::Import { wanted } => Request::Import(wanted),
        Line::Take { batch } => Request::Take(batch),
        Line::Count { org, eui, since_ms } => {
            let eui = eui.parse().map_err(|error: model::InvalidEui| anyhow!(error))?;
            Request::Count { org: org.parse()?, eui, since_ms }
        }
        Line::Replay(wanted) => Request::Replay(wanted),
    })
}
