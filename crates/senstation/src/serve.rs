//! A station put together, run, and taken apart again.

use std::{
    net::{Ipv6Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use api::ApiState;
use ingest::{IngestState, Notes};
use model::OrgId;
use portal::PortalState;
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;
use store::Store;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    task::JoinSet,
    time::timeout,
};

use crate::{
    clock,
    config::{Listen, Settings},
    control,
    demo::{self, Fleets},
    door::{Door, Limits, Listener, Metrics, Rooms, metrics_only},
    front::{self, PortalLink},
    jobs,
    logging::Tail,
    output::Output,
    station::Station,
    station_key,
};

/// How long the store may take to finish what it was asked; what it has acknowledged is on disk.
const CLOSE_PATIENCE: Duration = Duration::from_secs(30);

/// Signals within so long of the first are taken for the same wish to stop: service managers and
/// terminals may send it twice.
const SAME_WISH: Duration = Duration::from_secs(1);

/// SIGTERM, SIGINT and SIGHUP, which do not end the process once they are caught.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Catches them from now on.
    pub(crate) fn catch() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next SIGTERM or SIGINT; one that came since the last wait counts.
    async fn next(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => {
                    tracing::info!("SIGHUP: there is nothing to reload; settings are read when the station starts");
                }
            }
        }
    }

    /// As [`Signals::next`], but for what is still the last wish.
    async fn next_wish(&mut self) {
        let begun = Instant::now();
        loop {
            self.next().await;
            if begun.elapsed() >= SAME_WISH {
                return;
            }
        }
    }
}

/// A station with its doors open and its jobs at work.
pub(crate) struct Running {
    station: Arc<Station>,
    api: ApiState,
    notes: Arc<Notes>,
    portal: PortalState,
    fleets: Arc<Fleets>,
    http: Option<SocketAddr>,
    /// Where people reach the station, if the settings say.
    public_url: Option<String>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    signals: Signals,
}

/// What everything runs on.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")
}

impl Running {
    /// Opens the doors that the settings ask for and starts the jobs.
    pub(crate) async fn start(
        settings: &Settings,
        station: Station,
        signals: Signals,
        log: Tail,
    ) -> anyhow::Result<Self> {
        raise_file_limit();
        let station = Arc::new(station);
        let contract = &settings.contract;
        let api_settings = api::Settings {
            strict_windows: contract.strict_windows,
            unauthorized_status_200: contract.unauthorized_status_200,
            realm: contract.realm.clone(),
            portal_login: settings
                .portal_login
                .enabled
                .then(|| api::PortalLogin { networks: settings.portal_login.networks.0.clone() }),
        };
        let station_key = station_key::load_or_create(&settings.data_dir)?;
        let api = ApiState::new(station.store(), Arc::new(clock::now), station_key, api_settings);
        front::create_named_owner(&*station.store(), settings).await?;
        let (fleets, host) = demo::fleets(settings.data_dir.clone());
        let fleets = Arc::new(fleets);
        let portal = front::portal(Arc::clone(&station), settings, Arc::clone(&fleets), log);
        let public_url = Some(settings.portal.public_url.trim_end_matches('/').to_owned());
        let public_url = public_url.filter(|url| !url.is_empty());
        let (stop, _) = watch::channel(false);
        let mut running = Self {
            station,
            api,
            notes: Arc::default(),
            portal,
            fleets,
            http: None,
            public_url,
            stop,
            tasks: JoinSet::new(),
            signals,
        };
        running.open_doors(settings)?;
        running.spawn(|station, stop| host.run(station, stop));
        let portal = running.portal.clone();
        running.spawn(|_, stop| jobs::watch_log(portal, stop));
        let portal = running.portal.clone();
        running.spawn(|_, stop| jobs::expire(portal, stop));
        match control::Socket::bind(&settings.data_dir) {
            Ok(socket) => running.spawn(|station, stop| socket.serve(station, stop)),
            Err(error) => {
                tracing::warn!("`device remove --purge` has to wait until the station is stopped: {error:#}");
            }
        }
        let api = running.api.clone();
        running.spawn(|_, stop| jobs::flush(api, stop));
        let notes = Arc::clone(&running.notes);
        running.spawn(|station, stop| jobs::note(notes, station, stop));
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
                portal: portal::router(self.portal.clone()),
                ingest: ingest::router(IngestState {
                    store: self.station.store(),
                    now: clock::now,
                    notes: Arc::clone(&self.notes),
                }),
                station: Arc::clone(&self.station),
                metrics: settings.metrics.listen.0.is_none().then(|| Arc::clone(&metrics)),
            };
            self.http = Some(self.open(address, limits, Door::new(rooms.into_router(), metrics))?);
            if let Some(url) = self.url() {
                front::note_address(&settings.data_dir, &url);
            }
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

    /// The fleets that are simulated here.
    pub(crate) fn fleets(&self) -> &Fleets {
        &self.fleets
    }

    /// Where people get in, if the HTTP door is open; while there are none, with a link that makes
    /// an owner of an organization.
    pub(crate) async fn portal_link(&self, org: Option<OrgId>) -> anyhow::Result<Option<PortalLink>> {
        let base = match (self.url(), &self.public_url) {
            (None, _) => return Ok(None),
            (Some(_), Some(public)) => public.clone(),
            (Some(url), None) => url,
        };
        Ok(Some(front::link(&*self.store(), &base, org).await?))
    }

    /// Says where the doors are.
    pub(crate) fn announce(&self, output: Output) {
        let url = self.http.map(|address| format!("http://{address}"));
        let text =
            url.as_ref().map_or_else(|| "running with no door open".to_owned(), |url| format!("listening on {url}"));
        output.greet(&json!({ "url": url }), text);
    }

    /// Adds work that ends when the station stops.
    pub(crate) fn spawn<F>(&mut self, work: impl FnOnce(Arc<Station>, watch::Receiver<bool>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(work(Arc::clone(&self.station), self.stop.subscribe()));
    }

    /// Does some work, or nothing more of it once SIGTERM or SIGINT comes.
    pub(crate) async fn unless_told<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            () = self.signals.next() => None,
            done = work => Some(done),
        }
    }

    /// Runs until SIGTERM or SIGINT, and then everything to its end.
    ///
    /// **Errors**: a part of the station ended before it was told to.
    pub(crate) async fn until_told(mut self) -> anyhow::Result<()> {
        let ended = tokio::select! {
            () = self.signals.next() => None,
            Some(ended) = self.tasks.join_next() => Some(ended),
        };
        let stopped = self.stop().await;
        match ended {
            Some(Ok(())) => bail!("a part of the station ended by itself; the log may say why"),
            Some(Err(error)) => Err(error).context("a part of the station failed"),
            None => stopped,
        }
    }

    /// Ends everything. A second signal, a second after the first, ends it at once.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        tracing::info!("stopping");
        self.stop.send_replace(true);
        tokio::select! {
            stopped = finish(&mut self.tasks, &self.api, &self.notes, &self.station) => stopped,
            () = self.signals.next_wish() => bail!("stopped at once; the next start reads the log"),
        }
    }
}

async fn finish(tasks: &mut JoinSet<()>, api: &ApiState, notes: &Notes, station: &Station) -> anyhow::Result<()> {
    let mut broken = None;
    while let Some(ended) = tasks.join_next().await {
        broken = ended.err().or(broken);
    }
    if let Err(error) = api.meter().flush(api.store()).await {
        tracing::warn!("what keys have read in the last second is not counted: {error}");
    }
    if let Err(error) = api.settle().await {
        tracing::warn!("some of an allowance was drawn and not used, and counts as used: {error}");
    }
    if let Err(error) = notes.flush(&*station.store()).await {
        tracing::warn!("what sources have sent in the last second is not counted: {error}");
    }
    let closed = timeout(CLOSE_PATIENCE, station.close()).await;
    closed.context("the store is still at work and was cut off; the next start reads the log")??;
    tracing::info!("stopped");
    match broken {
        Some(error) => Err(error).context("a part of the station failed"),
        None => Ok(()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layers;

    #[tokio::test]
    async fn a_part_that_ends_before_it_is_told_to_is_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let mut layers = Layers::defaults().unwrap();
        layers.set_default("data_dir", folder.path().display().to_string()).unwrap();
        layers.set_default("http.listen", "off").unwrap();
        let settings = layers.settings().unwrap();
        let station = Station::open(&settings).unwrap();
        let mut running = Running::start(&settings, station, Signals::catch().unwrap(), Tail::default()).await.unwrap();
        running.spawn(|_, _| std::future::ready(()));
        let error = running.until_told().await.unwrap_err();
        assert!(error.to_string().contains("ended by itself"), "{error}");
        assert!(Station::open(&settings).is_ok(), "the folder is free again");
    }
}
