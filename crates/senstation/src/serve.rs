//! A station put together, run, and taken apart again.

use std::{
    io::ErrorKind,
    net::{Ipv6Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use api::ApiState;
use ingest::{Devices, IngestState, Notes};
use model::OrgId;
use portal::PortalState;
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;
use store::Store;
use stream::Broker;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    backup::Backups,
    clock,
    config::{self, Listen, Settings},
    control,
    demo::{self, Fleets},
    disk::Disk,
    door::{Door, Identity, Limits, Listener, Metrics, MqttListener, Room, Rooms, Seats, Transport, metrics_only},
    front::{self, Front, PortalLink},
    intake, jobs,
    last_retention::LastRetention,
    logging::Tail,
    mirror::Mirrors,
    output::Output,
    private_space::PrivateSpace,
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
    /// What is read again at SIGHUP.
    identity: Option<Arc<Identity>>,
}

impl Signals {
    /// Catches them from now on.
    pub(crate) fn catch() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            identity: None,
        })
    }

    /// Waits for the next SIGTERM or SIGINT; one that came since the last wait counts.
    async fn next(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => match &self.identity {
                    Some(identity) => identity.reload(clock::now()),
                    None => {
                        tracing::info!("SIGHUP: there is nothing to reload; settings are read when the station starts");
                    }
                },
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
    broker: Broker,
    fleets: Arc<Fleets>,
    backups: Arc<Backups>,
    disk: Arc<Disk>,
    http: Option<SocketAddr>,
    https: Option<SocketAddr>,
    mqtt: Option<SocketAddr>,
    mqtts: Option<SocketAddr>,
    websocket: Option<SocketAddr>,
    /// Where people reach the station, if the settings say.
    public_url: Option<String>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    signals: Signals,
}

/// Runs a station to its end. What still waits for another station then is waited for no more.
pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    done
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
        let api = ApiState::new(station.store(), Arc::new(clock::now), station_key.clone(), api_settings);
        front::create_named_owner(&*station.store(), settings).await?;
        let (fleets, host) = demo::fleets(settings.data_dir.clone());
        let fleets = Arc::new(fleets);
        let identity = match &settings.tls {
            tls if tls.is_set() => Some(Identity::read(tls.certificate.clone(), tls.key.clone())?),
            _ => None,
        };
        let doors = MqttDoors::bind(&settings.mqtt, identity.as_ref())?;
        let mqtt_address = doors.plain.as_ref().map(MqttListener::address).transpose()?;
        let mqtts_address = doors.encrypted.as_ref().map(MqttListener::address).transpose()?;
        let notes: Arc<Notes> = Arc::default();
        let devices = Devices {
            station_key: station_key.clone(),
            mqtt_port: mqtt_address.map(|address| address.port()),
            mqtts_port: mqtts_address.map(|address| address.port()),
        };
        let ingest = IngestState {
            store: station.store(),
            now: clock::now,
            notes: Arc::clone(&notes),
            devices,
            scripts: station.scripts().clone(),
            downlinks: Arc::default(),
            keeps_simulated: settings.ingest.keep_simulated,
        };
        let broker = Broker::new(
            station.store(),
            Arc::new(clock::now),
            front::broker(&settings.mqtt, station_key.clone()),
            Some(Arc::new(PrivateSpace(ingest.clone()))),
        );
        let backups = Arc::new(Backups::new(settings.backup.clone()));
        let disk = Arc::new(Disk::new(&settings.data_dir));
        let mirrors = Arc::new(Mirrors::new(settings.data_dir.clone(), station_key.clone()));
        let last_retention = Arc::new(LastRetention::new(&settings.data_dir));
        let front = Front {
            station: Arc::clone(&station),
            api: api.clone(),
            settings: settings.clone(),
            fleets: Arc::clone(&fleets),
            log,
            backups: Arc::clone(&backups),
            disk: Arc::clone(&disk),
            mirrors: Arc::clone(&mirrors),
            last_retention: Arc::clone(&last_retention),
            mqtt: mqtt_address,
            broker: broker.clone(),
            station_key,
            started: clock::now(),
        };
        let portal = front.into_portal();
        let public_url = Some(settings.portal.public_url.trim_end_matches('/').to_owned());
        let public_url = public_url.filter(|url| !url.is_empty());
        let (stop, _) = watch::channel(false);
        let mut running = Self {
            station,
            api,
            notes,
            portal,
            broker,
            fleets,
            backups,
            disk,
            http: None,
            https: None,
            mqtt: mqtt_address,
            mqtts: mqtts_address,
            websocket: doors.websocket.as_ref().map(MqttListener::address).transpose()?,
            public_url,
            stop,
            tasks: JoinSet::new(),
            signals,
        };
        running.open_doors(settings, &ingest, identity)?;
        running.spawn(|_, stop| intake::run(ingest, stop));
        mirrors.reached_at(running.http.map(|address| format!("http://{}", here(address))));
        running.spawn(|station, stop| mirrors.run(station, stop));
        let broker = running.broker.clone();
        running.spawn(|_, stop| async move { broker.run(stop).await });
        let room = Room::new(settings.mqtt.connections_max);
        for listener in [doors.plain, doors.encrypted, doors.websocket].into_iter().flatten() {
            let (broker, room) = (running.broker.clone(), Arc::clone(&room));
            running.spawn(|_, stop| listener.serve(broker, room, stop));
        }
        running.spawn(|station, stop| host.run(station, stop));
        let portal = running.portal.clone();
        running.spawn(|_, stop| jobs::watch_log(portal, stop));
        let portal = running.portal.clone();
        running.spawn(|_, stop| jobs::expire(portal, stop));
        match control::Socket::bind(&settings.data_dir) {
            Ok(socket) => running.spawn(|station, stop| socket.serve(station, stop)),
            Err(error) => {
                tracing::warn!("commands that need the store have to wait until the station is stopped: {error:#}");
            }
        }
        let api = running.api.clone();
        running.spawn(|_, stop| jobs::flush(api, stop));
        let notes = Arc::clone(&running.notes);
        running.spawn(|station, stop| jobs::note(notes, station, stop));
        let backups = Arc::clone(&running.backups);
        running.spawn(|station, stop| backups.run(station, stop));
        running.spawn(jobs::poll);
        running.spawn(jobs::adopt);
        running.spawn(jobs::maintain);
        let retention = settings.retention.as_said();
        let disk = Arc::clone(&running.disk);
        running.spawn(|_, stop| jobs::watch_disk(disk, stop));
        running.spawn(|station, stop| jobs::retain(station, retention, last_retention, stop));
        Ok(running)
    }

    fn open_doors(
        &mut self,
        settings: &Settings,
        ingest: &IngestState,
        identity: Option<Arc<Identity>>,
    ) -> anyhow::Result<()> {
        let limits = Limits {
            connections_max: settings.http.connections_max,
            connections_per_address_max: settings.http.connections_per_address_max,
        };
        let metrics = Arc::new(Metrics::new(
            Arc::clone(&self.station),
            self.broker.clone(),
            Arc::clone(&self.backups),
            Arc::clone(&self.disk),
        ));
        let proxies = &settings.http.trusted_proxies.0;
        if let Listen(Some(address)) = settings.metrics.listen {
            let door = Door::new(metrics_only(Arc::clone(&metrics)), Arc::clone(&metrics), proxies);
            let port = bind(address, None, Seats::new(limits), "metrics.listen")?;
            self.open(port, door)?;
        }
        let seats = Seats::new(limits);
        let rooms = |portal: &PortalState| {
            let rooms = Rooms {
                api: api::router(self.api.clone()),
                portal: portal::router(portal.clone()),
                ingest: ingest::router(ingest.clone()),
                station: Arc::clone(&self.station),
                metrics: settings.metrics.listen.0.is_none().then(|| Arc::clone(&metrics)),
            };
            rooms.into_router()
        };
        let plain = Door::new(rooms(&self.portal), Arc::clone(&metrics), proxies).with_mqtt(self.broker.clone());
        let encrypted = plain.beside(rooms(&self.portal.over_tls()));
        if let Listen(Some(address)) = settings.http.listen {
            self.http = Some(self.open(bind(address, None, Arc::clone(&seats), "--http")?, plain)?);
        }
        if let Some(identity) = identity {
            if let Listen(Some(address)) = settings.https.listen {
                let port = bind(address, Some(identity.acceptor(b"http/1.1")?), seats, "--https")?;
                self.https = Some(self.open(port, encrypted)?);
            } else if self.mqtts.is_none() {
                tracing::warn!("there is a certificate, but no door that would show it: set `https.listen`");
            }
            self.signals.identity = Some(Arc::clone(&identity));
            self.spawn(|_, stop| jobs::watch_certificate(identity, stop));
        }
        if let Some(url) = self.url() {
            front::note_address(&settings.data_dir, &url);
        }
        Ok(())
    }

    fn open(&mut self, port: Listener, door: Door) -> anyhow::Result<SocketAddr> {
        let bound = port.address()?;
        self.spawn(|_, stop| port.serve(Arc::new(door), stop));
        Ok(bound)
    }

    /// The store of the station.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        self.station.store()
    }

    /// Where the API is served, if it is.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.http.or(self.https)
    }

    /// Where the API is served, as this machine reaches it; in the clear, if it is.
    pub(crate) fn url(&self) -> Option<String> {
        let (scheme, address) = match (self.http, self.https) {
            (Some(address), _) => ("http", address),
            (None, Some(address)) => ("https", address),
            (None, None) => return None,
        };
        Some(format!("{scheme}://{}", here(address)))
    }

    /// Where readings are streamed from, as this machine reaches it.
    pub(crate) fn mqtt(&self) -> Option<SocketAddr> {
        self.mqtt.map(here)
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
        let plain = self.http.map(|address| format!("http://{address}"));
        let encrypted = self.https.map(|address| format!("https://{address}"));
        let mqtt = self.mqtt.map(|address| format!("mqtt://{address}"));
        let mqtts = self.mqtts.map(|address| format!("mqtts://{address}"));
        let websocket = self.websocket.map(|address| format!("ws://{address}"));
        let all: Vec<_> = plain.iter().chain(&encrypted).chain(&mqtts).chain(&mqtt).map(String::as_str).collect();
        let text = match all.as_slice() {
            [] => "running with no door open".to_owned(),
            all => format!("listening on {}", all.join(" and ")),
        };
        output.greet(
            &json!({ "url": plain, "https_url": encrypted, "mqtt": mqtt, "mqtts": mqtts, "mqtt_ws": websocket }),
            text,
        );
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

fn bind(address: SocketAddr, tls: Option<TlsAcceptor>, seats: Arc<Seats>, flag: &str) -> anyhow::Result<Listener> {
    Listener::bind(address, tls, seats).map_err(|error| {
        let advice = match error.kind() {
            ErrorKind::PermissionDenied => {
                "ports below 1024 need the right `CAP_NET_BIND_SERVICE`: `setcap cap_net_bind_service=+ep` on the \
                 program, or `AmbientCapabilities=CAP_NET_BIND_SERVICE` in its systemd unit"
                    .to_owned()
            }
            _ => format!("choose another address with `{flag}`"),
        };
        anyhow::Error::new(error).context(format!("cannot listen on `{address}`; {advice}"))
    })
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

/// Where MQTT is spoken, beside the HTTP ports.
struct MqttDoors {
    plain: Option<MqttListener>,
    encrypted: Option<MqttListener>,
    websocket: Option<MqttListener>,
}

impl MqttDoors {
    /// Opens the doors that the settings ask for.
    fn bind(settings: &config::Mqtt, identity: Option<&Arc<Identity>>) -> anyhow::Result<Self> {
        let tls = |protocol: &[u8]| identity.map(|identity| identity.acceptor(protocol)).transpose();
        let bind = |listen: Listen, transport, tls, flag: &str| {
            let Listen(Some(address)) = listen else { return Ok(None) };
            let cannot =
                || format!("cannot listen on `{address}`; choose another address with `{flag}`, or `{flag} off`");
            MqttListener::bind(address, transport, tls).with_context(cannot).map(Some)
        };
        let encrypted = match tls(b"mqtt")? {
            Some(tls) => bind(settings.tls_listen, Transport::Tcp, Some(tls), "--mqtts")?,
            None => None,
        };
        Ok(Self {
            plain: bind(settings.listen, Transport::Tcp, None, "--mqtt")?,
            encrypted,
            websocket: bind(settings.websocket_listen, Transport::WebSocket, tls(b"http/1.1")?, "--mqtt-ws")?,
        })
    }
}

/// An address as this machine reaches it.
fn here(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() { [127, 0, 0, 1].into() } else { Ipv6Addr::LOCALHOST.into() });
    }
    address
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
        for door in ["http.listen", "mqtt.listen", "mqtt.websocket_listen"] {
            layers.set_default(door, "off").unwrap();
        }
        let settings = layers.settings().unwrap();
        let station = Station::open(&settings).unwrap();
        let mut running = Running::start(&settings, station, Signals::catch().unwrap(), Tail::default()).await.unwrap();
        running.spawn(|_, _| std::future::ready(()));
        let error = running.until_told().await.unwrap_err();
        assert!(error.to_string().contains("ended by itself"), "{error}");
        assert!(Station::open(&settings).is_ok(), "the folder is free again");
    }
}
