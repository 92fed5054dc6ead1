use model::{AccessId, AccessKey, BrokerUrl, Mirror, MirrorId, Scopes, Timestamp};
use sha2::{Digest, Sha256};

use super::parse;
use crate::{MirrorSight, PortalState, actor::Actor, fault::Fault, secret::random};

/// What Seeed's stations serve, by their documentation.
const HISTORY_DAYS: i64 = 90;
const DAY_MS: i64 = 86_400_000;
/// What they bear: users report refusals near 50 calls a minute.
const CALLS_PER_MINUTE: u32 = 40;
const CALLS_PER_MINUTE_MAX: u32 = 6_000;
/// The longest that both stations are asked the same.
const COMPARE_HOURS_MAX: u32 = 31 * 24;
const TEXT_CHARS_MAX: usize = 256;

/// A station to mirror, as somebody says it.
#[derive(Debug, Default)]
pub(crate) struct New<'a> {
    pub(crate) station: &'a str,
    pub(crate) access_id: &'a str,
    pub(crate) access_key: &'a str,
    /// As far back as Seeed's stations go where nothing is said.
    pub(crate) since: Option<Timestamp>,
    pub(crate) budget_dm: Option<u64>,
    pub(crate) calls_per_minute: Option<u32>,
    pub(crate) streams: bool,
    /// Empty for where it usually is.
    pub(crate) stream_at: &'a str,
    /// Whether the key is to be good here too, so that programs change the address alone.
    pub(crate) brings_key: bool,
}

impl New<'_> {
    fn read(&self, portal: &PortalState, actor: &Actor, id: MirrorId) -> Result<Mirror, Fault> {
        let is_plain = |text: &str| {
            !text.is_empty() && text.chars().count() <= TEXT_CHARS_MAX && !text.contains(|c: char| c.is_control())
        };
        if ![self.station, self.access_id, self.access_key].into_iter().all(is_plain) || self.access_id.contains(':') {
            return Err(Fault::Invalid(|texts| texts.fault_mirror));
        }
        let calls_per_minute = self.calls_per_minute.unwrap_or(CALLS_PER_MINUTE);
        if !(1..=CALLS_PER_MINUTE_MAX).contains(&calls_per_minute) {
            return Err(Fault::Invalid(|texts| texts.fault_mirror_pace));
        }
        let since = self.since.unwrap_or_else(|| portal.now().minus_ms(HISTORY_DAYS * DAY_MS));
        if since > portal.now() {
            return Err(Fault::Invalid(|texts| texts.fault_window));
        }
        Ok(Mirror {
            org: actor.org,
            id,
            station: self.station.to_owned(),
            access_id: self.access_id.to_owned(),
            access_key: Vec::new(),
            since,
            budget_dm: self.budget_dm,
            calls_per_minute,
            streams: self.streams,
            stream_at: stream_at(self.stream_at)?,
            is_paused: false,
            compare_until: None,
            created_at: portal.now(),
        })
    }
}

fn stream_at(text: &str) -> Result<Option<BrokerUrl>, Fault> {
    if text.is_empty() { Ok(None) } else { parse(text, |texts| texts.fault_broker_url).map(Some) }
}

/// What the other station has and what it would cost; nothing is spent or kept.
pub(crate) async fn look(portal: &PortalState, actor: &Actor, new: &New<'_>) -> Result<MirrorSight, Fault> {
    let mirror = new.read(portal, actor, MirrorId::from_raw(0))?;
    portal.station().look_at_station(&mirror, new.access_key).await.map_err(Fault::Wrong)
}

/// Begins to mirror a station.
pub(crate) async fn create(portal: &PortalState, actor: &Actor, new: &New<'_>) -> Result<Mirror, Fault> {
    let id = MirrorId::from_raw(u64::from_be_bytes(random()?));
    let mut mirror = new.read(portal, actor, id)?;
    // What cannot even be looked at would only fail later, unseen.
    portal.station().look_at_station(&mirror, new.access_key).await.map_err(Fault::Wrong)?;
    mirror.access_key = portal.station().seal(&Mirror::sealed_for(actor.org, id), new.access_key.as_bytes())?;
    if new.brings_key {
        bring(portal, actor, new).await?;
    }
    portal.store().set_mirror(mirror.clone()).await?;
    actor.record(portal, "mirror.create", id, format!("{} {}", mirror.station, mirror.access_id)).await?;
    Ok(mirror)
}

/// Makes the other station's key good here, for reading.
async fn bring(portal: &PortalState, actor: &Actor, new: &New<'_>) -> Result<(), Fault> {
    /// Shorter ones can be guessed.
    const KEY_BYTES_MIN: usize = 16;
    let id: AccessId = parse(new.access_id, |texts| texts.fault_mirror_key)?;
    if new.access_key.len() < KEY_BYTES_MIN || new.access_key.contains(char::is_whitespace) {
        return Err(Fault::Invalid(|texts| texts.fault_mirror_key));
    }
    let hash = model::SecretHash(Sha256::digest(new.access_key.as_bytes()).into());
    let scopes = Scopes { read: true, write: false, manage: false };
    let name = "mirror".to_owned();
    match portal.store().create_access_key(AccessKey::new(id, actor.org, hash, name, scopes, portal.now())).await {
        Ok(()) => actor.record(portal, "key.create", id, "read, brought along").await?,
        // It may have been brought before; somebody else's of that name is not told of.
        Err(store::Error::Conflict(_)) => {
            let own = portal.store().list_access_keys(actor.org).await?;
            if !own.iter().any(|key| key.id == id) {
                return Err(Fault::Invalid(|texts| texts.fault_mirror_key));
            }
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

pub(crate) async fn list(portal: &PortalState, actor: &Actor) -> Result<Vec<Mirror>, Fault> {
    Ok(portal.store().list_mirrors(Some(actor.org)).await?)
}

pub(crate) async fn find(portal: &PortalState, actor: &Actor, id: &str) -> Result<Mirror, Fault> {
    let id: MirrorId = id.parse().map_err(|_| Fault::NotFound)?;
    list(portal, actor).await?.into_iter().find(|mirror| mirror.id == id).ok_or(Fault::NotFound)
}

/// What is to be different about a mirror.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) is_paused: Option<bool>,
    pub(crate) budget_dm: Option<Option<u64>>,
    pub(crate) calls_per_minute: Option<u32>,
    pub(crate) streams: Option<bool>,
    /// Empty for where it usually is.
    pub(crate) stream_at: Option<String>,
    /// For how many hours from now on both stations are asked the same; 0 for no longer.
    pub(crate) compare_hours: Option<u32>,
}

/// Changes how a station is mirrored.
pub(crate) async fn change(portal: &PortalState, actor: &Actor, id: &str, change: Change) -> Result<Mirror, Fault> {
    let mut mirror = find(portal, actor, id).await?;
    if change.calls_per_minute.is_some_and(|calls| !(1..=CALLS_PER_MINUTE_MAX).contains(&calls)) {
        return Err(Fault::Invalid(|texts| texts.fault_mirror_pace));
    }
    if change.compare_hours.is_some_and(|hours| hours > COMPARE_HOURS_MAX) {
        return Err(Fault::Invalid(|texts| texts.fault_mirror_hours));
    }
    mirror.is_paused = change.is_paused.unwrap_or(mirror.is_paused);
    mirror.budget_dm = change.budget_dm.unwrap_or(mirror.budget_dm);
    mirror.calls_per_minute = change.calls_per_minute.unwrap_or(mirror.calls_per_minute);
    mirror.streams = change.streams.unwrap_or(mirror.streams);
    if let Some(at) = &change.stream_at {
        mirror.stream_at = stream_at(at)?;
    }
    if let Some(hours) = change.compare_hours {
        mirror.compare_until = (hours > 0).then(|| portal.now().plus_ms(i64::from(hours) * 3_600_000));
    }
    portal.store().set_mirror(mirror.clone()).await?;
    actor.record(portal, "mirror.change", mirror.id, described(&mirror)).await?;
    Ok(mirror)
}

fn described(mirror: &Mirror) -> String {
    let budget = mirror.budget_dm.map_or_else(|| "any".to_owned(), |dm| dm.to_string());
    let state = if mirror.is_paused { "paused" } else { "at work" };
    let until = mirror.compare_until.map_or_else(String::new, |until| format!(", compared until {until}"));
    format!("{state}, {budget} dm, {} calls a minute{until}", mirror.calls_per_minute)
}

/// Ends a mirror; what it has brought stays.
pub(crate) async fn remove(portal: &PortalState, actor: &Actor, id: &str) -> Result<(), Fault> {
    let mirror = find(portal, actor, id).await?;
    portal.store().remove_mirror(actor.org, mirror.id).await?;
    actor.record(portal, "mirror.remove", mirror.id, mirror.station).await?;
    Ok(())
}
