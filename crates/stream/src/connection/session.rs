use std::sync::Arc;

use model::{StreamSession, Timestamp};
use store::Error;

use super::{delivery::Delivery, failed, publishing::Publishing};
use crate::{
    broker::Inner,
    packet::{Connect, Fault, Reason, Version, Will},
    post::publish_will,
    published::Space,
    seats::Seat,
    wills::Room,
};

/// The longest that a session is kept while its client is away, in seconds: a week. What it can be
/// sent then is what the log still has.
const EXPIRES_AFTER_S_MAX: u32 = 7 * 24 * 3_600;

/// What is known of a client beside what is on its way to it.
pub(super) struct Session {
    pub(super) space: Space,
    pub(super) version: Version,
    /// How long it is kept when the client is gone; 0 is not at all.
    pub(super) expires_after_s: u32,
    pub(super) publishing: Publishing,
    will: Option<(Will, Room)>,
    /// Whether the store knows it.
    is_stored: bool,
    seat: Arc<Seat>,
}

impl Session {
    /// Finds or begins the session of a client that takes a seat; whether it was there before.
    ///
    /// **Errors**: there are too many, or their wills are too large, or the store failed.
    pub(super) async fn open(
        inner: &Inner,
        connect: &mut Connect,
        seat: Arc<Seat>,
        space: Space,
        publishing: Publishing,
        delivery: &mut Delivery,
        out: &mut Vec<u8>,
    ) -> Result<(Self, bool), Reason> {
        let now = inner.now();
        let will = match connect.will.take().filter(|_| publishing.is_allowed()) {
            Some(will) => {
                let room = inner.wills.room(seat.org, &will)?;
                Some((will, room))
            }
            None => None,
        };
        let unavailable = |error: Error| match error {
            Error::Limit { .. } => Reason::QuotaExceeded,
            error => failed(&error).reason,
        };
        let stored = inner.store.find_stream_session(seat.org, &seat.client_id).await.map_err(unavailable)?;
        let mut is_stored = stored.is_some();
        let is_good = |stored: &StreamSession| {
            !connect.is_clean && !stored.has_expired(now) && stored.is_private == space.is_private
        };
        let (found, ended) = match stored {
            Some(stored) if is_good(&stored) => (Some(stored), None),
            ended => (None, ended),
        };
        if let Some(ended) = ended {
            inner.store.forget_stream_session(seat.org, &seat.client_id).await.map_err(unavailable)?;
            is_stored = false;
            for subscription in &ended.subscriptions {
                inner.shares.leave(seat.org, &subscription.filter, &seat.client_id, None);
            }
        }
        let is_resumed = found.is_some();
        // With the session its will ends; if it goes on, the client is back in time.
        if let Some((sender, will)) = inner.wills.take(seat.org, &seat.client_id)
            && !is_resumed
        {
            publish_will(inner, &sender, will).await;
        }
        let mut session =
            Self { space, version: connect.version, expires_after_s: 0, publishing, will, is_stored, seat };
        match found {
            Some(found) => {
                let rest = delivery.resume(inner, found.subscriptions, found.position, &found.state, out);
                session.publishing.resume(rest);
            }
            None => delivery.begin_at(inner.store.head().await.map_err(unavailable)?),
        }
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

    /// Writes down what the client has asked for and what is under way, if that is to be kept.
    ///
    /// **Errors**: it cannot be.
    pub(super) fn keep<'a>(
        &self,
        inner: &'a Inner,
        delivery: &mut Delivery,
    ) -> impl Future<Output = Result<(), Fault>> + use<'a> {
        // What is on its way to the client is looked at here and now, not while it is written down.
        delivery.is_unsaved = false;
        let record = (self.expires_after_s > 0).then(|| self.record(delivery, inner.now()));
        // Boxed, as it is seldom needed.
        Box::pin(async move {
            let Some(record) = record else { return Ok(()) };
            inner.store.keep_stream_session(record).await.map_err(|error| failed(&error))
        })
    }

    /// Ends it for now or for good: publishes its will if that is due, and writes down how far the
    /// client has come, or forgets it.
    pub(super) async fn close(&mut self, inner: &Inner, delivery: &mut Delivery, with_will: bool) {
        let is_kept = self.expires_after_s > 0;
        delivery.give_turn_back(inner);
        let until = inner.now().plus_ms(i64::from(self.expires_after_s) * 1_000);
        delivery.subscriptions.leave(inner, is_kept.then_some(until));
        if let Some((will, room)) = self.will.take().filter(|_| with_will) {
            self.leave_will(inner, will, room).await;
        }
        let closed = match self.is_stored {
            _ if is_kept => inner.store.keep_stream_session(self.record(delivery, inner.now())).await,
            true => inner.store.forget_stream_session(self.space.org, &self.seat.client_id).await,
            false => Ok(()),
        };
        if let Err(error) = closed {
            // It is sent again what it has acknowledged since the last note.
            tracing::warn!(org = %self.space.org, "how far a client has come cannot be written down: {error}");
        }
    }

    async fn leave_will(&self, inner: &Inner, will: Will, room: Room) {
        let delay_s = will.delay_s.min(self.expires_after_s);
        let Some((sender, post)) = self.publishing.will(inner, will) else { return };
        let due = inner.now().plus_ms(i64::from(delay_s) * 1_000);
        let now = if delay_s == 0 { Some((sender, post)) } else { inner.wills.wait(due, sender, post, room) };
        if let Some((sender, post)) = now {
            publish_will(inner, &sender, post).await;
        }
    }

    fn record(&self, delivery: &Delivery, now: Timestamp) -> StreamSession {
        StreamSession {
            org: self.space.org,
            is_private: self.space.is_private,
            client_id: self.seat.client_id.to_string(),
            subscriptions: delivery.subscriptions.to_vec(),
            position: delivery.arrived(),
            seen_at: now,
            expires_after_s: self.expires_after_s,
            state: delivery.state().into_iter().chain(self.publishing.state()).collect(),
        }
    }
}
