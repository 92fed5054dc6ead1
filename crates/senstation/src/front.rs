//! What the portal is told about the station, and how people get in.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use api::ApiState;
use codec::{Codec, script::Outcome};
use futures_util::stream::unfold;
use model::{
    AccessId, Call, Frame, Mirror, MirrorId, OrgId, Position, Retention, SourceKind, StationKey, Timestamp, UserCodec,
};
use portal::{
    BackupOutcome, BrokerClient, BrokerFigures, Fact, Later, LiveMessages, MirrorProgress, MirrorSight, PortalState,
    Stream, TriedCodec,
};
use store::Registry;
use stream::Broker;

use crate::{
    backup::Backups,
    clock,
    config::{self, Listen, Settings},
    credentials::random,
    demo::Fleets,
    disk::Disk,
    last_retention::LastRetention,
    logging::Tail,
    mirror::Mirrors,
    station::Station,
};

/// The station, as the portal sees it.
pub(crate) struct Front {
    pub(crate) station: Arc<Station>,
    pub(crate) api: ApiState,
    pub(crate) settings: Settings,
    pub(crate) fleets: Arc<Fleets>,
    pub(crate) log: Tail,
    pub(crate) backups: Arc<Backups>,
    pub(crate) disk: Arc<Disk>,
    pub(crate) mirrors: Arc<Mirrors>,
    pub(crate) last_retention: Arc<LastRetention>,
    /// Where the MQTT door is, if it is open.
    pub(crate) mqtt: Option<SocketAddr>,
    pub(crate) broker: Broker,
    pub(crate) station_key: StationKey,
    pub(crate) started: Timestamp,
}

impl Front {
    /// The portal of the station.
    pub(crate) fn into_portal(self) -> PortalState {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let portal = portal::Settings {
            public_url: given(&self.settings.portal.public_url),
            map_tiles: given(&self.settings.portal.map_tiles),
            map_attribution: self.settings.portal.map_attribution.clone(),
        };
        PortalState::new(self.station.store(), Arc::new(clock::now), Arc::new(self), portal)
    }
}

impl portal::Station for Front {
    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    fn facts(&self) -> Vec<(&'static str, Fact)> {
        let stats = self.station.stats();
        let mut facts = vec![
            ("health", Fact::Trouble(stats.blocked)),
            ("started", Fact::At(self.started)),
            ("data_dir", Fact::Text(self.settings.data_dir.display().to_string())),
            ("disk_bytes", Fact::Bytes(stats.disk_bytes)),
            ("devices", Fact::Count(stats.devices)),
            ("open_bytes", Fact::Bytes(stats.open_bytes)),
            ("readings_days", Fact::Days(self.settings.retention.readings_days)),
            ("frames_days", Fact::Days(self.settings.retention.frames_days)),
        ];
        facts.extend(self.last_retention.trouble().map(|trouble| ("retention", Fact::Trouble(Some(trouble)))));
        facts.extend(self.disk.free_bytes().map(|free| ("disk_free", Fact::Bytes(free))));
        facts.extend(self.disk.growth().map(|growth| ("disk_growth", Fact::Bytes(growth as u64))));
        facts.extend(self.disk_full_at().map(|at| ("disk_full_at", Fact::At(at))));
        if let Some(last) = self.backups.last() {
            facts.push(("backup", Fact::Trouble(last.trouble)));
            facts.extend(last.good_ms.map(|ms| ("backup_at", Fact::At(Timestamp::from_millis(ms)))));
        }
        facts
    }

    fn retention(&self) -> Retention {
        self.settings.retention.as_said()
    }

    fn disk_full_at(&self) -> Option<Timestamp> {
        self.disk.full_at(clock::now())
    }

    fn last_backup(&self) -> Option<BackupOutcome> {
        let last = self.backups.last()?;
        Some(BackupOutcome { good_at: last.good_ms.map(Timestamp::from_millis), trouble: last.trouble })
    }

    fn log_tail(&self) -> Vec<String> {
        self.log.lines()
    }

    fn models(&self) -> Vec<&'static str> {
        Codec::all().iter().map(Codec::model).collect()
    }

    fn check_codec<'a>(&'a self, codec: &'a UserCodec) -> Later<'a, Result<(), String>> {
        Box::pin(self.station.scripts().check(codec))
    }

    fn try_codec<'a>(
        &'a self,
        codec: &'a UserCodec,
        f_port: u8,
        payload: Vec<u8>,
    ) -> Later<'a, Result<TriedCodec, String>> {
        Box::pin(async move {
            let frame = Frame { f_port, payload: payload.into(), ..Frame::default() };
            let tried = self.station.scripts().decode(codec, &frame, clock::now()).await;
            let Outcome { readings, unmapped, warnings } = tried.map_err(|error| error.to_string())?;
            Ok(TriedCodec { readings, unmapped, warnings })
        })
    }

    fn api_document(&self) -> serde_json::Value {
        api::document()
    }

    fn seal(&self, purpose: &str, secret: &[u8]) -> Result<Vec<u8>, store::Error> {
        let nonce = random().map_err(store::Error::internal)?;
        Ok(self.station_key.seal(purpose, secret, nonce))
    }

    fn usual_topics(&self, kind: SourceKind) -> &'static [&'static str] {
        ingest::usual_topics(kind)
    }

    fn stream(&self, host: &str, org: OrgId, access_key: &str) -> Stream {
        let Some(door) = self.mqtt else { return Stream::Closed };
        if door.ip().is_loopback() && !is_here(host) {
            return Stream::OpenHere(stream::quick_start(&door.ip().to_string(), door.port(), org, access_key));
        }
        Stream::Open(stream::quick_start(host, door.port(), org, access_key))
    }

    fn live(&self, org: OrgId, filters: &[String], after: Option<Position>) -> Option<LiveMessages> {
        let reader = self.broker.read(org, filters, after).ok()?;
        Some(Box::pin(unfold(reader, async |mut reader| {
            let next = reader.next().await.map(|messages| (messages.position, messages.messages));
            Some((next, reader))
        })))
    }

    fn broker(&self, org: OrgId) -> BrokerFigures {
        let figures = self.broker.figures_by_org().remove(&org).unwrap_or_default();
        let stream::Figures { sent, received, dropped, missed, .. } = figures;
        let client = |client: stream::Client| {
            let stream::Client { id, is_private, is_kept, lag } = client;
            BrokerClient { id, is_private, is_kept, lag }
        };
        let clients = self.broker.clients(org).into_iter().map(client).collect();
        BrokerFigures { clients, sent, received, dropped, missed }
    }

    fn look_at_station<'a>(
        &'a self,
        mirror: &'a Mirror,
        access_key: &'a str,
    ) -> Later<'a, Result<MirrorSight, String>> {
        Box::pin(self.mirrors.look(mirror, access_key))
    }

    fn mirror_progress(&self, org: OrgId, id: MirrorId) -> MirrorProgress {
        self.mirrors.progress(org, id)
    }

    fn has_simulated_fleet(&self, org: OrgId) -> bool {
        self.fleets.has(org)
    }

    fn last_calls(&self, org: OrgId, id: AccessId) -> Vec<Call> {
        self.api.calls().list(org, id)
    }

    fn start_simulated_fleet(&self, org: OrgId) {
        self.fleets.start(org);
    }

    fn remove_simulated_fleet(&self, org: OrgId) {
        self.fleets.remove(org);
    }
}

/// What the settings say of the broker; tokens of devices are derived from the key.
pub(crate) fn broker(settings: &config::Mqtt, station_key: StationKey) -> stream::Settings {
    stream::Settings {
        connections_per_org_max: settings.connections_per_org_max,
        packet_bytes_max: settings.packet_kib_max * 1024,
        topic_bytes_max: settings.topic_bytes_max,
        client_id_bytes_max: settings.client_id_bytes_max,
        topic_levels_max: settings.topic_levels_max,
        subscriptions_max: settings.subscriptions_max,
        filters_per_packet_max: settings.filters_per_packet_max,
        connect_patience: Duration::from_secs(settings.connect_timeout_s.into()),
        keep_alive_s_max: settings.keep_alive_s_max,
        anonymous_source: settings.anonymous_source.parse().ok(),
        station_key: Some(station_key),
    }
}

/// Whether a host is the machine that names it.
fn is_here(host: &str) -> bool {
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

/// Where people get in.
#[derive(Debug)]
pub(crate) struct PortalLink {
    pub(crate) url: String,
    /// Whether it makes its user an owner.
    is_for_owner: bool,
}

impl fmt::Display for PortalLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, is_for_owner } = self;
        if *is_for_owner {
            write!(
                f,
                "Set up the portal with this link, good once and for 15 minutes:\n  {url}\n\
                 (`senstation owner-link` prints another.)"
            )
        } else {
            write!(f, "The portal: {url}")
        }
    }
}

/// How people get in at a base address: by the link for an owner while there are no people.
///
/// With several organizations and none named there is no link, as nobody can say whose it would be.
pub(crate) async fn link(registry: &dyn Registry, base: &str, org: Option<OrgId>) -> Result<PortalLink, store::Error> {
    let plain = PortalLink { url: format!("{base}/"), is_for_owner: false };
    if registry.count_people().await? > 0 {
        return Ok(plain);
    }
    let org = match org {
        Some(org) => Some(org),
        None => {
            let mut all = registry.list_organizations(None, 2).await?;
            if all.len() > 1 {
                return Ok(plain);
            }
            all.pop().map(|only| only.id)
        }
    };
    owner_link(registry, base, org, true).await
}

/// A new link for an owner, who may be the station's operator as well.
pub(crate) async fn owner_link(
    registry: &dyn Registry,
    base: &str,
    org: Option<OrgId>,
    is_operator: bool,
) -> Result<PortalLink, store::Error> {
    let path = portal::owner_link(registry, org, is_operator, clock::now()).await?;
    Ok(PortalLink { url: format!("{base}{path}"), is_for_owner: true })
}

/// The file of the data folder that says where the station was last reached from this machine.
const ADDRESS_FILE: &str = "http-address";

/// Writes down where the station is reached, for commands beside it.
pub(crate) fn note_address(data_dir: &Path, url: &str) {
    if let Err(error) = std::fs::write(data_dir.join(ADDRESS_FILE), format!("{url}\n")) {
        tracing::warn!("commands will not know the address of this station: {error}");
    }
}

/// Where people reach the station: what the settings say, or where it was last.
pub(crate) fn base_url(settings: &Settings) -> String {
    if !settings.portal.public_url.is_empty() {
        return settings.portal.public_url.trim_end_matches('/').to_owned();
    }
    if let Ok(url) = std::fs::read_to_string(settings.data_dir.join(ADDRESS_FILE)) {
        return url.trim_end().to_owned();
    }
    let (scheme, address) = match (settings.http.listen, settings.https.listen) {
        (Listen(Some(address)), _) => ("http", address),
        (Listen(None), Listen(Some(address))) => ("https", address),
        (Listen(None), Listen(None)) => return "http://127.0.0.1:8080".to_owned(),
    };
    if address.ip().is_unspecified() {
        format!("{scheme}://127.0.0.1:{}", address.port())
    } else {
        format!("{scheme}://{address}")
    }
}

/// Makes the owner that the settings name, unless there are people already.
pub(crate) async fn create_named_owner(registry: &dyn Registry, settings: &Settings) -> anyhow::Result<()> {
    let owner = &settings.owner;
    if owner.email.is_empty() || registry.count_people().await? > 0 {
        return Ok(());
    }
    let email = owner.email.parse().with_context(|| format!("`owner.email` is `{}`", owner.email))?;
    let path = &owner.password_file;
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let password = text.lines().next().unwrap_or_default();
    let mut all = registry.list_organizations(None, 2).await?;
    if all.len() > 1 {
        bail!("there are several organizations; make their owners with `senstation owner-link --org ORG_ID`");
    }
    let made = portal::create_owner(registry, all.pop().map(|only| only.id), email, password, clock::now()).await;
    let person =
        made.with_context(|| format!("the password in `{}` has to have at least 10 characters", path.display()))?;
    tracing::info!(email = %person.email, org = %person.org, "made the first owner");
    Ok(())
}
