//! Where what is new is handed to everybody who reads one of an organization's spaces just now.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
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
pub(crate) struct Hubs(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    hubs: HashMap<Space, Hub>,
    /// What no number of what passed a hub that is forgotten is above: numbers are not given twice.
    passed_max: u64,
}

#[derive(Debug)]
struct Hub {
    sender: broadcast::Sender<Arc<Published>>,
    passed: Passed,
}

/// How many letters have passed a hub that are not in the log. Whoever holds it is a reader of the hub,
/// also while it reads the log.
pub(crate) type Passed = Arc<AtomicU64>;

/// What is new in a space.
#[derive(Debug)]
pub(crate) struct Receiver {
    live: broadcast::Receiver<Arc<Published>>,
    pub(crate) passed: Passed,
    /// How many had passed when it began.
    pub(crate) began: u64,
}

impl Receiver {
    pub(crate) async fn recv(&mut self) -> Result<Arc<Published>, RecvError> {
        self.live.recv().await
    }

    /// What is there already; of what was missed [`Receiver::recv`] tells.
    pub(crate) fn next_waiting(&mut self) -> Option<Arc<Published>> {
        self.live.try_recv().ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.live.is_empty()
    }
}

impl Hubs {
    /// What is published in a space from now on.
    pub(crate) fn attach(&self, space: Space) -> Receiver {
        let mut state = self.lock();
        let State { hubs, passed_max } = &mut *state;
        let new = || Hub { sender: broadcast::channel(BEHIND_MAX).0, passed: Arc::new((*passed_max).into()) };
        let hub = hubs.entry(space).or_insert_with(new);
        let (live, passed) = (hub.sender.subscribe(), Arc::clone(&hub.passed));
        Receiver { live, began: passed.load(Relaxed), passed }
    }

    /// Whether anybody reads what is new in a space; forgets its hub if it has no readers at all.
    pub(crate) fn has_readers(&self, space: Space) -> bool {
        let mut state = self.lock();
        let Some(hub) = state.hubs.get(&space) else { return false };
        let has_readers = hub.sender.receiver_count() > 0;
        if !has_readers && Arc::strong_count(&hub.passed) == 1 {
            state.forget(|of, _| *of == space);
        }
        has_readers
    }

    /// Whether anybody reads what is new in any space; if not, forgets the hubs that have no readers at all.
    pub(crate) fn have_readers(&self) -> bool {
        let mut state = self.lock();
        let have_readers = state.hubs.values().any(|hub| hub.sender.receiver_count() > 0);
        if !have_readers && !state.hubs.is_empty() {
            state.forget(|_, hub| Arc::strong_count(&hub.passed) == 1);
        }
        have_readers
    }

    pub(crate) fn publish(&self, published: Published) {
        if let Some(hub) = self.lock().hubs.get(&published.space()) {
            // The last reader may just have gone.
            let _heard = hub.sender.send(Arc::new(published));
        }
    }

    /// Hands a letter on that is not kept.
    pub(crate) fn pass(&self, org: OrgId, letter: Letter) {
        if let Some(hub) = self.lock().hubs.get(&Space { org, is_private: true }) {
            let place = Place::Passing(hub.passed.fetch_add(1, Relaxed) + 1);
            // As above.
            let _heard = hub.sender.send(Arc::new(Published { org, place, body: Body::Letter(letter) }));
        }
    }

    /// Cuts everybody off, so that they look into the log for what they have missed.
    pub(crate) fn cut(&self) {
        self.lock().forget(|_, _| true);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget(&mut self, mut is_over: impl FnMut(&Space, &Hub) -> bool) {
        let Self { hubs, passed_max } = self;
        for (_, hub) in hubs.extract_if(|space, hub| is_over(space, hub)) {
            *passed_max = (*passed_max).max(hub.passed.load(Relaxed));
        }
    }
}
