//! Wills of clients that are gone, until they are due.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Mutex, MutexGuard, PoisonError},
};

use model::{OrgId, Timestamp};

use crate::post::{Post, Sender};

/// By organization and client. Only a client whose session is kept has a will that waits, so that there
/// are no more than sessions.
#[derive(Debug, Default)]
pub(crate) struct Wills(Mutex<State>);

/// How many bytes the wills of an organization that wait may have; what is beyond is due at once.
const BYTES_MAX: usize = 16 * 1024 * 1024;

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<(OrgId, Box<str>), Waiting>,
    /// By organization, of those that wait.
    bytes: HashMap<OrgId, usize>,
    /// Whether none waits any more, as the station stops.
    is_over: bool,
}

#[derive(Debug)]
struct Waiting {
    due: Timestamp,
    sender: Sender,
    post: Post,
}

impl State {
    /// Counts one that waits no more.
    fn forget(&mut self, waiting: Option<Waiting>) -> Option<(Sender, Post)> {
        let Waiting { sender, post, .. } = waiting?;
        if let Entry::Occupied(mut bytes) = self.bytes.entry(sender.org) {
            *bytes.get_mut() = bytes.get().saturating_sub(size(&post));
            if *bytes.get() == 0 {
                bytes.remove();
            }
        }
        Some((sender, post))
    }
}

fn size(post: &Post) -> usize {
    post.topic.len() + post.content.payload.len() + post.content.properties.len()
}

impl Wills {
    /// Keeps a will until it is due, or its client is back; gives it back where nothing waits any more,
    /// or too much does.
    pub(crate) fn wait(&self, due: Timestamp, sender: Sender, post: Post) -> Option<(Sender, Post)> {
        let mut state = self.lock();
        let bytes = state.bytes.get(&sender.org).copied().unwrap_or_default() + size(&post);
        if state.is_over || bytes > BYTES_MAX {
            return Some((sender, post));
        }
        state.bytes.insert(sender.org, bytes);
        let before = state.waiting.insert((sender.org, sender.client_id.clone()), Waiting { due, sender, post });
        // One of the same client gives way.
        let _before = state.forget(before);
        None
    }

    /// Takes out the will of a client that is back.
    pub(crate) fn take(&self, org: OrgId, client_id: &str) -> Option<(Sender, Post)> {
        let mut state = self.lock();
        let taken = state.waiting.remove(&(org, client_id.into()));
        state.forget(taken)
    }

    /// Takes out those that are due.
    pub(crate) fn take_due(&self, now: Timestamp) -> Vec<(Sender, Post)> {
        let mut state = self.lock();
        let due: Vec<Waiting> =
            state.waiting.extract_if(|_, waiting| waiting.due <= now).map(|(_, waiting)| waiting).collect();
        due.into_iter().filter_map(|waiting| state.forget(Some(waiting))).collect()
    }

    /// Takes out all there are, and those that come later are not kept.
    pub(crate) fn end(&self) -> Vec<(Sender, Post)> {
        let mut state = self.lock();
        state.is_over = true;
        state.waiting.drain().map(|(_, waiting)| (waiting.sender, waiting.post)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{SecretHash, Source, SourceId, SourceKind};

    use super::*;
    use crate::{login::Credential, packet::Content};

    const ORG: OrgId = OrgId::from_raw(1);

    fn will(client_id: &str, bytes: usize) -> (Sender, Post) {
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
        let sender = Sender {
            org: ORG,
            credential: Credential::Nothing(source.id),
            source: Arc::new(source),
            client_id: client_id.into(),
        };
        let content = Content { payload: vec![0; bytes], ..Content::default() };
        (sender, Post { topic: "t".into(), qos: 0, retain: false, content })
    }

    #[test]
    fn what_waits_is_bounded_and_room_comes_back() {
        let wills = Wills::default();
        let due = Timestamp::from_millis(1_000);
        let wait = |client_id: &str, bytes| {
            let (sender, post) = will(client_id, bytes);
            wills.wait(due, sender, post).is_none()
        };
        assert!(wait("a", BYTES_MAX / 2));
        assert!(wait("b", BYTES_MAX / 2 - 2));
        assert!(!wait("c", 1), "there is no room");
        assert!(wills.take(ORG, "a").is_some());
        assert!(wait("c", 1));
        assert_eq!(wills.take_due(due).len(), 2);
        assert!(wills.lock().bytes.is_empty());
    }
}
