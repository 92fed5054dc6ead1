use std::net::Ipv6Addr;

use axum::http::Uri;
use model::{AccessId, AccessKey, Allowance, KeyLimits, Rate, Scopes, Timestamp};

use super::name;
use crate::{
    PortalState,
    actor::Actor,
    fault::Fault,
    secret::{Secret, random},
};

/// The most browser origins that a key may be limited to.
const ORIGINS_MAX: usize = 20;
const ORIGIN_BYTES_MAX: usize = 255;
/// The longest that a key can be made for; what is to last longer lasts for ever.
const LONGEST_MS: i64 = 36_500 * 24 * 3_600_000;

/// An access key to make.
#[derive(Debug)]
pub(crate) struct New {
    pub(crate) name: String,
    pub(crate) scopes: Scopes,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) origins: Vec<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) rate: Option<Rate>,
    pub(crate) dm: Option<Allowance>,
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
    if new.expires_at.is_some_and(|at| at <= portal.now() || at.since_ms(portal.now()) > LONGEST_MS) {
        return Err(Fault::Invalid(|texts| texts.fault_expiry));
    }
    let origins: Option<Vec<String>> = new.origins.iter().map(|text| origin(text)).collect();
    let origins = origins.filter(|origins| origins.len() <= ORIGINS_MAX);
    let origins = origins.ok_or(Fault::Invalid(|texts| texts.fault_origin))?;
    let known = portal.store().list_groups(actor.org).await?;
    let mut groups = Vec::with_capacity(new.groups.len());
    for text in &new.groups {
        let group = known.iter().find(|group| group.id.to_string() == *text);
        groups.push(group.ok_or(Fault::Invalid(|texts| texts.fault_group))?.id);
    }
    if manage && !(groups.is_empty() && origins.is_empty()) {
        return Err(Fault::Invalid(|texts| texts.fault_manage_limited));
    }
    let (id, secret) = (AccessId::from_random(random()?), Secret::access_key()?);
    let limits = KeyLimits { expires_at: new.expires_at, origins, groups, rate: new.rate, dm: new.dm };
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

/// The origin of a page, written as browsers send it: lower case, no port that goes without saying.
/// `None` for what is no origin: another scheme, a path, credentials.
pub fn origin(text: &str) -> Option<String> {
    let uri: Uri = text.to_ascii_lowercase().parse().ok()?;
    let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme))?;
    let authority = uri.authority()?;
    let host = authority.host();
    let is_name = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) && !host.is_empty();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).map(str::parse::<Ipv6Addr>);
    let is_host = is_name || matches!(address, Some(Ok(_)));
    let is_bare = uri.path() == "/" && uri.query().is_none() && !text.ends_with("//") && !text.contains('#');
    if !is_host || !is_bare || text.len() > ORIGIN_BYTES_MAX {
        return None;
    }
    let port = match authority.as_str().strip_prefix(host)? {
        "" => None,
        port => Some(port.strip_prefix(':')?.parse::<u16>().ok().filter(|port| *port != 0)?),
    };
    match (scheme, port) {
        (_, None) | ("https", Some(443)) | ("http", Some(80)) => Some(format!("{scheme}://{host}")),
        (_, Some(port)) => Some(format!("{scheme}://{host}:{port}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for (text, expected) in [
            ("https://a.example.org", "https://a.example.org"),
            ("HTTPS://A.Example.ORG:443/", "https://a.example.org"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://a:80", "http://a"),
        ] {
            assert_eq!(origin(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            "*",
            "https://",
            "https://a/b",
            "ftp://a",
            "a.example.org",
            "https://a b",
            "https://u@a",
            "https://a:0",
            "https://a:x",
            "https://a?b",
        ] {
            assert_eq!(origin(text), None, "{text}");
        }
    }
}
