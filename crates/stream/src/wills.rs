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
pub(crate) struct Wills(Mutex<HashMap<(OrgId, Box<str>), Waiting>>);

#[derive(Debug)]
struct Waiting {
    due: Timestamp,
    sender: Sender,
    post: Post,
}

impl Wills {
    /// Keeps a will until it is due, or its client is back.
    pub(crate) fn wait(&self, due: Timestamp, sender: Sender, post: Post) {
        self.lock().insert((sender.org, sender.client_id.clone()), Waiting { due, sender, post });
    }

    /// Takes out the will of a client that is back.
    pub(crate) fn take(&self, org: OrgId, client_id: &str) -> Option<(Sender, Post)> {
        self.lock().remove(&(org, client_id.into())).map(|waiting| (waiting.sender, waiting.post))
    }

    /// Takes out those that are due by a time; all, if there is none.
    pub(crate) fn take_due(&self, now: Option<Timestamp>) -> Vec<(Sender, Post)> {
        let is_due = |waiting: &Waiting| now.is_none_or(|now| waiting.due <= now);
        let due = self.lock().extract_if(|_, waiting| is_due(waiting)).collect::<Vec<_>>();
        due.into_iter().map(|(_, waiting)| (waiting.sender, waiting.post)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(OrgId, Box<str>), Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
