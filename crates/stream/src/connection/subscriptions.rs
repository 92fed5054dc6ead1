use model::{DeviceEui, Position, Subscription, Timestamp};

use crate::{
    broker::Inner,
    filter::{Matcher, PrivateFilter},
    packet::Reason,
    published::{Body, Place, Published, Space},
    topic::Filter,
};

/// What a client asked for.
#[derive(Debug)]
pub(super) struct Subscriptions {
    space: Space,
    client_id: Box<str>,
    /// The device whose part of the private space it is kept to.
    device: Option<DeviceEui>,
    /// By ascending filter.
    list: Vec<(Subscription, Matcher)>,
}

/// How a message is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) qos: u8,
    pub(super) retain: bool,
}

impl Subscriptions {
    pub(super) fn new(space: Space, client_id: &str, device: Option<DeviceEui>) -> Self {
        Self { space, client_id: client_id.into(), device, list: Vec::new() }
    }

    /// The filter that a text is for this client.
    ///
    /// **Errors**: it is none, or reaches further than the client.
    pub(super) fn parse(&self, text: &str) -> Result<Matcher, Reason> {
        if !self.space.is_private {
            return Filter::parse(text, self.space.org).map(Matcher::Stream);
        }
        let filter = PrivateFilter::parse(text)?;
        match self.device {
            Some(eui) if !filter.is_within(&orders_for(eui)) => Err(Reason::NotAuthorized),
            _ => Ok(Matcher::Private(filter)),
        }
    }

    /// Takes one in, in place of the one with the same filter.
    pub(super) fn insert(&mut self, inner: &Inner, subscription: Subscription, matcher: Matcher) {
        if matcher.is_shared() {
            inner.shares.join(self.space.org, &subscription.filter, &self.client_id);
        }
        self.list.retain(|(other, _)| other.filter != subscription.filter);
        let at = self.list.partition_point(|(other, _)| other.filter < subscription.filter);
        // Most clients have one.
        self.list.reserve_exact(1);
        self.list.insert(at, (subscription, matcher));
    }

    /// Whether there was one of that filter.
    pub(super) fn remove(&mut self, inner: &Inner, filter: &str) -> bool {
        let before = self.list.len();
        self.list.retain(|(subscription, matcher)| {
            let stays = subscription.filter != filter;
            if !stays && matcher.is_shared() {
                inner.shares.leave(self.space.org, filter, &self.client_id, None);
            }
            stays
        });
        self.list.len() < before
    }

    /// The client goes, and may come back until some time.
    pub(super) fn leave(&self, inner: &Inner, until: Option<Timestamp>) {
        for (subscription, _) in self.list.iter().filter(|(_, matcher)| matcher.is_shared()) {
            inner.shares.leave(self.space.org, &subscription.filter, &self.client_id, until);
        }
    }

    /// Since when there is one of that filter.
    pub(super) fn since(&self, filter: &str) -> Option<Position> {
        self.list.iter().find(|(subscription, _)| subscription.filter == filter).map(|(known, _)| known.since)
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn to_vec(&self) -> Vec<Subscription> {
        self.list.iter().map(|(subscription, _)| subscription.clone()).collect()
    }

    pub(super) fn matchers(&self) -> Vec<Matcher> {
        self.list.iter().map(|(_, matcher)| matcher.clone()).collect()
    }

    pub(super) fn misses_nothing(&self) -> bool {
        self.list.iter().any(|(subscription, _)| subscription.qos > 0)
    }

    /// Whether one of the messages of something is wanted, and how; `numbers` are those of the
    /// subscriptions it belongs to. To be asked once for each, and again where it was sent before.
    pub(super) fn wanted(
        &self,
        inner: &Inner,
        published: &Published,
        at: usize,
        was_sent: bool,
        numbers: &mut Vec<u32>,
    ) -> Option<Wanted> {
        numbers.clear();
        let mut wanted: Option<Wanted> = None;
        for (subscription, matcher) in &self.list {
            let is_new = match published.place {
                Place::Log(position) => position > subscription.since,
                Place::Passing(_) => true,
            };
            let found = match (&published.body, matcher) {
                (Body::Uplink(uplink), Matcher::Stream(filter)) if is_new => {
                    let is_meant = filter.matches(uplink.eui, uplink.parts[at].series);
                    is_meant.then_some(Wanted { qos: subscription.qos.min(1), retain: false })
                }
                (Body::Letter(letter), Matcher::Private(filter)) if is_new => {
                    let is_own = letter.header.publisher == self.client_id;
                    let is_meant = filter.matches(&letter.topic)
                        && !(subscription.no_local && is_own)
                        && (!filter.is_shared() || was_sent || self.is_mine(inner, subscription, published.place));
                    is_meant.then_some(Wanted {
                        qos: subscription.qos.min(letter.header.qos),
                        retain: subscription.retain_as_published && letter.retain,
                    })
                }
                _ => None,
            };
            if let Some(found) = found {
                let most = wanted.get_or_insert(found);
                most.qos = most.qos.max(found.qos);
                most.retain |= found.retain;
                numbers.extend(subscription.number);
            }
        }
        wanted
    }

    /// A letter that was found to be this client's was not sent: it is when the client comes back.
    pub(super) fn give_turn_back(&self, inner: &Inner, published: &Published) {
        let Body::Letter(letter) = &published.body else { return };
        for (subscription, matcher) in &self.list {
            if let Matcher::Private(filter) = matcher
                && filter.is_shared()
                && filter.matches(&letter.topic)
            {
                inner.shares.owe(self.space.org, &subscription.filter, &self.client_id, published.place);
            }
        }
    }

    fn is_mine(&self, inner: &Inner, subscription: &Subscription, place: Place) -> bool {
        inner.shares.is_for(self.space.org, &subscription.filter, &self.client_id, place)
    }
}

/// What a device may hear.
fn orders_for(eui: DeviceEui) -> String {
    format!("{DEVICES}/{eui}/get/")
}

/// What a device may say.
pub(super) fn reports_of(eui: DeviceEui) -> String {
    format!("{DEVICES}/{eui}/update/")
}

/// Where devices that speak MQTT themselves have their topics.
const DEVICES: &str = "sensecraft/ipnode";
