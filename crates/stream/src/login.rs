//! Who is let in.

use model::{AccessKey, OrgId, SecretHash, Timestamp};
use sha2::{Digest, Sha256};
use store::Store;
use subtle::ConstantTimeEq;

use crate::packet::{Connect, Reason};

/// How a connection came about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arrival {
    /// The origin of the page that opened it, as its browser says; `None` for what is no WebSocket.
    pub origin: Option<String>,
}

/// Finds the access key of whoever connects: the user is `org-<OrgID>`, the password an Access Key
/// of that organization that may read.
///
/// **Errors**: there is no such key, or it may not do this; the store failed.
pub(crate) async fn find_key(
    store: &dyn Store,
    connect: &Connect,
    arrival: &Arrival,
    now: Timestamp,
) -> Result<AccessKey, Reason> {
    let org = connect.user.as_deref().and_then(org_of).ok_or(Reason::BadUserNameOrPassword)?;
    let password = connect.password.as_deref().unwrap_or_default();
    let given: [u8; 32] = Sha256::digest(password).into();
    let keys = store.list_access_keys(org).await.map_err(|error| {
        tracing::warn!(%org, "nobody can be let in: {error}");
        Reason::ServerUnavailable
    })?;
    // Every key is looked at, so that time does not tell which one is nearly it.
    let mut found = None;
    for key in keys {
        let SecretHash(kept) = key.secret;
        if bool::from(kept.ct_eq(&given)) {
            found = Some(key);
        }
    }
    let key = found.ok_or(Reason::BadUserNameOrPassword)?;
    let is_welcome = may_read(&key, now) && comes_from(&key, arrival);
    if is_welcome { Ok(key) } else { Err(Reason::NotAuthorized) }
}

/// Whether a key is good for reading just now.
pub(crate) fn may_read(key: &AccessKey, now: Timestamp) -> bool {
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
}
