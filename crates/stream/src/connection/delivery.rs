use std::{
    collections::{HashMap, VecDeque},
    future::pending,
    pin::Pin,
    sync::Arc,
};

use model::{GroupId, Position, Subscription};
use store::{Error, RETAINED_MAX, Scope};

use super::{
    flight::{Flight, Turn},
    subscriptions::{Subscriptions, Wanted},
};
use crate::{
    broker::Inner,
    counters::Counts,
    filter::Matcher,
    hubs::{Attached, Inbox, Missed},
    letter::Expired,
    packet::{
        Connect, Version,
        write::{self, Message, More},
    },
    published::{BATCH_BYTES, Batch, Body, Published, Space},
};

/// How many messages may wait to be acknowledged; a client may want fewer.
const WINDOW: usize = 64;
/// How many entries are taken in at once for one reader, from the log or of what is new.
const BATCH: usize = 32;
/// How many topics are named by a number at most; a client may want fewer.
const ALIASES_MAX: usize = 32;

/// What one reader asked for, how far it is, and what is on its way to it.
pub(super) struct Delivery {
    space: Space,
    version: Version,
    packet_bytes_max: usize,
    /// Groups whose devices it may hear of; every device's where there are none.
    groups: Vec<GroupId>,
    pub(super) subscriptions: Subscriptions,
    /// Everything up to here was sent, or was not to be.
    cursor: Position,
    reads: Reads,
    /// What is new.
    inbox: Arc<Inbox>,
    /// What makes it a reader of its hub.
    attached: Option<Attached>,
    /// What is read from the log just now.
    fetch: Option<Fetch>,
    /// What is to be sent; the first may have been in part.
    queue: VecDeque<Queued>,
    /// How the next message of the first is wanted, once that was asked.
    next: Option<Option<Wanted>>,
    /// Numbers of the subscriptions that the next message belongs to.
    numbers: Vec<u32>,
    flight: Flight,
    aliases: HashMap<Box<[u8]>, u16>,
    aliases_max: usize,
    /// Whether something is under way that must not come twice, and was not written down.
    pub(super) is_unsaved: bool,
    counts: Arc<Counts>,
}

/// Where a reader reads.
enum Reads {
    /// Nowhere: it has not asked for anything.
    Nothing,
    /// What is new.
    Live,
    /// The log, until it has come to its end.
    Log,
}

type Fetch = Pin<Box<dyn Future<Output = Result<Fetched, Error>> + Send>>;

pub(super) struct Fetched {
    batch: Batch,
    /// Whether the log was read to its end; what came meanwhile is in the inbox.
    is_at_end: bool,
}

/// Something that is to be sent.
struct Queued {
    published: Arc<Published>,
    origin: Origin,
    /// How many of its messages were sent.
    sent: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// It was new when it was read.
    Live,
    Log,
    /// It was there when somebody asked for it, at a QoS and under a number.
    Retained {
        qos: u8,
        number: Option<u32>,
    },
}

/// What there is to do next.
pub(super) enum Next {
    Live(Result<Arc<Published>, Missed>),
    Fetched(Result<Fetched, Error>),
}

impl Delivery {
    pub(super) fn new(
        space: Space,
        connect: &Connect,
        inbox: Arc<Inbox>,
        subscriptions: Subscriptions,
        counts: Arc<Counts>,
    ) -> Self {
        Self {
            space,
            version: connect.version,
            packet_bytes_max: connect.packet_bytes_max as usize,
            groups: Vec::new(),
            subscriptions,
            cursor: Position::START,
            reads: Reads::Nothing,
            inbox,
            attached: None,
            fetch: None,
            queue: VecDeque::new(),
            next: None,
            numbers: Vec::new(),
            flight: Flight::new(WINDOW.min(connect.receive_max.into())),
            aliases: HashMap::new(),
            aliases_max: ALIASES_MAX.min(connect.aliases_max.into()),
            is_unsaved: false,
            counts,
        }
    }

    pub(super) fn limit_to(&mut self, groups: Vec<GroupId>) {
        self.groups = groups;
    }

    /// Begins at a position, with nothing asked for.
    pub(super) fn begin_at(&mut self, position: Position) {
        self.cursor = position;
    }

    /// Goes on where a reader was when it went, and releases again what was released; what stands
    /// behind its state.
    pub(super) fn resume<'a>(
        &mut self,
        inner: &Inner,
        subscriptions: Vec<Subscription>,
        position: Position,
        state: &'a [u8],
        out: &mut Vec<u8>,
    ) -> &'a [u8] {
        self.cursor = position;
        for subscription in subscriptions {
            if let Ok(matcher) = self.subscriptions.parse(&subscription.filter) {
                self.subscriptions.insert(inner, subscription, matcher);
            }
        }
        if self.subscriptions.len() > 0 {
            self.reads = Reads::Log;
            self.tune();
        }
        let (released, rest) = self.flight.resume(state, position);
        for id in released {
            write::answer(out, self.version, write::step::RELEASE, id, crate::packet::Reason::Success);
        }
        rest
    }

    /// Takes in what is new of some filters from now on, beside what it takes in already.
    pub(super) fn listen(&mut self, inner: &Inner, filters: impl Iterator<Item = Matcher>) {
        if matches!(self.reads, Reads::Nothing) {
            self.inbox.open();
        }
        self.inbox.add_filters(filters);
        self.attach(inner);
    }

    /// Takes in what is subscribed to, and nothing else.
    pub(super) fn tune(&self) {
        self.inbox.set_filters(self.subscriptions.matchers());
    }

    /// Reads what is new, if nothing is read yet; `head` is where the log ended after it began to be
    /// taken in.
    pub(super) fn begin(&mut self, head: Position) {
        if matches!(self.reads, Reads::Nothing) {
            self.cursor = self.cursor.max(head);
            self.reads = Reads::Live;
        }
    }

    fn attach(&mut self, inner: &Inner) {
        let attach = || inner.hubs.attach(self.space, Arc::clone(&self.inbox));
        self.attached.get_or_insert_with(attach);
    }

    /// Whether more waits to be sent than one packet can ask for.
    pub(super) fn owes_much(&self) -> bool {
        self.queue.len() > RETAINED_MAX
    }

    /// Sends what was there when somebody asked for it.
    pub(super) fn send_retained(&mut self, published: Vec<Arc<Published>>, qos: u8, number: Option<u32>) {
        let origin = Origin::Retained { qos, number };
        self.queue.extend(published.into_iter().map(|published| Queued { published, origin, sent: 0 }));
    }

    /// Everything up to here has arrived, or was not to be sent.
    pub(super) fn arrived(&self) -> Position {
        self.flight.arrived(self.cursor)
    }

    /// Gives back whose turn it was for a message that was not sent.
    pub(super) fn give_turn_back(&mut self, inner: &Inner) {
        if let (Some(Some(_)), Some(queued)) = (self.next.take(), self.queue.front()) {
            self.subscriptions.give_turn_back(inner, &queued.published);
        }
    }

    /// What is under way, to be gone on with another time.
    pub(super) fn state(&self) -> Vec<u8> {
        self.flight.state()
    }

    /// Takes a client's word that a message has arrived, or is over with.
    pub(super) fn finish(&mut self, id: u16) {
        self.flight.finish(id);
    }

    /// Takes a client's word that a message has arrived at QoS 2; whether there is such a message.
    pub(super) fn release(&mut self, id: u16) -> bool {
        let is_known = self.flight.release(id);
        self.is_unsaved |= is_known;
        is_known
    }

    /// Whether there is nothing to send until more is read.
    pub(super) fn needs_more(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether the log is being read; that is brought to its end, as others wait for their turn.
    pub(super) fn is_fetching(&self) -> bool {
        self.fetch.is_some()
    }

    /// Begins to read the log, if that is what is to be read.
    pub(super) fn prepare(&mut self, inner: &Arc<Inner>) {
        if matches!(self.reads, Reads::Log) && self.fetch.is_none() && self.needs_more() {
            self.attach(inner);
            let (inner, space, after, inbox) = (Arc::clone(inner), self.space, self.cursor, Arc::clone(&self.inbox));
            self.fetch = Some(Box::pin(async move {
                // What is read for many at once would be much.
                let _turn = inner.reads.acquire().await;
                // In this order: what is stored from here on is new, or in the log that is read below.
                inbox.open();
                let head = inner.store.head().await?;
                let followed = inner.store.follow(Scope::Org(space.org), after, BATCH).await?;
                let batch = Batch::of(followed, space);
                let is_at_end = batch.is_whole && batch.read_to >= head;
                Ok(Fetched { batch, is_at_end })
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
        match self.reads {
            Reads::Live => Next::Live(self.inbox.next().await),
            Reads::Nothing | Reads::Log => pending().await,
        }
    }

    /// Takes in what was waited for.
    ///
    /// **Errors**: the log cannot be read.
    pub(super) fn take(&mut self, next: Next) -> Result<(), Error> {
        match next {
            Next::Live(Ok(published)) => self.take_waiting(published),
            Next::Live(Err(missed)) => {
                self.counts.missed.add(missed.passing);
                if missed.logged > 0 && self.subscriptions.misses_nothing() {
                    self.read_log();
                } else {
                    self.counts.missed.add(missed.logged);
                }
            }
            Next::Fetched(Ok(Fetched { batch, is_at_end })) => {
                let Batch { published, read_to, .. } = batch;
                let published = published.into_iter();
                self.queue.extend(published.map(|published| Queued { published, origin: Origin::Log, sent: 0 }));
                // With nothing to send there is nobody to move the cursor.
                if self.queue.is_empty() {
                    self.cursor = self.cursor.max(read_to);
                }
                if is_at_end {
                    self.reads = Reads::Live;
                } else {
                    self.read_log();
                }
            }
            Next::Fetched(Err(Error::Trimmed { oldest })) => {
                self.counts.trimmed.add(1);
                tracing::warn!(org = %self.space.org, "a reader was away for longer than the log is kept");
                self.cursor = self.cursor.max(oldest);
            }
            Next::Fetched(Err(error)) => return Err(error),
        }
        Ok(())
    }

    fn read_log(&mut self) {
        self.cursor = self.cursor.max(self.inbox.rested_to(self.cursor));
        self.inbox.close();
        self.reads = Reads::Log;
    }

    /// Takes something new in, and what else is there by now, so that it goes to the client at once.
    fn take_waiting(&mut self, first: Arc<Published>) {
        let mut bytes = first.bytes();
        self.take_live(first);
        while self.queue.len() < BATCH
            && bytes < BATCH_BYTES
            && let Some(published) = self.inbox.next_waiting()
        {
            bytes += published.bytes();
            self.take_live(published);
        }
    }

    fn take_live(&mut self, published: Arc<Published>) {
        if published.position().is_none_or(|position| position > self.cursor) {
            self.queue.push_back(Queued { published, origin: Origin::Live, sent: 0 });
        }
    }

    /// Moves on over what was stored for others, or was not asked for.
    pub(super) fn keep_up(&mut self, inner: &Inner) {
        // In this order: everything up to there has been handed out.
        let published = inner.published();
        if matches!(self.reads, Reads::Live) && self.needs_more() {
            let read_to = if self.inbox.is_empty() { published } else { self.inbox.rested_to(published) };
            self.cursor = self.cursor.max(read_to);
        }
    }

    /// Notes that everything has arrived that was handed over, if it has.
    pub(super) fn rest(&self) {
        if matches!(self.reads, Reads::Live) && self.needs_more() && self.flight.is_empty() {
            self.inbox.rest();
        }
    }

    /// Puts messages into `out` while it has room and the client takes them.
    pub(super) async fn send(&mut self, inner: &Inner, out: &mut Vec<u8>, bytes_max: usize) {
        while out.len() < bytes_max
            && let Some(mut queued) = self.queue.pop_front()
        {
            if queued.sent > 0 || self.may_hear_of(inner, &queued.published).await {
                self.send_parts(inner, &mut queued, out, bytes_max);
                if queued.sent < queued.published.count() {
                    self.queue.push_front(queued);
                    return;
                }
            }
            if let Some(position) = queued.published.position() {
                self.cursor = self.cursor.max(position);
                self.flight.pass(self.cursor);
            }
        }
    }

    /// Whether the key reaches the device.
    async fn may_hear_of(&mut self, inner: &Inner, published: &Published) -> bool {
        let Body::Uplink(uplink) = &published.body else { return true };
        if self.groups.is_empty() {
            return true;
        }
        let device = inner.store.find_device(self.space.org, uplink.eui).await;
        let group = device.ok().flatten().and_then(|device| device.group);
        group.is_some_and(|group| self.groups.contains(&group))
    }

    /// Sends what is left of something, or as much as there is room for.
    fn send_parts(&mut self, inner: &Inner, queued: &mut Queued, out: &mut Vec<u8>, bytes_max: usize) {
        while queued.sent < queued.published.count() {
            let wanted = match self.next {
                Some(wanted) => wanted,
                None => self.ask(inner, queued),
            };
            self.next = Some(wanted);
            // What may be missed is not looked for in the log.
            if let Some(wanted) = wanted.filter(|wanted| wanted.qos > 0 || queued.origin != Origin::Log) {
                if out.len() >= bytes_max || wanted.qos > 0 && self.flight.is_full() {
                    return;
                }
                self.send_one(inner, queued, wanted, out);
            }
            self.next = None;
            queued.sent += 1;
        }
    }

    /// How the next message of something is wanted, if it is.
    fn ask(&mut self, inner: &Inner, queued: &Queued) -> Option<Wanted> {
        match (queued.origin, &queued.published.body) {
            (Origin::Retained { qos, number }, Body::Letter(letter)) => {
                self.numbers.clear();
                self.numbers.extend(number);
                Some(Wanted { qos: qos.min(letter.header.qos), retain: true })
            }
            _ => {
                let place = queued.published.position();
                // What was begun with one of several who share a filter is ended with that one.
                let was_sent = place.is_some_and(|position| self.flight.was_sent((position, queued.sent as u16)));
                self.subscriptions.wanted(inner, &queued.published, queued.sent, was_sent, &mut self.numbers)
            }
        }
    }

    fn send_one(&mut self, inner: &Inner, queued: &Queued, wanted: Wanted, out: &mut Vec<u8>) {
        let (topic, payload) = queued.published.text(queued.sent);
        let mut more = More { numbers: &self.numbers, ..More::default() };
        let place = queued.published.position().filter(|_| !matches!(queued.origin, Origin::Retained { .. }));
        let key = place.map(|position| (position, queued.sent as u16));
        if let Body::Letter(letter) = &queued.published.body {
            more.expires_after_s = match letter.left_s(inner.now()) {
                Ok(left_s) => left_s,
                // What was begun is brought to its end.
                Err(Expired) if key.is_some_and(|key| self.flight.was_sent(key)) => Some(0),
                Err(Expired) => return,
            };
            more.passed_on = &letter.header.properties;
        }
        let (mut id, mut is_again) = (None, false);
        if wanted.qos > 0 {
            match self.flight.begin(key, self.cursor) {
                Turn::Skip => return,
                Turn::Send { id: given, is_again: again } => (id, is_again) = (Some(given), again),
            }
        }
        let mut message = Message { topic, payload, qos: wanted.qos, id, is_again, retain: wanted.retain, more };
        let alias = if self.aliases_max > 0 { alias(&self.aliases, topic, self.aliases_max) } else { None };
        if let Some((alias, is_known)) = alias {
            message.more.alias = Some(alias);
            message.topic = if is_known { b"" } else { topic };
        }
        if message.packet_bytes(self.version) > self.packet_bytes_max {
            self.counts.oversized.add(1);
            if id.is_some() {
                self.flight.give_up();
            }
            return;
        }
        message.write(out, self.version);
        if let Some((alias, false)) = alias {
            self.aliases.insert(topic.into(), alias);
        }
        self.is_unsaved |= wanted.qos == 2;
        self.counts.sent.add(1);
    }
}

/// The number that stands for a topic, or will, and whether the client knows it.
fn alias(aliases: &HashMap<Box<[u8]>, u16>, topic: &[u8], max: usize) -> Option<(u16, bool)> {
    match aliases.get(topic) {
        Some(alias) => Some((*alias, true)),
        None if aliases.len() < max => Some((aliases.len() as u16 + 1, false)),
        None => None,
    }
}
