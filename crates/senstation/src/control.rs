//! A socket in the data folder, by which commands ask a running station for what only the process
//! that holds the store can do.
//!
//! **Shape**: one line of JSON each way, `{"op":"purge_device","org":"…","eui":"…"}` and
//! `{"ok":true}` or `{"error":"…"}`. Whoever may enter the folder may ask.

use std::{
    io,
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
    time::timeout,
};

use crate::{config::Settings, station::Station};

const FILE: &str = "control.sock";
const LINE_BYTES_MAX: u64 = 4 * 1024;
/// How long a command may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(5);

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
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            let station = Station::open(settings)?;
            let done = carry_out(&*station.store(), request).await;
            station.close().await?;
            done
        }
        Err(error) => Err(error).context("cannot ask the running station"),
    }
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
        Ok(Self { listener, path })
    }

    /// Answers commands, one after the other, until told to stop.
    pub(crate) async fn serve(self, station: Arc<Station>, mut stop: watch::Receiver<bool>) {
        let store = station.store();
        loop {
            let socket = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                accepted = self.listener.accept() => accepted,
            };
            let served = match socket {
                Ok((socket, _)) => serve_one(socket, &*store).await,
                Err(error) => Err(error.into()),
            };
            if let Err(error) = served {
                tracing::warn!("a command could not be answered: {error:#}");
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // One that stays is removed by the next start.
        let _removed = std::fs::remove_file(&self.path);
    }
}

async fn serve_one(mut socket: UnixStream, store: &dyn Store) -> anyhow::Result<()> {
    let mut line = String::new();
    timeout(PATIENCE, BufReader::new((&mut socket).take(LINE_BYTES_MAX)).read_line(&mut line)).await??;
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
