//! Who is connected: one reader of each name in an organization.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use model::{OrgId, Position, Timestamp};
use store::StreamNote;
use tokio::sync::Notify;

use crate::{hubs::Inbox, login::Credential, packet::Reason};

/// How long a session that nothing has changed about is not written down, so that it is seen to be
/// in use, in ms.
const SEEN_EVERY_MS: i64 = 10_000;

/// The seats of one organization.
type Row = HashMap<Box<str>, Arc<Seat>>;

#[derive(Debug)]
pub(crate) struct Seats {
    taken: Mutex<HashMap<OrgId, Row>>,
    /// Most that an organization may take.
    per_org_max: usize,
}

/// The place of one connected reader.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) org: OrgId,
    pub(crate) client_id: Box<str>,
    pub(crate) credential: Credential,
    /// Why the reader has to go, once it has to.
    ends: OnceLock<Reason>,
    has_ended: Notify,
    /// What waits for it.
    pub(crate) inbox: Arc<Inbox>,
    /// Everything up to here has been read, when the reader was last awake.
    position: AtomicU64,
    /// Whether the session is kept when the reader has gone.
    is_kept: AtomicBool,
    noted: Mutex<Option<(Position, Timestamp)>>,
    is_gone: AtomicBool,
    gone: Notify,
}

/// A seat that is given back when dropped.
#[derive(Debug)]
pub(crate) struct Taken {
    seats: Arc<Seats>,
    pub(crate) seat: Arc<Seat>,
}

impl Seat {
    /// Everything up to here has been read; `published` is up to where everything had been handed out
    /// before this was asked.
    pub(crate) fn position(&self, published: Position) -> Position {
        Position::from_raw(self.position.load(Relaxed)).max(self.inbox.rested_to(published))
    }

    pub(crate) fn set_position(&self, position: Position) {
        self.position.store(position.get(), Relaxed);
    }

    /// Lets the reader go.
    pub(crate) fn end(&self, reason: Reason) {
        // The first reason stays.
        let _is_first = self.ends.set(reason);
        self.has_ended.notify_one();
    }

    /// Why the reader has to go, once it has to. One waits for it at a time.
    pub(crate) async fn ended(&self) -> Reason {
        loop {
            if let Some(reason) = self.ends.get() {
                return *reason;
            }
            self.has_ended.notified().await;
        }
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.is_kept.load(Relaxed)
    }

    pub(crate) fn set_kept(&self, is_kept: bool) {
        self.is_kept.store(is_kept, Relaxed);
    }

    /// What is to be written down of it, if it is time, or said to be; `published` as above.
    pub(crate) fn note(&self, published: Position, now: Timestamp, is_due: bool) -> Option<StreamNote> {
        let position = self.position(published);
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = |(at, seen): (Position, Timestamp)| at != position || now.since_ms(seen) >= SEEN_EVERY_MS;
        if !self.is_kept() || !is_due && !noted.is_none_or(is_old) {
            return None;
        }
        *noted = Some((position, now));
        Some(StreamNote { org: self.org, client_id: self.client_id.to_string(), position, seen_at: now })
    }

    async fn is_given_back(&self) {
        loop {
            let gone = self.gone.notified();
            if self.is_gone.load(Relaxed) {
                return;
            }
            gone.await;
        }
    }
}

impl Seats {
    pub(crate) fn new(per_org_max: usize) -> Arc<Self> {
        Arc::new(Self { taken: Mutex::default(), per_org_max })
    }

    /// Takes the seat of a name. Whoever has it has to go first.
    ///
    /// **Errors**: the organization has no seat left.
    pub(crate) async fn take(
        self: &Arc<Self>,
        org: OrgId,
        client_id: &str,
        credential: Credential,
    ) -> Result<Taken, Reason> {
        loop {
            let other = {
                let mut taken = self.lock();
                let here = taken.entry(org).or_default();
                match here.get(client_id) {
                    Some(other) => Arc::clone(other),
                    None if here.len() >= self.per_org_max => return Err(Reason::QuotaExceeded),
                    None => {
                        let seat = Arc::new(Seat {
                            org,
                            client_id: client_id.into(),
                            credential,
                            ends: OnceLock::new(),
                            has_ended: Notify::new(),
                            inbox: Arc::default(),
                            position: AtomicU64::new(0),
                            is_kept: AtomicBool::new(false),
                            noted: Mutex::default(),
                            is_gone: AtomicBool::new(false),
                            gone: Notify::new(),
                        });
                        here.insert(client_id.into(), Arc::clone(&seat));
                        return Ok(Taken { seats: Arc::clone(self), seat });
                    }
                }
            };
            other.end(Reason::SessionTakenOver);
            other.is_given_back().await;
        }
    }

    /// Everybody who is connected.
    pub(crate) fn all(&self) -> Vec<Arc<Seat>> {
        self.lock().values().flat_map(HashMap::values).map(Arc::clone).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OrgId, Row>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        if let Some(here) = taken.get_mut(&self.seat.org) {
            here.remove(&self.seat.client_id);
            if here.is_empty() {
                taken.remove(&self.seat.org);
            }
        }
        drop(taken);
        self.seat.is_gone.store(true, Relaxed);
        self.seat.gone.notify_waiters();
    }
}
