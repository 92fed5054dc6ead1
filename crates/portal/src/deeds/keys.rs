use model::{AccessId, AccessKey, KeyLimits, Scopes, Timestamp};

use super::name;
use crate::{
    PortalState,
    actor::Actor,
    fault::Fault,
    secret::{Secret, random},
};

/// The most browser origins that a key may be limited to.
const ORIGINS_MAX: usize = 20;

/// An access key to make.
#[derive(Debug)]
pub(crate) struct New {
    pub(crate) name: String,
    pub(crate) scopes: Scopes,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) origins: Vec<String>,
    pub(crate) groups: Vec<String>,
}

pub(crate) fn id(text: &str) -> Result<AccessId, Fault> {
    text.parse().map_err(|_| Fault::NotFound)
}

/// Creates an access key; the secret is shown this once.
pub(crate) async fn create(portal: &PortalState, actor: &Actor, new: New) -> Result<(AccessKey, Secret), Fault> {
    let Scopes { read, write, manage } = new.scopes;
    if !(read || write || manage) {
        return Err(Fault::Invalid(|texts| texts.fault_no_scope));
    }
    if new.expires_at.is_some_and(|at| at <= portal.now()) {
        return Err(Fault::Invalid(|texts| texts.fault_expiry));
    }
    if new.origins.len() > ORIGINS_MAX || !new.origins.iter().all(|origin| is_origin(origin)) {
        return Err(Fault::Invalid(|texts| texts.fault_origin));
    }
    let known = portal.store().list_groups(actor.org).await?;
    let mut groups = Vec::with_capacity(new.groups.len());
    for text in &new.groups {
        let group = known.iter().find(|group| group.id.to_string() == *text);
        groups.push(group.ok_or(Fault::Invalid(|texts| texts.fault_group))?.id);
    }
    if manage && !(groups.is_empty()) {
        return Err(Fault::Invalid(|texts| texts.fault_manage_groups));
    }
    let (id, secret) = (AccessId::from_random(random()?), Secret::access_key()?);
    let limits = KeyLimits { expires_at: new.expires_at, origins: new.origins, groups };
    let key =
        AccessKey { limits, ..AccessKey::new(id, actor.org, secret.hash, name(&new.name)?, new.scopes, portal.now()) };
    portal.store().create_access_key(key.clone()).await?;
    actor.record(portal, "key.create", id, format!("{} {}", key.scopes, key.name)).await?;
    Ok((key, secret))
}

/// Revokes an access key for good.
pub(crate) async fn revoke(portal: &PortalState, actor: &Actor, id: AccessId) -> Result<(), Fault> {
    portal.store().revoke_access_key(actor.org, id, portal.now()).await?;
    actor.record(portal, "key.revoke", id, "").await?;
    Ok(())
}

/// Whether a text is the origin of a page, as browsers send it: scheme and host, no path.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_plain = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '.' | '-' | ':' | '[' | ']');
    text.len() <= 255 && host.is_some_and(|host| !host.is_empty() && host.chars().all(is_plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_no_path() {
        for text in ["https://a.example.org", "http://localhost:3000", "http://[::1]:8080"] {
            assert!(is_origin(text), "{text}");
        }
        for text in ["", "*", "https://", "https://a/", "ftp://a", "a.example.org", "https://A", "https://a b"] {
            assert!(!is_origin(text), "{text}");
        }
    }
}
