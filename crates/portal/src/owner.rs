use model::{Email, OrgId, Organization, Person, PersonId, Role, Timestamp};
use store::{Error, Registry};

use crate::{PortalState, actor::oldest_session, deeds::people, password, secret::random_u64};

/// Makes a link by which somebody becomes an owner: of an organization there is, or of one to be
/// founded. It is good once, for 15 minutes. An operator looks after the station itself as well.
///
/// **Shape**: the path of the link, `/join/…`.
///
/// **Errors**: those of [`store::Registry::create_invite`].
pub async fn owner_link(
    registry: &dyn Registry,
    org: Option<OrgId>,
    is_operator: bool,
    now: Timestamp,
) -> Result<String, Error> {
    let secret = people::owner_invite(registry, org, is_operator, now).await?;
    Ok(format!("/join/{}", secret.text))
}

/// Makes the first owner of a station without a browser, with an organization if there is none.
///
/// **Errors**: `Conflict` if the e-mail address is taken; `Limit` if the password is too short or
/// too long.
pub async fn create_owner(
    registry: &dyn Registry,
    org: Option<OrgId>,
    email: Email,
    password: &str,
    now: Timestamp,
) -> Result<Person, Error> {
    if !password::is_acceptable(password) {
        return Err(Error::Limit {
            what: "characters, and fewer than 10, are no password",
            max: password::BYTES_MAX as u64,
        });
    }
    let org = match org {
        Some(org) => org,
        None => {
            let id = OrgId::from_random(random_u64()?);
            let name = email.as_str().split('@').nth(1).unwrap_or_default().to_owned();
            registry.create_organization(Organization { id, name, created_at: now }).await?;
            id
        }
    };
    let person = Person {
        id: PersonId::from_raw(random_u64()?),
        org,
        email,
        name: String::new(),
        role: Role::Owner,
        is_operator: true,
        password: password::hash(password)?,
        time_zone: "UTC".to_owned(),
        created_at: now,
    };
    registry.create_person(person.clone()).await?;
    Ok(person)
}

/// Removes sessions and invites that are too old; meant for once an hour.
///
/// **Errors**: those of the store.
pub async fn expire(portal: &PortalState) -> Result<(), Error> {
    let now = portal.now();
    portal.store().expire_sessions(oldest_session(now)).await?;
    portal.store().expire_invites(now).await
}
