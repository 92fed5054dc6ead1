use std::sync::Arc;

use model::{OrgId, StreamSession, Timestamp};
use store::Error;

use super::{delivery::Delivery, failed};
use crate::{
    broker::Inner,
    packet::{Connect, Fault, Reason, Version},
    seats::Seat,
};

/// The longest that a session is kept while its client is away, in seconds: a week. What it can be
/// sent then is what the log still has.
const EXPIRES_AFTER_S_MAX: u32 = 7 * 24 * 3_600;

/// What is known of a client beside what is on its way to it.
pub(super) struct Session {
    pub(super) org: OrgId,
    pub(super) version: Version,
    /// How long it is kept when the client is gone; 0 is not at all.
    pub(super) expires_after_s: u32,
    /// Whether the store knows it.
    is_stored: bool,
    seat: Arc<Seat>,
}

impl Session {
    /// Finds or begins the session of a client that takes a seat; whether it was there before.
    ///
    /// **Errors**: there are too many, or the store failed.
    pub(super) async fn open(
        inner: &Inner,
        connect: &Connect,
        seat: Arc<Seat>,
        delivery: &mut Delivery,
    ) -> Result<(Self, bool), Reason> {
        let now = inner.now();
        let unavailable = |error: Error| match error {
            Error::Limit { .. } => Reason::QuotaExceeded,
            error => failed(&error).reason,
        };
        let found = inner.store.find_stream_session(seat.org, &seat.client_id).await.map_err(unavailable)?;
        let is_stored = found.is_some();
        if connect.is_clean && is_stored {
            inner.store.forget_stream_session(seat.org, &seat.client_id).await.map_err(unavailable)?;
        }
        let found = found.filter(|found| !connect.is_clean && !found.has_expired(now));
        let is_resumed = found.is_some();
        match found {
            Some(found) => delivery.resume(found.subscriptions, found.position),
            None => delivery.resume(Vec::new(), inner.store.head().await.map_err(unavailable)?),
        }
        let org = seat.org;
        let is_stored = is_stored && !connect.is_clean;
        let mut session = Self { org, version: connect.version, expires_after_s: 0, is_stored, seat };
        session.set_expiry(connect.expires_after_s);
        if session.expires_after_s > 0 {
            inner.store.keep_stream_session(session.record(delivery, now)).await.map_err(unavailable)?;
            session.is_stored = true;
        }
        Ok((session, is_resumed))
    }

    pub(super) fn set_expiry(&mut self, seconds: u32) {
        self.expires_after_s = seconds.min(EXPIRES_AFTER_S_MAX);
        self.seat.set_kept(self.expires_after_s > 0);
    }

    /// Writes down what the client has asked for, if that is to be kept.
    ///
    /// **Errors**: it cannot be.
    pub(super) fn keep<'a>(
        &self,
        inner: &'a Inner,
        delivery: &Delivery,
    ) -> impl Future<Output = Result<(), Fault>> + use<'a> {
        // What is on its way to the client is looked at here and now, not while it is written down.
        let record = (self.expires_after_s > 0).then(|| self.record(delivery, inner.now()));
        async move {
            let Some(record) = record else { return Ok(()) };
            inner.store.keep_stream_session(record).await.map_err(|error| failed(&error))
        }
    }

    /// Writes down how far the client has come, or forgets it.
    pub(super) async fn close(self, inner: &Inner) {
        let closed = match self.seat.note(inner.now(), true) {
            Some(note) => inner.store.note_stream_sessions(vec![note]).await,
            None if self.is_stored => inner.store.forget_stream_session(self.org, &self.seat.client_id).await,
            None => Ok(()),
        };
        if let Err(error) = closed {
            // It is sent again what it has acknowledged since the last note.
            tracing::warn!(org = %self.org, "how far a reader of the stream has come cannot be written down: {error}");
        }
    }

    fn record(&self, delivery: &Delivery, now: Timestamp) -> StreamSession {
        StreamSession {
            org: self.org,
            client_id: self.seat.client_id.to_string(),
            subscriptions: delivery.subscriptions().cloned().collect(),
            position: delivery.arrived(),
            seen_at: now,
            expires_after_s: self.expires_after_s,
        }
    }
}
