//! Wills of clients that are gone, until they are due.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use model::{OrgId, Timestamp};

use crate::post::{Post, Sender};

/// By organization and client. Only a client whose session is kept has a will that waits, so that there
/// are no more than sessions.
#[derive(Debug, Default)]
pub(crate) struct Wills(Mutex<State>);

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
}

impl Wills {
    /// Keeps a will until it is due, or its client is back; gives it back where nothing waits any more.
    pub(crate) fn wait(&self, due: Timestamp, sender: Sender, post: Post) -> Result<(), (Sender, Post)> {
        let mut state = self.lock();
        if state.is_over {
            return Err((sender, post));
        }
        state.waiting.insert((sender.org, sender.client_id.clone()), Waiting { due, sender, post });
        Ok(())
    }

    /// Takes out the will of a client that is back.
    pub(crate) fn take(&self, org: OrgId, client_id: &str) -> Option<(Sender, Post)> {
        self.lock().waiting.remove(&(org, client_id.into())).map(|waiting| (waiting.sender, waiting.post))
    }

    /// Takes out those that are due.
    pub(crate) fn take_due(&self, now: Timestamp) -> Vec<(Sender, Post)> {
        let mut state = self.lock();
        let due = state.waiting.extract_if(|_, waiting| waiting.due <= now);
        due.map(|(_, waiting)| (waiting.sender, waiting.post)).collect()
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
