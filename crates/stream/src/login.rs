//! Who is let in, and how far they reach.

use std::sync::Arc;

use model::{AccessKey, Device, DeviceEui, GroupId, OrgId, SecretHash, Source, SourceId, SourceKind, Timestamp};
use sha2::{Digest, Sha256};
use store::{Error, Store};
use subtle::ConstantTimeEq;

use crate::{
    broker::{Inner, Settings},
    packet::{Connect, Reason},
};

/// How a connection came about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arrival {
    /// The origin of the page that opened it, as its browser says; `None` for what is no WebSocket.
    pub origin: Option<String>,
}

/// Somebody who was let in.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) org: OrgId,
    pub(crate) credential: Credential,
    pub(crate) reach: Reach,
}

/// What somebody was let in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Credential {
    Key(model::AccessId),
    /// A source, and the hash of its token.
    Token(SourceId, [u8; 32]),
    /// A device of some generation.
    Device(DeviceEui, u32),
    /// None: the source that they are taken for.
    Nothing(SourceId),
}

/// Which of the organization's spaces somebody is in, and which part of it.
#[derive(Debug, Clone)]
pub(crate) enum Reach {
    /// The stream, of devices in some groups; all where there are none.
    Stream { groups: Vec<GroupId> },
    /// The private space; what is published there is the source's, and a device has its own part.
    Private { source: Arc<Source>, device: Option<DeviceEui> },
}

/// Finds out who connects.
///
/// - `org-<OrgID>` with an Access Key of that organization that may read;
/// - the id of a source of kind `mqtt`, with its token;
/// - `device-3000-<EUI>` with the token that the station derives for that device;
/// - nobody, where a setting takes them for a source; never a page of a browser.
///
/// **Errors**: there is no such credential, or it may not do this; the store failed.
pub(crate) async fn find_member(inner: &Inner, connect: &Connect, arrival: &Arrival) -> Result<Member, Reason> {
    let store = &*inner.store;
    let password = connect.password.as_deref().unwrap_or_default();
    let Some(user) = connect.user.as_deref() else {
        return match inner.settings.anonymous_source {
            // No page of a browser is trusted for being in the network.
            Some(id) if connect.password.is_none() && arrival.origin.is_none() => {
                find_anonymous(inner, id).await.map_err(failed)?
            }
            _ => None,
        }
        .ok_or(Reason::BadUserNameOrPassword);
    };
    if let Some(org) = org_of(user) {
        let key = find_key(store, org, password).await.map_err(failed)?.ok_or(Reason::BadUserNameOrPassword)?;
        let is_welcome = may_read(&key, inner.now()) && comes_from(&key, arrival);
        if !is_welcome {
            return Err(Reason::NotAuthorized);
        }
        let reach = Reach::Stream { groups: key.limits.groups };
        return Ok(Member { org, credential: Credential::Key(key.id), reach });
    }
    let found = if let Some(eui) = device_of(user) {
        find_device(store, &inner.settings, eui, password).await
    } else if let Some(id) = source_of(user) {
        find_source(store, id, password, inner.now()).await
    } else {
        Ok(None)
    };
    found.map_err(failed)?.ok_or(Reason::BadUserNameOrPassword)
}

/// Whether somebody who was let in would be again.
pub(crate) async fn is_still_good(inner: &Inner, org: OrgId, credential: Credential) -> Result<bool, Error> {
    let (store, now) = (&*inner.store, inner.now());
    Ok(match credential {
        Credential::Key(id) => store.find_access_key(id).await?.is_some_and(|key| may_read(&key, now)),
        Credential::Token(id, token) => {
            let token = SecretHash(token);
            let source = store.find_source(token).await?;
            source.is_some_and(|source| source.id == id && source.org == org && source.has_token(token, now))
        }
        Credential::Device(eui, generation) => {
            store.find_device(org, eui).await?.is_some_and(|device| device.generation == generation)
        }
        Credential::Nothing(id) => store.list_sources(org).await?.iter().any(|source| source.id == id),
    })
}

fn failed(error: Error) -> Reason {
    tracing::warn!("nobody can be let in: {error}");
    Reason::ServerUnavailable
}

/// The key of an organization that a password is, if it is one.
async fn find_key(store: &dyn Store, org: OrgId, password: &[u8]) -> Result<Option<AccessKey>, Error> {
    let given: [u8; 32] = Sha256::digest(password).into();
    // Every key is looked at, so that time does not tell which one is nearly it.
    let mut found = None;
    for key in store.list_access_keys(org).await? {
        let SecretHash(kept) = key.secret;
        if bool::from(kept.ct_eq(&given)) {
            found = Some(key);
        }
    }
    Ok(found)
}

async fn find_source(store: &dyn Store, id: SourceId, token: &[u8], now: Timestamp) -> Result<Option<Member>, Error> {
    let token: [u8; 32] = Sha256::digest(token).into();
    let source = store.find_source(SecretHash(token)).await?;
    let source = source.filter(|source| {
        source.id == id && source.kind == SourceKind::Mqtt && source.has_token(SecretHash(token), now)
    });
    Ok(source.map(|source| Member {
        org: source.org,
        credential: Credential::Token(id, token),
        reach: Reach::Private { source, device: None },
    }))
}

/// The device that a token is derived for. The token itself says whose device it is.
async fn find_device(
    store: &dyn Store,
    settings: &Settings,
    eui: DeviceEui,
    token: &[u8],
) -> Result<Option<Member>, Error> {
    let Some(key) = &settings.station_key else { return Ok(None) };
    let said = std::str::from_utf8(token).ok().and_then(|token| token.split_once('-'));
    let Some(Ok(org)) = said.map(|(org, _)| org.parse::<OrgId>()) else { return Ok(None) };
    let Some(device) = store.find_device(org, eui).await? else { return Ok(None) };
    let expected = key.mqtt_token(org, eui, device.generation);
    if !bool::from(expected.as_bytes().ct_eq(token)) {
        return Ok(None);
    }
    let credential = Credential::Device(eui, device.generation);
    Ok(Some(Member { org, credential, reach: Reach::Private { source: own_source(&device), device: Some(eui) } }))
}

/// A device as the source of what it says of itself.
fn own_source(device: &Device) -> Arc<Source> {
    Arc::new(Source {
        id: SourceId::DEVICES,
        org: device.org,
        kind: SourceKind::Mqtt,
        name: String::new(),
        // Of no token: nobody signs in as this.
        token: SecretHash([0; 32]),
        auto_add: false,
        created_at: Timestamp::EPOCH,
        previous: None,
    })
}

/// The source that those are taken for who do not say who they are.
async fn find_anonymous(inner: &Inner, id: SourceId) -> Result<Option<Member>, Error> {
    const PAGE: usize = 256;
    let found = |sources: Vec<Source>| {
        let source = sources.into_iter().find(|source| source.id == id && source.kind == SourceKind::Mqtt);
        source.map(|source| Member {
            org: source.org,
            credential: Credential::Nothing(id),
            reach: Reach::Private { source: Arc::new(source), device: None },
        })
    };
    if let Some(org) = inner.anonymous_org.get() {
        return Ok(found(inner.store.list_sources(*org).await?));
    }
    let mut after = None;
    loop {
        let page = inner.store.list_organizations(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        after = Some(last.id);
        for organization in page {
            if let Some(member) = found(inner.store.list_sources(organization.id).await?) {
                inner.anonymous_org.get_or_init(|| member.org);
                return Ok(Some(member));
            }
        }
    }
}

/// Whether a key is good for reading just now.
fn may_read(key: &AccessKey, now: Timestamp) -> bool {
    let has_expired = key.limits.expires_at.is_some_and(|at| at <= now);
    key.scopes.read && key.revoked_at.is_none() && !has_expired
}

/// A key that is limited to origins is for their pages alone, which come by WebSocket.
fn comes_from(key: &AccessKey, arrival: &Arrival) -> bool {
    let origins = &key.limits.origins;
    origins.is_empty() || arrival.origin.as_ref().is_some_and(|origin| origins.contains(origin))
}

/// The organization that a user name is, written in the one way there is.
fn org_of(user: &str) -> Option<OrgId> {
    let org: OrgId = user.strip_prefix("org-")?.parse().ok()?;
    (format!("org-{org}") == user).then_some(org)
}

/// The device that a user name is; the number is the kind of product, of which there is one.
fn device_of(user: &str) -> Option<DeviceEui> {
    let eui: DeviceEui = user.strip_prefix("device-3000-")?.parse().ok()?;
    user.ends_with(&eui.to_string()).then_some(eui)
}

/// The source that a user name is.
fn source_of(user: &str) -> Option<SourceId> {
    let id: SourceId = user.parse().ok()?;
    (id.to_string() == user).then_some(id)
}

/// A name for a client that gave none.
pub(crate) fn random_client_id(org: OrgId) -> Result<String, Reason> {
    let random = getrandom::u64().map_err(|_| Reason::UnspecifiedError)?;
    Ok(format!("org-{org}-{random:016x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_name_is_one_organizations_and_nothing_else() {
        assert_eq!(org_of("org-521853156991105"), Some(OrgId::from_raw(521_853_156_991_105)));
        for user in ["", "org-", "org-+5", "org- 5", "org-5 ", "org-05", "org-#", "org-1/2", "ORG-5", "5", "org-5-a"] {
            assert_eq!(org_of(user), None, "{user:?}");
        }
    }

    #[test]
    fn a_user_name_is_one_sources_or_devices_and_nothing_else() {
        assert_eq!(source_of("00000000000000AB"), Some(SourceId::from_raw(0xAB)));
        for user in ["", "ab", "AB", "00000000000000ab", "+0000000000000AB", "#", "+", "000000000000000AB"] {
            assert_eq!(source_of(user), None, "{user:?}");
        }
        let eui = DeviceEui::from_raw(0x2CF7_F120_0410_0005);
        assert_eq!(device_of("device-3000-2CF7F12004100005"), Some(eui));
        for user in ["device-3000-", "device-3001-2CF7F12004100005", "device-3000-+", "device-3000-2cf7f12004100005"] {
            assert_eq!(device_of(user), None, "{user:?}");
        }
    }
}
