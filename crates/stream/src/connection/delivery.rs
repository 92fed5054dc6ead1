use std::{collections::VecDeque, future::pending, pin::Pin, sync::Arc};

use model::{GroupId, OrgId, Position, Subscription};
use store::{Error, Followed, Scope};
use tokio::sync::broadcast::error::RecvError;

use crate::{
    broker::Inner,
    hubs::Receiver,
    packet::{Version, write::Message},
    published::{Part, Published},
    topic::Filter,
};

/// How many messages may wait to be acknowledged; a client may want fewer.
const WINDOW: usize = 64;
/// How many entries of the log are read at once for one reader.
const BATCH: usize = 32;

/// What one reader asked for, how far it is, and what is on its way to it.
pub(super) struct Delivery {
    org: OrgId,
    version: Version,
    window: usize,
    packet_bytes_max: usize,
    /// Groups whose devices it may hear of; every device's where there are none.
    groups: Vec<GroupId>,
    subscriptions: Vec<(Subscription, Filter)>,
    /// Everything up to here was sent, or was not to be.
    cursor: Position,
    reads: Reads,
    /// What is read from the log just now.
    fetch: Option<Fetch>,
    /// Uplinks that are to be sent, the first of which may have been in part.
    queue: VecDeque<Queued>,
    in_flight: VecDeque<InFlight>,
    last_id: u16,
    /// Numbers of the subscriptions that one message belongs to; here to be used again.
    numbers: Vec<u32>,
}

/// Where a reader reads.
enum Reads {
    /// Nowhere: it has not asked for anything.
    Nothing,
    /// What is new.
    Live(Receiver),
    /// The log, until it has come to its end.
    Log,
}

type Fetch = Pin<Box<dyn Future<Output = Result<Fetched, Error>> + Send>>;

pub(super) struct Fetched {
    followed: Followed,
    /// What is new since before the log was read, if that came to its end.
    live: Option<Receiver>,
}

/// An uplink that is to be sent.
struct Queued {
    published: Arc<Published>,
    /// Whether it was new when it was read; otherwise it comes from the log.
    is_live: bool,
    /// How many of its messages were sent.
    sent: usize,
}

/// A message that the client has not acknowledged yet, or that came after one.
struct InFlight {
    id: u16,
    /// Everything up to here was sent before it.
    before: Position,
    is_acknowledged: bool,
}

/// What there is to do next.
pub(super) enum Next {
    Live(Result<Arc<Published>, RecvError>),
    Fetched(Result<Fetched, Error>),
}

impl Delivery {
    pub(super) fn new(org: OrgId, version: Version, receive_max: u16, packet_bytes_max: u32) -> Self {
        Self {
            org,
            version,
            window: WINDOW.min(receive_max.into()),
            packet_bytes_max: packet_bytes_max as usize,
            groups: Vec::new(),
            subscriptions: Vec::new(),
            cursor: Position::START,
            reads: Reads::Nothing,
            fetch: None,
            queue: VecDeque::new(),
            in_flight: VecDeque::new(),
            last_id: 0,
            numbers: Vec::new(),
        }
    }

    pub(super) fn limit_to(&mut self, groups: Vec<GroupId>) {
        self.groups = groups;
    }

    /// Goes on where a reader was when it went.
    pub(super) fn resume(&mut self, subscriptions: Vec<Subscription>, position: Position) {
        self.cursor = position;
        for subscription in subscriptions {
            self.subscribe(subscription);
        }
        if !self.subscriptions.is_empty() {
            self.reads = Reads::Log;
        }
    }

    /// Takes a subscription in, in place of the one with the same filter; whether the filter is one.
    pub(super) fn subscribe(&mut self, subscription: Subscription) -> bool {
        let Ok(filter) = Filter::parse(&subscription.filter, self.org) else { return false };
        self.subscriptions.retain(|(other, _)| other.filter != subscription.filter);
        let at = self.subscriptions.partition_point(|(other, _)| other.filter < subscription.filter);
        self.subscriptions.insert(at, (subscription, filter));
        true
    }

    /// Reads what is new from now on, if nothing is read yet; `head` is where the log ended after
    /// `live` began.
    pub(super) fn begin(&mut self, live: Receiver, head: Position) {
        if matches!(self.reads, Reads::Nothing) {
            self.cursor = self.cursor.max(head);
            self.reads = Reads::Live(live);
        }
    }

    /// Whether there was such a subscription.
    pub(super) fn unsubscribe(&mut self, filter: &str) -> bool {
        let before = self.subscriptions.len();
        self.subscriptions.retain(|(subscription, _)| subscription.filter != filter);
        self.subscriptions.len() < before
    }

    pub(super) fn has(&self, filter: &str) -> bool {
        self.subscriptions.iter().any(|(subscription, _)| subscription.filter == filter)
    }

    pub(super) fn subscriptions(&self) -> impl ExactSizeIterator<Item = &Subscription> {
        self.subscriptions.iter().map(|(subscription, _)| subscription)
    }

    /// Everything up to here has arrived, or was not to be sent.
    pub(super) fn arrived(&self) -> Position {
        self.in_flight.front().map_or(self.cursor, |oldest| oldest.before)
    }

    /// Takes a client's word that a message has arrived.
    pub(super) fn acknowledge(&mut self, id: u16) {
        if let Some(message) = self.in_flight.iter_mut().find(|message| message.id == id) {
            message.is_acknowledged = true;
        }
        while self.in_flight.front().is_some_and(|oldest| oldest.is_acknowledged) {
            self.in_flight.pop_front();
        }
    }

    fn misses_nothing(&self) -> bool {
        self.subscriptions().any(|subscription| subscription.is_acknowledged)
    }

    /// Whether there is nothing to send until more is read.
    pub(super) fn needs_more(&self) -> bool {
        self.queue.is_empty()
    }

    /// Begins to read the log, if that is what is to be read.
    pub(super) fn prepare(&mut self, inner: &Arc<Inner>) {
        if matches!(self.reads, Reads::Log) && self.fetch.is_none() && self.needs_more() {
            let (inner, org, after) = (Arc::clone(inner), self.org, self.cursor);
            self.fetch = Some(Box::pin(async move {
                // In this order: what is stored from here on is new, or in the log that is read below.
                let live = inner.hubs.attach(org);
                let head = inner.store.head().await?;
                let followed = inner.store.follow(Scope::Org(org), after, BATCH).await?;
                let is_at_end = followed.next >= head;
                Ok(Fetched { followed, live: is_at_end.then_some(live) })
            }));
        }
    }

    /// Waits for more; may be given up and asked again.
    pub(super) async fn more(&mut self) -> Next {
        if let Some(fetch) = &mut self.fetch {
            let fetched = fetch.await;
            self.fetch = None;
            return Next::Fetched(fetched);
        }
        match &mut self.reads {
            Reads::Live(live) => Next::Live(live.recv().await),
            Reads::Nothing | Reads::Log => pending().await,
        }
    }

    /// Takes in what was waited for.
    ///
    /// **Errors**: the log cannot be read.
    pub(super) fn take(&mut self, next: Next, inner: &Inner) -> Result<(), Error> {
        match next {
            Next::Live(Ok(published)) => {
                if published.position > self.cursor {
                    self.queue.push_back(Queued { published, is_live: true, sent: 0 });
                }
            }
            Next::Live(Err(RecvError::Lagged(count))) if !self.misses_nothing() => inner.counters.missed.add(count),
            Next::Live(Err(RecvError::Lagged(_) | RecvError::Closed)) => self.reads = Reads::Log,
            Next::Fetched(Ok(Fetched { followed, live })) => {
                let last = followed.entries.last().map(|entry| entry.position);
                let published = followed.entries.into_iter().filter_map(Published::of).map(Arc::new);
                self.queue.extend(published.map(|published| Queued { published, is_live: false, sent: 0 }));
                // With nothing to send there is nobody to move the cursor.
                if self.queue.is_empty() {
                    self.cursor = self.cursor.max(followed.next).max(last.unwrap_or_default());
                }
                if let Some(live) = live {
                    self.reads = Reads::Live(live);
                }
            }
            Next::Fetched(Err(Error::Trimmed { oldest })) => {
                inner.counters.trimmed.add(1);
                tracing::warn!(org = %self.org, "a reader of the stream was away for longer than the log is kept");
                self.cursor = self.cursor.max(oldest);
            }
            Next::Fetched(Err(error)) => return Err(error),
        }
        Ok(())
    }

    /// Moves on over what was stored for others, as nothing of this organization is on its way.
    pub(super) fn keep_up(&mut self, inner: &Inner) {
        // In this order: everything up to there has been handed to the receiver.
        let published = inner.published();
        if let Reads::Live(live) = &self.reads
            && live.is_empty()
            && self.needs_more()
        {
            self.cursor = self.cursor.max(published);
        }
    }

    /// Puts messages into `out` while it has room and the client takes them.
    pub(super) async fn send(&mut self, inner: &Inner, out: &mut Vec<u8>, bytes_max: usize) {
        while out.len() < bytes_max
            && let Some(mut queued) = self.queue.pop_front()
        {
            if queued.sent > 0 || self.may_hear_of(inner, &queued.published).await {
                self.send_parts(inner, &mut queued, out, bytes_max);
                if queued.sent < queued.published.parts.len() {
                    self.queue.push_front(queued);
                    return;
                }
            }
            self.cursor = self.cursor.max(queued.published.position);
        }
    }

    /// Whether the key reaches the device.
    async fn may_hear_of(&mut self, inner: &Inner, published: &Published) -> bool {
        if self.groups.is_empty() {
            return true;
        }
        let device = inner.store.find_device(self.org, published.eui).await;
        let group = device.ok().flatten().and_then(|device| device.group);
        group.is_some_and(|group| self.groups.contains(&group))
    }

    /// Sends what is left of an uplink, or as much as there is room for.
    fn send_parts(&mut self, inner: &Inner, queued: &mut Queued, out: &mut Vec<u8>, bytes_max: usize) {
        let published = &queued.published;
        while let Some(part) = published.parts.get(queued.sent) {
            // What may be missed is not looked for in the log.
            let wanted = self.wanted(published, part).filter(|is_acknowledged| *is_acknowledged || queued.is_live);
            if let Some(is_acknowledged) = wanted {
                if out.len() >= bytes_max || is_acknowledged && self.in_flight.len() >= self.window {
                    return;
                }
                self.send_one(inner, published, part, is_acknowledged, out);
            }
            queued.sent += 1;
        }
    }

    fn send_one(
        &mut self,
        inner: &Inner,
        published: &Published,
        part: &Part,
        is_acknowledged: bool,
        out: &mut Vec<u8>,
    ) {
        let id = is_acknowledged.then_some(if self.last_id == u16::MAX { 1 } else { self.last_id + 1 });
        let message = Message { topic: published.topic(part), payload: published.payload(part), id };
        if message.packet_bytes(self.version, &self.numbers) > self.packet_bytes_max {
            inner.counters.oversized.add(1);
            return;
        }
        message.write(out, self.version, &self.numbers);
        inner.counters.sent.add(1);
        if let Some(id) = id {
            self.last_id = id;
            self.in_flight.push_back(InFlight { id, before: self.cursor, is_acknowledged: false });
        }
    }

    /// Whether a message is wanted, and then, whether it is to be acknowledged.
    fn wanted(&mut self, published: &Published, part: &Part) -> Option<bool> {
        self.numbers.clear();
        let mut wanted = None;
        for (subscription, filter) in &self.subscriptions {
            if published.position > subscription.since && filter.matches(published.eui, part.series) {
                wanted = Some(wanted.unwrap_or(false) || subscription.is_acknowledged);
                self.numbers.extend(subscription.number);
            }
        }
        wanted
    }
}
