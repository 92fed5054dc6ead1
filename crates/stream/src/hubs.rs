//! Where what is new is handed to everybody who reads one of an organization's spaces just now.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use model::OrgId;
use tokio::sync::broadcast::{self, error::RecvError};

use crate::{
    letter::Letter,
    published::{Body, Place, Published, Space},
};

/// How many uplinks or letters a reader may be behind before it misses some, or reads on in the log.
const BEHIND_MAX: usize = 256;

/// One hub for each space that somebody reads just now.
#[derive(Debug, Default)]
pub(crate) struct Hubs(Mutex<HashMap<Space, Hub>>);

#[derive(Debug)]
struct Hub {
    sender: broadcast::Sender<Arc<Published>>,
    /// How many letters have passed that are not in the log.
    passed: u64,
}

/// What is new in a space.
#[derive(Debug)]
pub(crate) struct Receiver {
    live: broadcast::Receiver<Arc<Published>>,
    /// How many letters had passed when it began that are not in the log.
    pub(crate) passed: u64,
}

impl Receiver {
    pub(crate) async fn recv(&mut self) -> Result<Arc<Published>, RecvError> {
        self.live.recv().await
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.live.is_empty()
    }
}

impl Hubs {
    /// What is published in a space from now on.
    pub(crate) fn attach(&self, space: Space) -> Receiver {
        let mut hubs = self.lock();
        let new = || Hub { sender: broadcast::channel(BEHIND_MAX).0, passed: 0 };
        let hub = hubs.entry(space).or_insert_with(new);
        Receiver { live: hub.sender.subscribe(), passed: hub.passed }
    }

    /// Whether anybody reads a space; forgets its hub if nobody does.
    pub(crate) fn has_readers(&self, space: Space) -> bool {
        let mut hubs = self.lock();
        let has_readers = hubs.get(&space).is_some_and(|hub| hub.sender.receiver_count() > 0);
        if !has_readers {
            hubs.remove(&space);
        }
        has_readers
    }

    pub(crate) fn publish(&self, published: Published) {
        if let Some(hub) = self.lock().get(&published.space()) {
            // The last reader may just have gone.
            let _heard = hub.sender.send(Arc::new(published));
        }
    }

    /// Hands a letter on that is not kept.
    pub(crate) fn pass(&self, org: OrgId, letter: Letter) {
        if let Some(hub) = self.lock().get_mut(&Space { org, is_private: true }) {
            hub.passed += 1;
            let place = Place::Passing(hub.passed);
            // As above.
            let _heard = hub.sender.send(Arc::new(Published { org, place, body: Body::Letter(letter) }));
        }
    }

    /// Cuts everybody off, so that they look into the log for what they have missed.
    pub(crate) fn cut(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Space, Hub>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
