use std::{cmp::Reverse, collections::BTreeMap};

use model::{Deed, Email, Invite, OrgId, Person, PersonId, Role, SecretHash, Session, Timestamp};

use crate::{Error, Kind, PersonChange};

/// Who may come, who is there, who is signed in, and what they have done.
#[derive(Debug, Default)]
pub(super) struct People {
    people: BTreeMap<PersonId, Person>,
    invites: BTreeMap<[u8; 32], Invite>,
    sessions: BTreeMap<[u8; 32], Session>,
    deeds: Vec<Deed>,
}

impl People {
    pub(super) fn create(&mut self, person: Person) -> Result<(), Error> {
        if self.people.contains_key(&person.id) || self.find(&person.email).is_some() {
            return Err(Error::Conflict(Kind::Person));
        }
        self.people.insert(person.id, person);
        Ok(())
    }

    pub(super) fn list(&self, org: OrgId) -> Vec<Person> {
        let mut people: Vec<_> = self.people.values().filter(|person| person.org == org).cloned().collect();
        people.sort_by(|a, b| a.email.cmp(&b.email));
        people
    }

    pub(super) fn count(&self) -> u64 {
        self.people.len() as u64
    }

    pub(super) fn find(&self, email: &Email) -> Option<Person> {
        self.people.values().find(|person| person.email == *email).cloned()
    }

    pub(super) fn update(&mut self, org: OrgId, id: PersonId, change: PersonChange) -> Result<(), Error> {
        let stays_owner = change.role.is_none_or(|role| role == Role::Owner);
        let person = self.get(org, id, stays_owner)?;
        if let Some(name) = change.name {
            person.name = name;
        }
        if let Some(role) = change.role {
            person.role = role;
        }
        if let Some(time_zone) = change.time_zone {
            person.time_zone = time_zone;
        }
        if let Some(password) = change.password {
            person.password = password;
            self.sessions.retain(|_, session| session.person != id || Some(session.token) == change.keep);
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, org: OrgId, id: PersonId) -> Result<(), Error> {
        self.get(org, id, false)?;
        self.people.remove(&id);
        self.sessions.retain(|_, session| session.person != id);
        Ok(())
    }

    /// A person, unless they are the only owner and will not stay one.
    fn get(&mut self, org: OrgId, id: PersonId, stays_owner: bool) -> Result<&mut Person, Error> {
        let is_owner = |person: &&Person| person.org == org && person.role == Role::Owner;
        let has_another = self.people.values().filter(is_owner).any(|owner| owner.id != id);
        let person = self.people.get_mut(&id).filter(|person| person.org == org);
        let person = person.ok_or(Error::NotFound(Kind::Person))?;
        if person.role == Role::Owner && !stays_owner && !has_another {
            return Err(Error::LastOwner);
        }
        Ok(person)
    }

    pub(super) fn create_invite(&mut self, invite: Invite) -> Result<(), Error> {
        if self.invites.contains_key(&invite.token.0) {
            return Err(Error::Conflict(Kind::Invite));
        }
        self.invites.insert(invite.token.0, invite);
        Ok(())
    }

    pub(super) fn find_invite(&self, token: SecretHash) -> Option<Invite> {
        self.invites.get(&token.0).cloned()
    }

    pub(super) fn list_invites(&self, org: OrgId) -> Vec<Invite> {
        let mut invites: Vec<_> = self.invites.values().filter(|invite| invite.org == Some(org)).cloned().collect();
        invites.sort_by_key(|invite| (invite.created_at, invite.token.0));
        invites
    }

    pub(super) fn delete_invite(&mut self, org: Option<OrgId>, token: SecretHash) -> Result<(), Error> {
        self.find_invite(token).filter(|invite| invite.org == org).ok_or(Error::NotFound(Kind::Invite))?;
        self.invites.remove(&token.0);
        Ok(())
    }

    pub(super) fn expire_invites(&mut self, now: Timestamp) {
        self.invites.retain(|_, invite| now < invite.expires_at);
    }

    pub(super) fn create_session(&mut self, session: Session) -> Result<(), Error> {
        if !self.people.contains_key(&session.person) {
            return Err(Error::NotFound(Kind::Person));
        }
        if self.sessions.contains_key(&session.token.0) {
            return Err(Error::Conflict(Kind::Session));
        }
        self.sessions.insert(session.token.0, session);
        Ok(())
    }

    pub(super) fn find_session(&self, token: SecretHash) -> Option<(Session, Person)> {
        let session = self.sessions.get(&token.0)?;
        Some((session.clone(), self.people.get(&session.person)?.clone()))
    }

    pub(super) fn touch_session(&mut self, token: SecretHash, at: Timestamp) {
        if let Some(session) = self.sessions.get_mut(&token.0) {
            session.seen_at = session.seen_at.max(at);
        }
    }

    pub(super) fn list_sessions(&self, org: OrgId) -> Vec<Session> {
        let mut sessions: Vec<_> = self.sessions.values().filter(|session| self.is_of(session, org)).cloned().collect();
        sessions.sort_by_key(|session| (Reverse(session.created_at), session.token.0));
        sessions
    }

    pub(super) fn end_session(&mut self, org: OrgId, token: SecretHash) -> Result<(), Error> {
        let session = self.sessions.get(&token.0).filter(|session| self.is_of(session, org));
        session.ok_or(Error::NotFound(Kind::Session))?;
        self.sessions.remove(&token.0);
        Ok(())
    }

    pub(super) fn expire_sessions(&mut self, before: Timestamp) {
        self.sessions.retain(|_, session| session.seen_at >= before);
    }

    fn is_of(&self, session: &Session, org: OrgId) -> bool {
        self.people.get(&session.person).is_some_and(|person| person.org == org)
    }

    pub(super) fn record(&mut self, deed: Deed) {
        self.deeds.push(deed);
    }

    pub(super) fn list_deeds(&self, org: OrgId, before: Option<u64>, limit: usize) -> Vec<(u64, Deed)> {
        let deeds = self.deeds.iter().enumerate().rev().map(|(at, deed)| (at as u64 + 1, deed));
        let deeds = deeds.filter(|(number, deed)| deed.org == org && before.is_none_or(|before| *number < before));
        deeds.take(limit).map(|(number, deed)| (number, deed.clone())).collect()
    }
}
