//! A socket in the data folder, by which commands ask a running station for what only the process
//! that holds the store can do.
//!
//! **Shape**: one line of JSON each way, `{"op":"purge_device","org":"…","eui":"…"}` and
//! `{"ok":true}` or `{"error":"…"}`. Only the user that the station runs as may ask.

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
use store::Store;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{config::Settings, station::Station};

const FILE: &str = "control.sock";
const LINE_BYTES_MAX: u64 = 4 * 1024;
/// How long a command may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many commands are answered at a time.
const COMMANDS_MAX: usize = 16;

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// Unbind a device and erase everything it ever sent.
    PurgeDevice { org: OrgId, eui: DeviceEui },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Line {
    PurgeDevice { org: String, eui: String },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Ok(bool),
    Error(String),
}

/// Asks the running station, or does it here if there is none.
pub(crate) async fn ask(settings: &Settings, request: Request) -> anyhow::Result<()> {
    match UnixStream::connect(settings.data_dir.join(FILE)).await {
        Ok(socket) => ask_running(socket, request).await,
        Err(error) if shows_that_nobody_listens(&error) => {
            let station = Station::open(settings)?;
            let done = carry_out(&*station.store(), request).await;
            station.close().await?;
            done
        }
        Err(error) => Err(error).context("cannot ask the running station"),
    }
}

/// A path that is too long for a socket is invalid input, to the station as well.
fn shows_that_nobody_listens(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, InvalidInput, NotFound};
    matches!(error.kind(), ConnectionRefused | InvalidInput | NotFound)
}

async fn ask_running(mut socket: UnixStream, request: Request) -> anyhow::Result<()> {
    let Request::PurgeDevice { org, eui } = request;
    let line = Line::PurgeDevice { org: org.to_string(), eui: eui.to_string() };
    socket.write_all(format!("{}\n", serde_json::to_string(&line)?).as_bytes()).await?;
    let mut answer = String::new();
    BufReader::new(socket.take(LINE_BYTES_MAX)).read_line(&mut answer).await?;
    match serde_json::from_str(&answer).context("the running station gave no answer")? {
        Answer::Ok(_) => Ok(()),
        Answer::Error(error) => bail!(error),
    }
}

async fn carry_out(store: &dyn Store, request: Request) -> anyhow::Result<()> {
    let Request::PurgeDevice { org, eui } = request;
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
    Ok(())
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
                Ok((socket, _)) => drop(commands.spawn(serve_one(socket, station.store(), stop.clone()))),
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

async fn serve_one(socket: UnixStream, store: Arc<dyn Store>, stop: watch::Receiver<bool>) {
    if let Err(error) = answer(socket, &*store, stop).await {
        tracing::warn!("a command could not be answered: {error:#}");
    }
}

async fn answer(mut socket: UnixStream, store: &dyn Store, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
    let mut line = String::new();
    let mut reader = BufReader::new((&mut socket).take(LINE_BYTES_MAX));
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => bail!("the station stops"),
        read = timeout(PATIENCE, reader.read_line(&mut line)) => read.context("it said nothing")??,
    };
    let done = match parse(&line) {
        Ok(request) => carry_out(store, request).await,
        Err(error) => Err(error),
    };
    let answer = match done {
        Ok(()) => Answer::Ok(true),
        Err(error) => Answer::Error(format!("{error:#}")),
    };
    socket.write_all(format!("{}\n", serde_json::to_string(&answer)?).as_bytes()).await?;
    Ok(())
}

fn parse(line: &str) -> anyhow::Result<Request> {
    let Line::PurgeDevice { org, eui } = serde_json::from_str(line).context("this is no command")?;
    let eui = eui.parse().map_err(|error: model::InvalidEui| anyhow!(error))?;
    Ok(Request::PurgeDevice { org: org.parse()?, eui })
}
