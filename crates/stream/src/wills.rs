//! Wills of clients, until they are due.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use model::{OrgId, Timestamp};

use crate::{
    packet::{Reason, Will},
    post::{Post, Sender},
};

/// How many bytes the wills of an organization may have, of clients that are here and of those that are
/// gone.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// Those that wait, by organization and client. Only a client whose session is kept has a will that
/// waits, so that there are no more than sessions.
#[derive(Debug, Default)]
pub(crate) struct Wills {
    state: Mutex<State>,
    bytes: Arc<Bytes>,
}

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<(OrgId, Box<str>), Waiting>,
    /// Whether none waits any more, as the station stops.
    is_over: bool,
}

#[derive(Debug)]
struct Waiting {
    due: Timestamp,
    sender: Sender,
    post: Post,
    _room: Room,
}

/// How many bytes wills have, by organization.
#[derive(Debug, Default)]
struct Bytes(Mutex<HashMap<OrgId, usize>>);

/// The room that a will takes, given back when dropped.
#[derive(Debug)]
pub(crate) struct Room {
    bytes: Arc<Bytes>,
    org: OrgId,
    count: usize,
}

impl Bytes {
    fn lock(&self) -> MutexGuard<'_, HashMap<OrgId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Entry::Occupied(mut bytes) = self.bytes.lock().entry(self.org) {
            *bytes.get_mut() = bytes.get().saturating_sub(self.count);
            if *bytes.get() == 0 {
                bytes.remove();
            }
        }
    }
}

impl Wills {
    /// Room for the will of a client that comes.
    ///
    /// **Errors**: the organization has no more.
    pub(crate) fn room(&self, org: OrgId, will: &Will) -> Result<Room, Reason> {
        let count = will.topic.len() + will.content.payload.len() + will.content.properties.len();
        let mut all = self.bytes.lock();
        if all.get(&org).copied().unwrap_or_default() + count > BYTES_MAX {
            return Err(Reason::QuotaExceeded);
        }
        *all.entry(org).or_default() += count;
        Ok(Room { bytes: Arc::clone(&self.bytes), org, count })
    }

    /// Keeps a will until it is due, or its client is back; gives it back where nothing waits any more.
    pub(crate) fn wait(&self, due: Timestamp, sender: Sender, post: Post, room: Room) -> Option<(Sender, Post)> {
        let mut state = self.lock();
        if state.is_over {
            return Some((sender, post));
        }
        let client = (sender.org, sender.client_id.clone());
        state.waiting.insert(client, Waiting { due, sender, post, _room: room });
        None
    }

    /// Takes out the will of a client that is back.
    pub(crate) fn take(&self, org: OrgId, client_id: &str) -> Option<(Sender, Post)> {
        let Waiting { sender, post, .. } = self.lock().waiting.remove(&(org, client_id.into()))?;
        Some((sender, post))
    }

    /// Takes out those that are due.
    pub(crate) fn take_due(&self, now: Timestamp) -> Vec<(Sender, Post)> {
        let mut state = self.lock();
        let due = state.waiting.extract_if(|_, waiting| waiting.due <= now);
        due.map(|(_, Waiting { sender, post, .. })| (sender, post)).collect()
    }

    /// Takes out all there are, and those that come later are not kept.
    pub(crate) fn end(&self) -> Vec<(Sender, Post)> {
        let mut state = self.lock();
        state.is_over = true;
        state.waiting.drain().map(|(_, waiting)| (waiting.sender, waiting.post)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{SecretHash, Source, SourceId, SourceKind};

    use super::*;
    use crate::{login::Credential, packet::Content};

    const ORG: OrgId = OrgId::from_raw(1);

    fn will(bytes: usize) -> Will {
        let content = Content { payload: vec![0; bytes], ..Content::default() };
        Will { topic: "t".to_owned(), qos: 0, retain: false, delay_s: 1, content }
    }

    fn sender(client_id: &str) -> Sender {
        let source = Source {
            id: SourceId::from_raw(7),
            org: ORG,
            kind: SourceKind::Mqtt,
            name: String::new(),
            token: SecretHash([0; 32]),
            auto_add: false,
            created_at: Timestamp::default(),
            previous: None,
        };
        let (credential, source) = (Credential::Nothing(source.id), Arc::new(source));
        Sender { org: ORG, credential, source, client_id: client_id.into() }
    }

    #[test]
    fn wills_are_bounded_whether_their_clients_are_here_or_gone() {
        let wills = Wills::default();
        let due = Timestamp::from_millis(1_000);
        let wait = |client_id: &str, will: Will, room| {
            let post = Post { topic: will.topic.into(), qos: 0, retain: false, content: will.content };
            wills.wait(due, sender(client_id), post, room).is_none()
        };
        let (first, second) = (will(BYTES_MAX / 2), will(BYTES_MAX / 2 - 2));
        let (here, gone) = (wills.room(ORG, &first).unwrap(), wills.room(ORG, &second).unwrap());
        assert!(wait("gone", second, gone));
        assert_eq!(wills.room(ORG, &will(0)).unwrap_err(), Reason::QuotaExceeded);
        let other = wills.room(OrgId::from_raw(2), &will(BYTES_MAX - 1)).unwrap();
        drop(here);
        let back = wills.room(ORG, &will(1)).unwrap();
        assert!(wait("gone", will(1), back), "the one before gives way");
        assert_eq!(wills.take_due(due).len(), 1);
        drop(other);
        assert!(wills.bytes.lock().is_empty());
    }
}
