use std::sync::Arc;

use model::Subscription;

use super::{Session, delivery::Delivery};
use crate::{
    broker::Inner,
    packet::{Fault, Packet, Reason, Version, violation, write},
    topic::Filter,
};

/// Most filters in one packet.
const FILTERS_MAX: usize = 20;
/// Most subscriptions of one reader.
const SUBSCRIPTIONS_MAX: usize = 50;

/// What comes of a packet.
pub(super) enum Done {
    /// The connection goes on.
    GoesOn,
    /// The client wants to go.
    Left,
}

/// Does what a client asks for, and writes the answer.
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
    match packet {
        Packet::Publish { has_alias: true, .. } => {
            return Err(Fault { reason: Reason::TopicAliasInvalid, what: "a topic alias, of which there are none" });
        }
        Packet::Publish { id, qos, .. } => {
            inner.counters.received.add(1);
            if let Some(id) = id {
                let step = if qos == 2 { write::step::RECEIVED } else { write::step::ACKNOWLEDGED };
                write::answer(out, version, step, id, Reason::NotAuthorized);
            }
        }
        Packet::PublishRelease(id) => write::answer(out, version, write::step::COMPLETE, id, Reason::Success),
        Packet::PublishAcknowledged(id) => delivery.acknowledge(id),
        Packet::Subscribe { id, number, filters } => {
            let reasons = subscribe(inner, session, delivery, number, filters).await?;
            write::subscribed(out, version, id, &reasons);
        }
        Packet::Unsubscribe { id, filters } => {
            let reasons: Vec<Reason> = filters
                .iter()
                .map(
                    |filter| if delivery.unsubscribe(filter) { Reason::Success } else { Reason::NoSubscriptionExisted },
                )
                .collect();
            session.keep(inner, delivery).await?;
            write::unsubscribed(out, version, id, &reasons);
        }
        Packet::Ping => write::pong(out),
        Packet::Disconnect { expires_after_s } => {
            if let Some(seconds) = expires_after_s {
                if session.expires_after_s == 0 && seconds != 0 {
                    return violation("a session that was not to be kept is to be kept after all");
                }
                session.set_expiry(seconds);
                session.keep(inner, delivery).await?;
            }
            return Ok(Done::Left);
        }
        Packet::Connect(_) | Packet::PublishStep => return violation("a packet that does not belong here"),
        Packet::Authenticate => return violation("there is no way of authentication to go on with"),
    }
    Ok(Done::GoesOn)
}

/// Takes filters in, each for itself.
async fn subscribe(
    inner: &Inner,
    session: &Session,
    delivery: &mut Delivery,
    number: Option<u32>,
    filters: Vec<(String, u8)>,
) -> Result<Vec<Reason>, Fault> {
    if filters.len() > FILTERS_MAX {
        return Ok(vec![Reason::QuotaExceeded; filters.len()]);
    }
    let live = inner.hubs.attach(session.org);
    let since = inner.store.head().await.map_err(|error| super::failed(&error))?;
    let mut reasons = Vec::with_capacity(filters.len());
    for (filter, qos) in filters {
        let is_full = delivery.subscriptions().len() >= SUBSCRIPTIONS_MAX && !delivery.has(&filter);
        let reason = match Filter::parse(&filter, session.org) {
            Err(reason) => reason,
            Ok(_) if is_full => Reason::QuotaExceeded,
            Ok(_) if qos == 0 => Reason::Success,
            Ok(_) => Reason::GrantedQos1,
        };
        if matches!(reason, Reason::Success | Reason::GrantedQos1) {
            let number = number.filter(|_| session.version == Version::V5);
            delivery.subscribe(Subscription { filter, is_acknowledged: qos > 0, number, since });
        }
        reasons.push(reason);
    }
    if delivery.subscriptions().len() > 0 {
        delivery.begin(live, since);
        session.keep(inner, delivery).await?;
    }
    Ok(reasons)
}
