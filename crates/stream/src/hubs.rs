//! Where what is new is handed to everybody who reads an organization's stream just now.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use model::OrgId;
use tokio::sync::broadcast;

use crate::published::Published;

/// How many uplinks a reader may be behind before it misses some, or reads on in the log.
const BEHIND_MAX: usize = 256;

pub(crate) type Receiver = broadcast::Receiver<Arc<Published>>;

/// One hub for each organization that somebody reads the stream of.
#[derive(Debug, Default)]
pub(crate) struct Hubs(Mutex<HashMap<OrgId, broadcast::Sender<Arc<Published>>>>);

impl Hubs {
    /// What is published for an organization from now on.
    pub(crate) fn attach(&self, org: OrgId) -> Receiver {
        self.lock().entry(org).or_insert_with(|| broadcast::channel(BEHIND_MAX).0).subscribe()
    }

    /// Whether anybody reads an organization's stream; forgets its hub if nobody does.
    pub(crate) fn has_readers(&self, org: OrgId) -> bool {
        let mut hubs = self.lock();
        let has_readers = hubs.get(&org).is_some_and(|hub| hub.receiver_count() > 0);
        if !has_readers {
            hubs.remove(&org);
        }
        has_readers
    }

    pub(crate) fn publish(&self, published: Published) {
        if let Some(hub) = self.lock().get(&published.org) {
            // The last reader may just have gone.
            let _heard = hub.send(Arc::new(published));
        }
    }

    /// Cuts everybody off, so that they look into the log for what they have missed.
    pub(crate) fn cut(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OrgId, broadcast::Sender<Arc<Published>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
