use std::net::IpAddr;

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{HeaderMap, header, request::Parts},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use model::{AccessId, Deed, OrgId, Person, SecretHash, Timestamp};
use store::Error;
use subtle::ConstantTimeEq;

use crate::{PortalState, Right, cookie, fault::Fault, secret};

/// How long a session lasts without being used.
pub(crate) const SESSION_MS: i64 = 30 * 24 * 3_600_000;
/// How often the use of a session is written down.
const TOUCH_MS: i64 = 5 * 60_000;

/// The address that a request came from; whoever serves the portal puts it into the extensions.
#[derive(Debug, Clone, Copy)]
pub struct Address(pub IpAddr);

/// Who asks: a person who is signed in, or an access key.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    pub(crate) org: OrgId,
    pub(crate) right: Right,
    pub(crate) address: String,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Person(Box<Person>, SecretHash),
    Key(AccessId),
}

impl Actor {
    /// Who asks, if anybody known does.
    pub(crate) async fn find(
        portal: &PortalState,
        headers: &HeaderMap,
        address: Option<IpAddr>,
        takes_keys: bool,
    ) -> Result<Option<Self>, Error> {
        let address = address.map(|address| address.to_canonical().to_string()).unwrap_or_default();
        if let Some(token) = cookie::session(headers, portal.is_secure())
            && let Some(actor) = Self::of_session(portal, token, &address).await?
        {
            return Ok(Some(actor));
        }
        match headers.get(header::AUTHORIZATION).filter(|_| takes_keys) {
            Some(header) => Self::of_key(portal, header.as_bytes(), headers, address).await,
            None => Ok(None),
        }
    }

    async fn of_session(portal: &PortalState, token: &str, address: &str) -> Result<Option<Self>, Error> {
        let token = secret::hash(token);
        let Some(found) = portal.store().find_session(token).await? else { return Ok(None) };
        let (session, person) = &*found;
        let (now, idle_ms) = (portal.now(), portal.now().since_ms(session.seen_at));
        if idle_ms > SESSION_MS {
            return Ok(None);
        }
        if idle_ms > TOUCH_MS {
            portal.store().touch_session(token, now).await?;
        }
        let right = Right::of_person(person.role, person.is_operator);
        let kind = Kind::Person(Box::new(person.clone()), token);
        Ok(Some(Self { org: person.org, right, address: address.to_owned(), kind }))
    }

    /// An access key of Basic authentication, with the scope `manage` and limited to nothing.
    async fn of_key(
        portal: &PortalState,
        header: &[u8],
        headers: &HeaderMap,
        address: String,
    ) -> Result<Option<Self>, Error> {
        let Some((id, given)) = credentials(header) else { return Ok(None) };
        let key = portal.store().find_access_key(id).await?;
        let kept = key.as_ref().map_or(SecretHash([0; 32]), |key| key.secret);
        let matches = bool::from(kept.0.ct_eq(&given.0));
        let Some(key) = key.filter(|_| matches) else { return Ok(None) };
        let limits = &key.limits;
        let has_expired = limits.expires_at.is_some_and(|at| at <= portal.now());
        let is_elsewhere = !limits.origins.is_empty()
            && !headers.get(header::ORIGIN).is_some_and(|origin| limits.origins.iter().any(|other| origin == other));
        if key.revoked_at.is_some() || has_expired || is_elsewhere {
            return Ok(None);
        }
        // What reaches some groups only must not administer all of them, and what a page carries
        // must not administer anything.
        let is_limited = !(limits.groups.is_empty() && limits.origins.is_empty());
        let right = if is_limited { Right::Anyone } else { Right::of_key(key.scopes) };
        Ok(Some(Self { org: key.org, right, address, kind: Kind::Key(id) }))
    }

    /// Whether whoever asked is still signed in, or the key is still good; a store that cannot say
    /// changes nothing.
    pub(crate) async fn is_still_known(&self, portal: &PortalState) -> bool {
        match &self.kind {
            Kind::Person(_, session) => !matches!(portal.store().find_session(*session).await, Ok(None)),
            Kind::Key(id) => match portal.store().find_access_key(*id).await {
                Ok(Some(key)) => key.revoked_at.is_none() && key.limits.expires_at.is_none_or(|at| portal.now() < at),
                Ok(None) => false,
                Err(_) => true,
            },
        }
    }

    /// The person, where one is signed in.
    pub(crate) fn person(&self) -> Option<&Person> {
        match &self.kind {
            Kind::Person(person, _) => Some(person),
            Kind::Key(_) => None,
        }
    }

    /// The session, where a person is signed in.
    pub(crate) const fn session(&self) -> Option<SecretHash> {
        match &self.kind {
            Kind::Person(_, session) => Some(*session),
            Kind::Key(_) => None,
        }
    }

    pub(crate) fn may(&self, right: Right) -> bool {
        self.right >= right
    }

    /// Writes down what was done.
    pub(crate) async fn record(
        &self,
        portal: &PortalState,
        action: &str,
        subject: impl ToString,
        detail: impl Into<String>,
    ) -> Result<(), Error> {
        let actor = match &self.kind {
            Kind::Person(person, _) => person.email.to_string(),
            Kind::Key(id) => id.to_string(),
        };
        let deed = Deed {
            org: self.org,
            at: portal.now(),
            actor,
            address: self.address.clone(),
            action: action.to_owned(),
            subject: subject.to_string(),
            detail: detail.into(),
        };
        portal.store().record(deed).await
    }
}

/// The guard has put whoever asks into the extensions.
impl<S: Sync> FromRequestParts<S> for Actor {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        parts.extensions.get::<Self>().cloned().ok_or(Fault::SignIn)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Actor {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Fault> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

fn credentials(header: &[u8]) -> Option<(AccessId, SecretHash)> {
    const BYTES_MAX: usize = 512;
    let (scheme, encoded) = header.split_at_checked("Basic ".len())?;
    if !scheme.eq_ignore_ascii_case(b"Basic ") || encoded.len() > BYTES_MAX {
        return None;
    }
    let pair = String::from_utf8(BASE64_STANDARD.decode(encoded.trim_ascii()).ok()?).ok()?;
    let (id, key) = pair.split_once(':')?;
    Some((id.parse().ok()?, secret::hash(key)))
}

/// When a session that was last used at some time is too old.
pub(crate) const fn oldest_session(now: Timestamp) -> Timestamp {
    now.minus_ms(SESSION_MS)
}
