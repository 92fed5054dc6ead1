use std::net::IpAddr;

use model::{Email, Invite, Network, OrgId, Organization, Person, PersonId, Role, SecretHash, Session, Timestamp};
use store::PersonChange;

use super::{full_name, name, parse, time_zone};
use crate::{
    PortalState,
    actor::Actor,
    fault::Fault,
    password::{self, Place},
    secret::{Secret, hex, random_u64},
};

/// How long an invite lasts.
const INVITE_MS: i64 = 7 * 24 * 3_600_000;
/// How long the link lasts that makes the first owner of a station.
pub(crate) const OWNER_LINK_MS: i64 = 15 * 60_000;
/// The most bytes kept of what a browser calls itself.
const AGENT_CHARS_MAX: usize = 160;

/// The id of a person, as a link carries it.
pub(crate) fn id(text: &str) -> Result<PersonId, Fault> {
    text.parse().map_err(|_| Fault::NotFound)
}

/// Names a session or an invite without telling its token.
pub(crate) fn handle(token: SecretHash) -> String {
    hex(&token.0)
}

/// The session or invite that a handle names.
pub(crate) fn of_handle(text: &str) -> Result<SecretHash, Fault> {
    crate::secret::unhex(text).map(SecretHash).ok_or(Fault::NotFound)
}

/// Renames the organization.
pub(crate) async fn rename_organization(portal: &PortalState, actor: &Actor, name: &str) -> Result<(), Fault> {
    let name = full_name(name)?;
    portal.store().rename_organization(actor.org, &name).await?;
    actor.record(portal, "organization.rename", actor.org, name).await?;
    Ok(())
}

/// Invites somebody; the token is shown this once.
pub(crate) async fn invite(
    portal: &PortalState,
    actor: &Actor,
    role: Role,
    note: &str,
) -> Result<(Invite, Secret), Fault> {
    let (secret, now) = (Secret::token()?, portal.now());
    let invite = Invite {
        token: secret.hash,
        org: Some(actor.org),
        role,
        is_operator: false,
        note: name(note)?,
        created_at: now,
        expires_at: now.plus_ms(INVITE_MS),
    };
    portal.store().create_invite(invite.clone()).await?;
    actor.record(portal, "person.invite", role, &invite.note).await?;
    Ok((invite, secret))
}

/// Takes an invite back.
pub(crate) async fn uninvite(portal: &PortalState, actor: &Actor, token: SecretHash) -> Result<(), Fault> {
    portal.store().delete_invite(Some(actor.org), token).await?;
    actor.record(portal, "person.uninvite", "", "").await?;
    Ok(())
}

/// What somebody says who follows an invite.
#[derive(Debug)]
pub(crate) struct Joining {
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) password: String,
    pub(crate) time_zone: String,
    /// The name of the organization, where the invite founds one.
    pub(crate) organization: String,
}

/// Makes a person of an invite.
pub(crate) async fn join(
    portal: &PortalState,
    token: SecretHash,
    joining: &Joining,
    address: IpAddr,
) -> Result<Person, Fault> {
    let invite = portal.store().find_invite(token).await?.ok_or(Fault::NotFound)?;
    let (email, now) = (email(&joining.email)?, portal.now());
    let (own_name, time_zone) = (name(&joining.name)?, time_zone(&joining.time_zone)?);
    if !password::is_acceptable(&joining.password) {
        return Err(Fault::Invalid(|texts| texts.fault_password_weak));
    }
    let (org, founded) = match invite.org {
        Some(org) => (org, None),
        None => {
            let id = OrgId::from_random(random_u64()?);
            (id, Some(Organization { id, name: full_name(&joining.organization)?, created_at: now }))
        }
    };
    let place = place(portal, None, address).await?;
    // Whoever has an invite must not find out at leisure who else is here.
    let tried = format!("join {}", handle(token));
    portal.delays().begin(&tried, address, now).map_err(slow)?;
    if portal.store().find_person(&email).await?.is_some() {
        return Err(Fault::Conflict(|texts| texts.fault_email_taken));
    }
    let person = Person {
        id: PersonId::from_raw(random_u64()?),
        org,
        email,
        name: own_name,
        role: invite.role,
        is_operator: invite.is_operator,
        password: place.hash(&joining.password).await?,
        time_zone,
        created_at: now,
    };
    let person = portal.store().accept_invite(token, person, founded).await.map_err(|error| match error {
        store::Error::Conflict(_) => Fault::Conflict(|texts| texts.fault_email_taken),
        other => other.into(),
    })?;
    portal.delays().succeeded(&tried, address);
    let deed = model::Deed {
        org: person.org,
        at: now,
        actor: person.email.to_string(),
        address: address.to_canonical().to_string(),
        action: "person.join".to_owned(),
        subject: person.id.to_string(),
        detail: person.role.to_string(),
    };
    portal.store().record(deed).await?;
    Ok(person)
}

pub(crate) fn email(text: &str) -> Result<Email, Fault> {
    parse(text, |texts| texts.fault_email)
}

/// Whose address and password these are.
pub(crate) async fn sign_in(
    portal: &PortalState,
    account: &str,
    given: &str,
    address: IpAddr,
) -> Result<Person, Fault> {
    let (now, email) = (portal.now(), account.parse::<Email>().ok());
    // However it is written, it is one account.
    let account = email.as_ref().map_or(account, Email::as_str);
    let person = match &email {
        Some(email) => portal.store().find_person(email).await?,
        None => None,
    };
    // Whoever finds no place has not tried.
    let place = place(portal, person.as_ref(), address).await?;
    portal.delays().begin(account, address, now).map_err(slow)?;
    let given = if given.len() <= password::BYTES_MAX { given } else { "" };
    let hash = person.as_ref().map(|person| &person.password);
    if !place.verify(given, hash).await? {
        tracing::warn!(%address, "a wrong password was refused");
        return Err(Fault::Invalid(|texts| texts.fault_password));
    }
    portal.delays().succeeded(account, address);
    person.ok_or(Fault::Internal)
}

/// A place in the queue for hashes. Whoever is signed in on some browser of the same network has one
/// when there is none for strangers.
async fn place<'a>(
    portal: &'a PortalState,
    person: Option<&Person>,
    address: IpAddr,
) -> Result<Place<'a>, store::Error> {
    let network = Network::from(address);
    let (refused, person) = match (portal.passwords().queue_up(network, false), person) {
        (Err(refused), Some(person)) => (refused, person),
        (other, _) => return other,
    };
    let sessions = portal.store().list_sessions(person.org).await?;
    let is_here = |session: &Session| session.address.parse::<IpAddr>().is_ok_and(|at| Network::from(at) == network);
    let is_known = sessions.iter().any(|session| session.person == person.id && is_here(session));
    if is_known { portal.passwords().queue_up(network, true) } else { Err(refused) }
}

fn slow(wait_ms: i64) -> Fault {
    Fault::Slow(wait_ms.unsigned_abs().div_ceil(1_000))
}

/// Begins a session for a person on a browser; the token is for its cookie.
pub(crate) async fn begin_session(
    portal: &PortalState,
    person: &Person,
    address: &str,
    agent: &str,
) -> Result<String, Fault> {
    let (secret, now) = (Secret::token()?, portal.now());
    let session = Session {
        token: secret.hash,
        person: person.id,
        created_at: now,
        seen_at: now,
        address: address.to_owned(),
        agent: agent.chars().filter(|c| !c.is_control()).take(AGENT_CHARS_MAX).collect(),
    };
    portal.store().create_session(session).await?;
    let deed = model::Deed {
        org: person.org,
        at: now,
        actor: person.email.to_string(),
        address: address.to_owned(),
        action: "session.begin".to_owned(),
        subject: person.id.to_string(),
        detail: String::new(),
    };
    portal.store().record(deed).await?;
    Ok(secret.text)
}

/// Gives somebody another role.
pub(crate) async fn set_role(portal: &PortalState, actor: &Actor, id: PersonId, role: Role) -> Result<(), Fault> {
    let change = PersonChange { role: Some(role), ..PersonChange::default() };
    portal.store().update_person(actor.org, id, change).await?;
    actor.record(portal, "person.role", id, role.as_str()).await?;
    Ok(())
}

/// Removes somebody, who is signed out everywhere.
pub(crate) async fn remove(portal: &PortalState, actor: &Actor, id: PersonId) -> Result<(), Fault> {
    portal.store().remove_person(actor.org, id).await?;
    actor.record(portal, "person.remove", id, "").await?;
    Ok(())
}

/// Ends a session.
pub(crate) async fn end_session(portal: &PortalState, actor: &Actor, token: SecretHash) -> Result<(), Fault> {
    portal.store().end_session(actor.org, token).await?;
    actor.record(portal, "session.end", &handle(token)[..8], "").await?;
    Ok(())
}

/// Whoever is signed in; an access key is nobody.
pub(crate) fn oneself(actor: &Actor) -> Result<&Person, Fault> {
    actor.person().ok_or(Fault::NoAccount)
}

/// Where oneself is signed in.
pub(crate) async fn own_sessions(portal: &PortalState, actor: &Actor) -> Result<Vec<Session>, Fault> {
    let own = oneself(actor)?.id;
    let mut sessions = portal.store().list_sessions(actor.org).await?;
    sessions.retain(|session| session.person == own);
    Ok(sessions)
}

/// Ends a session of one's own.
pub(crate) async fn end_own_session(portal: &PortalState, actor: &Actor, token: SecretHash) -> Result<(), Fault> {
    if !own_sessions(portal, actor).await?.iter().any(|session| session.token == token) {
        return Err(Fault::NotFound);
    }
    end_session(portal, actor, token).await
}

/// Changes one's own name and zone, those that are given.
pub(crate) async fn change_profile(
    portal: &PortalState,
    actor: &Actor,
    new_name: Option<&str>,
    zone: Option<&str>,
) -> Result<(), Fault> {
    let person = oneself(actor)?;
    let (name, time_zone) = (new_name.map(name).transpose()?, zone.map(time_zone).transpose()?);
    let change = PersonChange { name, time_zone, ..PersonChange::default() };
    portal.store().update_person(actor.org, person.id, change).await?;
    actor.record(portal, "person.profile", person.id, "").await?;
    Ok(())
}

/// Changes one's own password; every other session of one's own ends.
pub(crate) async fn change_password(
    portal: &PortalState,
    actor: &Actor,
    old: &str,
    new: &str,
    address: IpAddr,
) -> Result<(), Fault> {
    let person = oneself(actor)?;
    sign_in(portal, person.email.as_str(), old, address).await?;
    if !password::is_acceptable(new) {
        return Err(Fault::Invalid(|texts| texts.fault_password_weak));
    }
    let password = Some(place(portal, None, address).await?.hash(new).await?);
    let change = PersonChange { password, keep: actor.session(), ..PersonChange::default() };
    portal.store().update_person(actor.org, person.id, change).await?;
    actor.record(portal, "person.password", person.id, "").await?;
    Ok(())
}

/// Makes a link for the first owner of a station, or of an organization; the token is shown this
/// once.
pub(crate) async fn owner_invite(
    registry: &(impl store::Registry + ?Sized),
    org: Option<OrgId>,
    is_operator: bool,
    now: Timestamp,
) -> Result<Secret, store::Error> {
    let secret = Secret::token()?;
    let invite = Invite {
        token: secret.hash,
        org,
        role: Role::Owner,
        is_operator,
        note: "owner link".to_owned(),
        created_at: now,
        expires_at: now.plus_ms(OWNER_LINK_MS),
    };
    registry.create_invite(invite).await?;
    Ok(secret)
}
