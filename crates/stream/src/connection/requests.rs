use std::sync::Arc;

use model::Subscription;

use super::{Session, delivery::Delivery, failed};
use crate::{
    broker::Inner,
    filter::is_small,
    packet::{Fault, Packet, Reason, Version, Wish, violation, write},
    published::Published,
};

/// What comes of a packet.
pub(super) enum Done {
    /// The connection goes on.
    GoesOn,
    /// The client wants to go.
    Left { with_will: bool },
}

/// Does what a client asks for, and writes the answer; what it publishes is answered later.
///
/// **Errors**: the connection has to end.
pub(super) async fn answer(
    packet: Packet,
    inner: &Arc<Inner>,
    session: &mut Session,
    delivery: &mut Delivery,
    out: &mut Vec<u8>,
) -> Result<Done, Fault> {
    let version = session.version;
    if let Packet::Publish(publish) = packet {
        session.publishing.take(inner, *publish)?;
        if session.publishing.is_full() {
            delivery.is_unsaved |= session.publishing.flush(inner, out).await?;
        }
        return Ok(Done::GoesOn);
    }
    // Answers come in the order of what they answer.
    delivery.is_unsaved |= session.publishing.flush(inner, out).await?;
    match packet {
        Packet::PublishRelease(id) => {
            let reason = session.publishing.release(id);
            write::answer(out, version, write::step::COMPLETE, id, reason);
        }
        Packet::PublishAcknowledged(id) | Packet::PublishComplete(id) => delivery.finish(id),
        Packet::PublishReceived { id, is_refused: true } => delivery.finish(id),
        Packet::PublishReceived { id, is_refused: false } => {
            let is_known = delivery.release(id);
            let reason = if is_known { Reason::Success } else { Reason::PacketIdentifierNotFound };
            write::answer(out, version, write::step::RELEASE, id, reason);
        }
        Packet::Subscribe { id, number, filters } => {
            let (reasons, retained) = Box::pin(subscribe(inner, session, delivery, number, filters)).await?;
            write::subscribed(out, version, id, &reasons);
            for Retained { published, qos, number } in retained {
                delivery.send_retained(published, qos, number);
            }
        }
        Packet::Unsubscribe { id, filters } => {
            let mut reasons = Vec::with_capacity(filters.len());
            for filter in &filters {
                let was_there = delivery.subscriptions.remove(inner, filter);
                reasons.push(if was_there { Reason::Success } else { Reason::NoSubscriptionExisted });
            }
            delivery.tune();
            session.keep(inner, delivery).await?;
            write::unsubscribed(out, version, id, &reasons);
        }
        Packet::Ping => write::pong(out),
        Packet::Disconnect { expires_after_s, with_will } => {
            if let Some(seconds) = expires_after_s {
                if session.expires_after_s == 0 && seconds != 0 {
                    return violation("a session that was not to be kept is to be kept after all");
                }
                session.set_expiry(seconds);
                session.keep(inner, delivery).await?;
            }
            return Ok(Done::Left { with_will });
        }
        Packet::Connect(_) | Packet::Publish(_) => return violation("a packet that does not belong here"),
        Packet::Authenticate => return violation("there is no way of authentication to go on with"),
    }
    Ok(Done::GoesOn)
}

/// What was there when a filter was taken in.
struct Retained {
    published: Vec<Arc<Published>>,
    qos: u8,
    number: Option<u32>,
}

/// Takes filters in, each for itself.
async fn subscribe(
    inner: &Inner,
    session: &Session,
    delivery: &mut Delivery,
    number: Option<u32>,
    filters: Vec<(String, Wish)>,
) -> Result<(Vec<Reason>, Vec<Retained>), Fault> {
    let settings = &inner.settings;
    let mut retained = Vec::new();
    if filters.len() > settings.filters_per_packet_max || delivery.owes_much() {
        return Ok((vec![Reason::QuotaExceeded; filters.len()], retained));
    }
    // In this order: what is stored from there on is handed over.
    let new = filters.iter().filter_map(|(filter, _)| delivery.subscriptions.parse(filter).ok());
    let new: Vec<_> = new.collect();
    delivery.listen(inner, new.into_iter());
    let head = inner.store.head().await.map_err(|error| failed(&error))?;
    let number = number.filter(|_| session.version == Version::V5);
    let mut reasons = Vec::with_capacity(filters.len());
    for (filter, wish) in filters {
        // Asked for again, as many clients do when they come back, it goes on where it was.
        let since = delivery.subscriptions.since(&filter);
        let is_new = since.is_none();
        let is_full = delivery.subscriptions.len() >= settings.subscriptions_max && is_new;
        let matcher = match delivery.subscriptions.parse(&filter) {
            Ok(_) if !is_small(&filter, settings) => Err(Reason::TopicFilterInvalid),
            Ok(_) if is_full => Err(Reason::QuotaExceeded),
            other => other,
        };
        let matcher = match matcher {
            Ok(matcher) => matcher,
            Err(reason) => {
                reasons.push(reason);
                continue;
            }
        };
        let qos = if session.space.is_private { wish.qos } else { wish.qos.min(1) };
        if let Some(filter) = matcher.asks_for_retained(wish.retain_handling, is_new) {
            let (store, org) = (&*inner.store, session.space.org);
            let found = inner.retained.matching(store, org, filter, inner.now()).await;
            retained.push(Retained { published: found.map_err(|error| failed(&error))?, qos, number });
        }
        let Wish { no_local, retain_as_published, .. } = wish;
        let subscription =
            Subscription { filter, qos, no_local, retain_as_published, number, since: since.unwrap_or(head) };
        delivery.subscriptions.insert(inner, subscription, matcher);
        reasons.push(Reason::granted(qos));
    }
    delivery.tune();
    if delivery.subscriptions.len() > 0 {
        delivery.begin(head);
        session.keep(inner, delivery).await?;
    }
    Ok((reasons, retained))
}
