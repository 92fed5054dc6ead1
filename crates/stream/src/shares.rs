//! Shared subscriptions: which of several readers gets a letter.
//!
//! Every member reads the same log at its own pace. Whoever comes to a letter first decides whose it
//! is, by turns among those who are connected; the others leave it alone.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Mutex, MutexGuard, PoisonError},
};

use model::{OrgId, Timestamp};

use crate::published::Place;

/// How many letters a member may be owed before it is passed over.
const OWED_MAX: usize = 1_024;

/// A group: an organization, and the filter with its `$share` and name.
type Key = (OrgId, Box<str>);

/// The groups of all organizations.
#[derive(Debug, Default)]
pub(crate) struct Shares(Mutex<HashMap<Key, Group>>);

#[derive(Debug, Default)]
struct Group {
    members: Vec<Member>,
    /// Whose turn it is.
    turn: usize,
    /// Up to here it is decided whose each letter is, in the log and of those that pass by.
    decided: [u64; 2],
    /// Whose the decided ones are that their owner has not come to yet.
    owed: HashMap<Place, Box<str>>,
}

#[derive(Debug)]
struct Member {
    client_id: Box<str>,
    /// Until when it is away and may come back; `None` while it is here.
    away_until: Option<Timestamp>,
    owed: usize,
}

impl Shares {
    /// Adds a client to a group, or notes that it is back.
    pub(crate) fn join(&self, org: OrgId, filter: &str, client_id: &str) {
        let mut groups = self.lock();
        let group = groups.entry((org, filter.into())).or_default();
        match group.members.iter_mut().find(|member| &*member.client_id == client_id) {
            Some(member) => member.away_until = None,
            None => group.members.push(Member { client_id: client_id.into(), away_until: None, owed: 0 }),
        }
    }

    /// Notes that a client is away, if it may come back until some time, or takes it out of a group.
    pub(crate) fn leave(&self, org: OrgId, filter: &str, client_id: &str, until: Option<Timestamp>) {
        let mut groups = self.lock();
        let key = (org, filter.into());
        let Some(group) = groups.get_mut(&key) else { return };
        if until.is_some() {
            let member = group.members.iter_mut().find(|member| &*member.client_id == client_id);
            if let Some(member) = member {
                member.away_until = until;
            }
            return;
        }
        group.keep(|member| &*member.client_id != client_id);
        if group.members.is_empty() {
            groups.remove(&key);
        }
    }

    /// Takes out those who were away for too long.
    pub(crate) fn tidy(&self, now: Timestamp) {
        self.lock().retain(|_, group| {
            group.keep(|member| member.away_until.is_none_or(|until| now < until));
            !group.members.is_empty()
        });
    }

    /// Whether a letter is this member's; it is asked once by each of them.
    pub(crate) fn is_for(&self, org: OrgId, filter: &str, client_id: &str, place: Place) -> bool {
        let mut groups = self.lock();
        let Some(group) = groups.get_mut(&(org, filter.into())) else { return true };
        group.is_for(client_id, place)
    }

    /// Keeps a letter for a member that it was found to be for, and that has not got it.
    pub(crate) fn owe(&self, org: OrgId, filter: &str, client_id: &str, place: Place) {
        if let Some(group) = self.lock().get_mut(&(org, filter.into())) {
            group.owe(client_id, place);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Group>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Group {
    fn keep(&mut self, stays: impl FnMut(&Member) -> bool) {
        self.members.retain(stays);
        let members = &self.members;
        self.owed.retain(|_, owner| members.iter().any(|member| member.client_id == *owner));
    }

    fn is_for(&mut self, client_id: &str, place: Place) -> bool {
        let (kind, number) = match place {
            Place::Log(position) => (0, position.get()),
            Place::Passing(number) => (1, number),
        };
        if number <= self.decided[kind] {
            let is_mine = self.owed.get(&place).is_some_and(|owner| **owner == *client_id);
            if is_mine {
                self.owed.remove(&place);
                self.count(client_id, |owed| owed.saturating_sub(1));
            }
            return is_mine;
        }
        self.decided[kind] = number;
        let Some(owner) = self.next_owner() else { return true };
        if *owner == *client_id {
            return true;
        }
        self.owe(&owner, place);
        false
    }

    fn owe(&mut self, client_id: &str, place: Place) {
        if let Entry::Vacant(owed) = self.owed.entry(place) {
            owed.insert(client_id.into());
            self.count(client_id, |owed| owed + 1);
        }
    }

    fn count(&mut self, client_id: &str, change: impl FnOnce(usize) -> usize) {
        if let Some(member) = self.members.iter_mut().find(|member| &*member.client_id == client_id) {
            member.owed = change(member.owed);
        }
    }

    /// The next one whose turn it is, of those who are here and keep up.
    fn next_owner(&mut self) -> Option<Box<str>> {
        let count = self.members.len();
        let at = (0..count).map(|step| (self.turn + step) % count).find(|at| {
            let member = &self.members[*at];
            member.away_until.is_none() && member.owed < OWED_MAX
        })?;
        self.turn = (at + 1) % count;
        Some(self.members[at].client_id.clone())
    }
}

#[cfg(test)]
mod tests {
    use model::Position;

    use super::*;

    const FILTER: &str = "$share/g/a";

    #[test]
    fn each_letter_is_one_members_and_each_member_has_its_turn() {
        let (shares, org) = (Shares::default(), OrgId::from_raw(1));
        let names = ["a", "b", "c"];
        for name in names {
            shares.join(org, FILTER, name);
        }
        let mut got = [0; 3];
        // The first reads everything, then the second, then the third.
        let letters: Vec<Place> =
            (1..=9).map(|at| Place::Log(Position::from_raw(at))).chain((1..=9).map(Place::Passing)).collect();
        for (at, name) in names.iter().enumerate() {
            got[at] = letters.iter().filter(|place| shares.is_for(org, FILTER, name, **place)).count();
        }
        assert_eq!(got, [6; 3]);
        assert!(shares.is_for(OrgId::from_raw(2), FILTER, "a", letters[0]), "another organization's group");
    }

    #[test]
    fn who_is_away_has_no_turn_and_keeps_what_is_owed() {
        let (shares, org) = (Shares::default(), OrgId::from_raw(1));
        let at = |number| Place::Log(Position::from_raw(number));
        shares.join(org, FILTER, "a");
        shares.join(org, FILTER, "b");
        assert!(shares.is_for(org, FILTER, "a", at(1)));
        assert!(!shares.is_for(org, FILTER, "a", at(2)));
        shares.leave(org, FILTER, "b", Some(Timestamp::from_millis(9)));
        shares.tidy(Timestamp::from_millis(8));
        assert!(shares.is_for(org, FILTER, "a", at(3)));
        shares.join(org, FILTER, "b");
        let of_b: Vec<bool> = (1..4).map(|number| shares.is_for(org, FILTER, "b", at(number))).collect();
        assert_eq!(of_b, [false, true, false]);
        shares.leave(org, FILTER, "a", None);
        shares.leave(org, FILTER, "b", Some(Timestamp::from_millis(9)));
        shares.tidy(Timestamp::from_millis(9));
        assert!(shares.lock().is_empty());
    }
}
