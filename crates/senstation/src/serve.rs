//! A station put together, run, and taken apart again.

use std::{
    net::{Ipv6Addr, SocketAddr},
    sync::Arc,
};

use anyhow::Context;
use api::ApiState;
use ingest::IngestState;
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;
use store::Store;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinSet,
};

use crate::{
    clock,
    config::{Listen, Settings},
    control,
    door::{Door, Limits, Listener, Metrics, Rooms, metrics_only},
    jobs,
    output::Output,
    station::Station,
};

/// A station with its doors open and its jobs at work.
pub(crate) struct Running {
    station: Arc<Station>,
    api: ApiState,
    http: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// What everything runs on.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")
}

impl Running {
    /// Opens the doors that the settings ask for and starts the jobs.
    pub(crate) fn start(settings: &Settings, station: Station) -> anyhow::Result<Self> {
        raise_file_limit();
        let station = Arc::new(station);
        let contract = &settings.contract;
        let api_settings = api::Settings {
            strict_windows: contract.strict_windows,
            unauthorized_status_200: contract.unauthorized_status_200,
            realm: contract.realm.clone(),
        };
        let api = ApiState::new(station.store(), Arc::new(clock::now), api_settings);
        let (stop, _) = watch::channel(false);
        let mut running = Self { station, api, http: None, stop, tasks: JoinSet::new() };
        running.open_doors(settings)?;
        let socket = control::Socket::bind(&settings.data_dir)?;
        running.spawn(|station, stop| socket.serve(station, stop));
        let api = running.api.clone();
        running.spawn(|_, stop| jobs::flush(api, stop));
        running.spawn(jobs::poll);
        running.spawn(jobs::maintain);
        let retention = settings.retention.clone();
        running.spawn(|station, stop| jobs::retain(station, retention, stop));
        Ok(running)
    }

    fn open_doors(&mut self, settings: &Settings) -> anyhow::Result<()> {
        let limits = Limits {
            connections_max: settings.http.connections_max,
            connections_per_address_max: settings.http.connections_per_address_max,
        };
        let metrics = Arc::new(Metrics::new(Arc::clone(&self.station)));
        if let Listen(Some(address)) = settings.metrics.listen {
            let router = metrics_only(Arc::clone(&metrics));
            self.open(address, limits, Door::new(router, Arc::clone(&metrics)))?;
        }
        if let Listen(Some(address)) = settings.http.listen {
            let rooms = Rooms {
                api: api::router(self.api.clone()),
                ingest: ingest::router(IngestState { store: self.station.store(), now: clock::now }),
                station: Arc::clone(&self.station),
                metrics: settings.metrics.listen.0.is_none().then(|| Arc::clone(&metrics)),
            };
            self.http = Some(self.open(address, limits, Door::new(rooms.into_router(), metrics))?);
        }
        Ok(())
    }

    fn open(&mut self, address: SocketAddr, limits: Limits, door: Door) -> anyhow::Result<SocketAddr> {
        let cannot = || format!("cannot listen on `{address}`; choose another address with `--http`");
        let listener = Listener::bind(address, limits).with_context(cannot)?;
        let bound = listener.address()?;
        self.spawn(|_, stop| listener.serve(Arc::new(door), stop));
        Ok(bound)
    }

    /// The store of the station.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        self.station.store()
    }

    /// Where the API is served, if it is.
    pub(crate) const fn address(&self) -> Option<SocketAddr> {
        self.http
    }

    /// Where the API is served, as this machine reaches it.
    pub(crate) fn url(&self) -> Option<String> {
        let mut address = self.http?;
        if address.ip().is_unspecified() {
            address.set_ip(if address.is_ipv4() { [127, 0, 0, 1].into() } else { Ipv6Addr::LOCALHOST.into() });
        }
        Some(format!("http://{address}"))
    }

    /// Says where the doors are.
    pub(crate) fn announce(&self, output: Output) {
        let url = self.http.map(|address| format!("http://{address}"));
        let text =
            url.as_ref().map_or_else(|| "running with no door open".to_owned(), |url| format!("listening on {url}"));
        output.show(&json!({ "url": url }), text);
    }

    /// Adds work that ends when the station stops.
    pub(crate) fn spawn<F>(&mut self, work: impl FnOnce(Arc<Station>, watch::Receiver<bool>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(work(Arc::clone(&self.station), self.stop.subscribe()));
    }

    /// Runs until SIGTERM or SIGINT, and then everything to its end.
    pub(crate) async fn until_told(mut self) -> anyhow::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut broken = None;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            Some(ended) = self.tasks.join_next() => broken = ended.err(),
        }
        tracing::info!("stopping");
        self.stop.send_replace(true);
        let impatient = async {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        };
        tokio::select! {
            () = async { while let Some(ended) = self.tasks.join_next().await { broken = ended.err().or(broken.take()); } } => {}
            () = impatient => anyhow::bail!("stopped at once; the next start reads the log"),
        }
        if let Err(error) = self.api.meter().flush(self.api.store()).await {
            tracing::warn!("what keys have read in the last second is not counted: {error}");
        }
        self.station.close().await?;
        tracing::info!("stopped");
        match broken {
            Some(error) => Err(error).context("a part of the station failed"),
            None => Ok(()),
        }
    }
}

/// Every connection is an open file; the soft limit is often 1024.
fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!("cannot raise the limit of open files: {error}");
    }
}
