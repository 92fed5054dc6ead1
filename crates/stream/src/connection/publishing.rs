//! What a client publishes.

use std::{
    collections::{BTreeSet, HashMap},
    mem,
    sync::Arc,
};

use model::DeviceEui;

use super::{failed, subscriptions::reports_of};
use crate::{
    broker::Inner,
    counters::Counts,
    filter::{is_private, is_small},
    packet::{Fault, Publish, Reason, Version, Will, violation, write},
    post::{self, Post, Sender},
};

/// How many messages a client of MQTT 5 may have under way that were not acknowledged.
pub(super) const RECEIVE_MAX: u16 = 128;
/// How many at QoS 2 one of MQTT 3.1.1 may have, which is not told.
const UNRELEASED_MAX: usize = 4_096;
/// How many topics a client may name by a number.
pub(super) const ALIASES_MAX: u16 = 32;
/// How many messages and bytes are published at once.
const BATCH: usize = 64;
const BATCH_BYTES: usize = 256 * 1024;

/// What a client publishes, and whether it may.
pub(super) struct Publishing {
    version: Version,
    /// `None` for those who only read.
    sender: Option<Sender>,
    /// The device whose part of the private space it is kept to.
    device: Option<DeviceEui>,
    topics: HashMap<u16, Arc<str>>,
    /// Numbers of messages at QoS 2 that have arrived, until they are released.
    unreleased: BTreeSet<u16>,
    batch: Vec<Item>,
    batch_bytes: usize,
    counts: Arc<Counts>,
}

/// A message, and how it is answered.
struct Item {
    id: Option<u16>,
    qos: u8,
    /// `Err` where it is not to be published.
    post: Result<Post, Reason>,
}

impl Publishing {
    pub(super) fn new(
        version: Version,
        sender: Option<Sender>,
        device: Option<DeviceEui>,
        counts: Arc<Counts>,
    ) -> Self {
        let (topics, unreleased, batch) = (HashMap::new(), BTreeSet::new(), Vec::new());
        Self { version, sender, device, topics, unreleased, batch, batch_bytes: 0, counts }
    }

    /// Whether anything of it goes anywhere.
    pub(super) fn is_allowed(&self) -> bool {
        self.sender.is_some()
    }

    /// Takes a message in, to be published with the next batch.
    ///
    /// **Errors**: the connection has to end.
    pub(super) fn take(&mut self, inner: &Inner, publish: Publish) -> Result<(), Fault> {
        self.counts.received.add(1);
        let Publish { id, qos, retain, topic, alias, content, .. } = publish;
        let topic = self.resolve(inner, topic, alias)?;
        if self.version == Version::V5 && id.is_some() {
            let under_way = self.unreleased.len() + self.batch.iter().filter(|item| item.id.is_some()).count();
            let is_known = id.is_some_and(|id| self.unreleased.contains(&id));
            if under_way >= RECEIVE_MAX.into() && !is_known {
                let what = "more messages are under way than may be";
                return Err(Fault { reason: Reason::ReceiveMaximumExceeded, what });
            }
        }
        if self.unreleased.len() >= UNRELEASED_MAX {
            return Err(Fault { reason: Reason::QuotaExceeded, what: "too many messages are not released" });
        }
        let has_come = |item: &Item| item.id == id && item.qos == 2 && item.post.is_ok();
        let post =
            if qos == 2 && (id.is_some_and(|id| self.unreleased.contains(&id)) || self.batch.iter().any(has_come)) {
                Err(Reason::Success)
            } else if let Some(refusal) = self.refusal(inner, &topic) {
                self.counts.dropped.add(1);
                Err(refusal)
            } else {
                self.batch_bytes += content.payload.len() + content.properties.len();
                Ok(Post { topic, qos, retain, content })
            };
        self.batch.push(Item { id, qos, post });
        Ok(())
    }

    /// Whether as much was taken in as is published at once.
    pub(super) fn is_full(&self) -> bool {
        self.batch.len() >= BATCH || self.batch_bytes >= BATCH_BYTES
    }

    /// The topic that a client means.
    fn resolve(&mut self, inner: &Inner, topic: String, alias: Option<u16>) -> Result<Arc<str>, Fault> {
        let Some(alias) = alias else { return Ok(topic.into()) };
        if alias == 0 || alias > ALIASES_MAX || !self.is_allowed() {
            return Err(Fault { reason: Reason::TopicAliasInvalid, what: "a topic alias that there is none of" });
        }
        if topic.is_empty() {
            let Some(topic) = self.topics.get(&alias) else {
                return violation("a topic alias that stands for nothing");
            };
            return Ok(Arc::clone(topic));
        }
        if !is_small(&topic, &inner.settings) {
            return Err(Fault { reason: Reason::TopicNameInvalid, what: "a topic with a number is too long" });
        }
        let topic: Arc<str> = topic.into();
        self.topics.insert(alias, Arc::clone(&topic));
        Ok(topic)
    }

    /// Why nothing may be published under a topic, if nothing may.
    fn refusal(&self, inner: &Inner, topic: &str) -> Option<Reason> {
        let is_own = self.device.is_none_or(|eui| topic.starts_with(&reports_of(eui)));
        if !self.is_allowed() || !is_own || !is_private(topic) {
            Some(Reason::NotAuthorized)
        } else if !is_small(topic, &inner.settings) {
            Some(Reason::TopicNameInvalid)
        } else {
            None
        }
    }

    /// Publishes what was taken in, and answers it; whether there is something new to be written down.
    ///
    /// **Errors**: nothing of it was acknowledged, and the connection has to end.
    pub(super) async fn flush(&mut self, inner: &Inner, out: &mut Vec<u8>) -> Result<bool, Fault> {
        if self.batch.is_empty() {
            return Ok(false);
        }
        // Boxed, so that who publishes nothing has no room for it.
        Box::pin(self.publish(inner, out)).await
    }

    async fn publish(&mut self, inner: &Inner, out: &mut Vec<u8>) -> Result<bool, Fault> {
        self.batch_bytes = 0;
        let mut posts = Vec::new();
        let mut answers = Vec::with_capacity(self.batch.len());
        for Item { id, qos, post } in mem::take(&mut self.batch) {
            answers.push((id, qos, post.as_ref().err().copied()));
            posts.extend(post);
        }
        let outcomes = match &self.sender {
            Some(sender) if !posts.is_empty() => {
                post::publish(inner, sender, posts).await.map_err(|error| failed(&error))?
            }
            _ => Vec::new(),
        };
        let mut outcomes = outcomes.into_iter();
        let mut is_new = false;
        for (id, qos, answered) in answers {
            let reason = answered.or_else(|| outcomes.next()).unwrap_or(Reason::Success);
            let Some(id) = id else { continue };
            let step = if qos == 2 { write::step::RECEIVED } else { write::step::ACKNOWLEDGED };
            if qos == 2 && !reason.is_refusal() {
                is_new |= self.unreleased.insert(id);
            }
            write::answer(out, self.version, step, id, reason);
        }
        Ok(is_new)
    }

    /// Takes a client's word that it will not send a message again.
    pub(super) fn release(&mut self, id: u16) -> Reason {
        let is_known = self.unreleased.remove(&id);
        if is_known || !self.is_allowed() { Reason::Success } else { Reason::PacketIdentifierNotFound }
    }

    /// The will of a client as it would be published, if it may be.
    pub(super) fn will(&self, inner: &Inner, will: Will) -> Option<(Sender, Post)> {
        let Will { topic, qos, retain, content, .. } = will;
        let sender = self.sender.clone()?;
        if self.refusal(inner, &topic).is_some() {
            self.counts.dropped.add(1);
            return None;
        }
        Some((sender, Post { topic: topic.into(), qos, retain, content }))
    }

    /// What has arrived at QoS 2 and is not released.
    ///
    /// **Shape**: the numbers, big endian.
    pub(super) fn state(&self) -> impl Iterator<Item = u8> {
        self.unreleased.iter().flat_map(|id| id.to_be_bytes())
    }

    pub(super) fn resume(&mut self, state: &[u8]) {
        let (ids, _) = state.as_chunks();
        self.unreleased = ids.iter().map(|id| u16::from_be_bytes(*id)).collect();
    }
}
