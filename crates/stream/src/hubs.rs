//! Where what is new is handed to those who read one of an organization's spaces just now.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    future::poll_fn,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use model::{OrgId, Position};

use crate::{
    filter::Matcher,
    letter::Letter,
    published::{Body, Place, Published, Space},
};

/// How many uplinks or letters, and how many bytes of them, a space has that may wait for its readers.
/// Whoever is further behind misses some, or reads on in the log.
const RECENT_MAX: usize = 256;
const RECENT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Room for so many entries is not given back.
const SMALL: usize = 4;

/// One hub for each space that somebody reads.
#[derive(Debug, Default)]
pub(crate) struct Hubs(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    hubs: HashMap<Space, Hub>,
    /// The last number that was given to a reader or to something published; none is given twice.
    last: u64,
}

#[derive(Debug, Default)]
struct Hub {
    readers: BTreeMap<u64, Arc<Inbox>>,
    /// Number and bytes of what may still wait for a reader, the oldest first.
    recent: VecDeque<(u64, usize)>,
    recent_bytes: usize,
}

/// What waits for one reader. What it did not ask for does not wake it.
#[derive(Debug, Default)]
pub(crate) struct Inbox(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    filters: Box<[Matcher]>,
    /// By ascending number.
    entries: VecDeque<(u64, Arc<Published>)>,
    missed: Missed,
    /// Whether the reader reads the log, and takes in nothing of what is new.
    is_closed: bool,
    /// Whether everything of the log that was handed over has arrived with the client.
    is_resting: bool,
    /// Up to here everything had arrived when something of the log came last.
    rested_to: Position,
    waker: Option<Waker>,
}

/// How much a reader was too slow for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Missed {
    /// What is in the log.
    pub(crate) logged: u64,
    /// What passed by and is gone.
    pub(crate) passing: u64,
}

/// That an inbox has its place in a hub, until this is dropped.
#[derive(Debug)]
pub(crate) struct Attached {
    hubs: Arc<Hubs>,
    space: Space,
    number: u64,
}

impl Hubs {
    /// Hands what is published in a space from now on to a reader.
    pub(crate) fn attach(self: &Arc<Self>, space: Space, inbox: Arc<Inbox>) -> Attached {
        let mut state = self.lock();
        let number = state.next_number();
        state.hubs.entry(space).or_default().readers.insert(number, inbox);
        Attached { hubs: Arc::clone(self), space, number }
    }

    /// Whether anybody reads a space.
    pub(crate) fn has_readers(&self, space: Space) -> bool {
        self.lock().hubs.contains_key(&space)
    }

    /// Whether anybody reads any space.
    pub(crate) fn have_readers(&self) -> bool {
        !self.lock().hubs.is_empty()
    }

    pub(crate) fn publish(&self, published: Published) {
        let mut state = self.lock();
        let number = state.next_number();
        if let Some(hub) = state.hubs.get_mut(&published.space()) {
            hub.publish(number, published);
        }
    }

    /// Hands a letter on that is not kept.
    pub(crate) fn pass(&self, org: OrgId, letter: Letter) {
        let mut state = self.lock();
        let number = state.next_number();
        if let Some(hub) = state.hubs.get_mut(&Space { org, is_private: true }) {
            hub.publish(number, Published { org, place: Place::Passing(number), body: Body::Letter(letter) });
        }
    }

    /// Lets everybody look into the log for what they have missed.
    pub(crate) fn cut(&self) {
        for inbox in self.lock().hubs.values().flat_map(|hub| hub.readers.values()) {
            inbox.cut();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next_number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let mut state = self.hubs.lock();
        if let Some(hub) = state.hubs.get_mut(&self.space) {
            hub.readers.remove(&self.number);
            if hub.readers.is_empty() {
                state.hubs.remove(&self.space);
            }
        }
    }
}

impl Hub {
    fn publish(&mut self, number: u64, published: Published) {
        let bytes = published.bytes();
        self.recent.push_back((number, bytes));
        self.recent_bytes += bytes;
        // One that is larger than all that may wait does so alone.
        while self.recent.len() > RECENT_MAX || self.recent_bytes > RECENT_BYTES_MAX && self.recent.len() > 1 {
            let Some((_, bytes)) = self.recent.pop_front() else { break };
            self.recent_bytes -= bytes;
        }
        let oldest = self.recent.front().map_or(number, |(number, _)| *number);
        let published = Arc::new(published);
        for inbox in self.readers.values() {
            inbox.put(number, &published, oldest);
        }
    }
}

impl Inbox {
    /// Asks for this and nothing else.
    pub(crate) fn set_filters(&self, filters: Vec<Matcher>) {
        self.lock().filters = filters.into();
    }

    /// Asks for more than before.
    pub(crate) fn add_filters(&self, more: impl Iterator<Item = Matcher>) {
        let mut waiting = self.lock();
        let filters = mem::take(&mut waiting.filters).into_iter().chain(more).collect();
        waiting.filters = filters;
    }

    /// Takes in what comes from now on.
    pub(crate) fn open(&self) {
        let mut waiting = self.lock();
        waiting.clear();
        waiting.is_closed = false;
    }

    /// Takes in nothing until it is opened again.
    pub(crate) fn close(&self) {
        let mut waiting = self.lock();
        waiting.clear();
        waiting.is_closed = true;
    }

    /// What comes next, or how much was missed before it; may be given up and asked again.
    pub(crate) async fn next(&self) -> Result<Arc<Published>, Missed> {
        poll_fn(|cx| {
            let mut waiting = self.lock();
            if waiting.missed != Missed::default() {
                return Poll::Ready(Err(mem::take(&mut waiting.missed)));
            }
            match waiting.pop() {
                Some(published) => Poll::Ready(Ok(published)),
                None => {
                    waiting.waker = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// What is there already; of what was missed [`Inbox::next`] tells.
    pub(crate) fn next_waiting(&self) -> Option<Arc<Published>> {
        let mut waiting = self.lock();
        if waiting.missed == Missed::default() { waiting.pop() } else { None }
    }

    /// Whether everything was taken that was handed over, and nothing missed that is in the log.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Notes that everything has arrived that was taken.
    pub(crate) fn rest(&self) {
        let mut waiting = self.lock();
        waiting.is_resting = waiting.is_empty();
    }

    /// Up to where everything has arrived, as far as is known here; `published` is up to where everything
    /// had been handed over before this was asked.
    pub(crate) fn rested_to(&self, published: Position) -> Position {
        let waiting = self.lock();
        if waiting.is_resting { published } else { waiting.rested_to }
    }

    fn put(&self, number: u64, published: &Arc<Published>, oldest: u64) {
        let mut waiting = self.lock();
        while waiting.entries.front().is_some_and(|(number, _)| *number < oldest) {
            if let Some(lost) = waiting.pop() {
                waiting.missed.add(&lost);
            }
        }
        if !waiting.filters.iter().any(|filter| filter.means_any_of(published)) {
            return;
        }
        if waiting.is_closed {
            // What is in the log is read there.
            waiting.missed.passing += u64::from(published.position().is_none());
            return;
        }
        if let Some(position) = published.position()
            && waiting.is_resting
        {
            waiting.is_resting = false;
            waiting.rested_to = Position::from_raw(position.get().saturating_sub(1));
        }
        waiting.entries.push_back((number, Arc::clone(published)));
        wake(waiting);
    }

    fn cut(&self) {
        let mut waiting = self.lock();
        waiting.missed.logged += 1;
        waiting.is_resting = false;
        wake(waiting);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn pop(&mut self) -> Option<Arc<Published>> {
        let (_, published) = self.entries.pop_front()?;
        if self.entries.is_empty() && self.entries.capacity() > SMALL {
            // A reader that nothing waits for costs no memory for it.
            self.entries = VecDeque::new();
        }
        Some(published)
    }

    fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.missed.logged == 0
    }

    fn clear(&mut self) {
        for (_, published) in mem::take(&mut self.entries) {
            self.missed.add(&published);
        }
        // The log has it.
        self.missed.logged = 0;
    }
}

/// Wakes a reader once it can get at what waits for it.
fn wake(mut waiting: MutexGuard<'_, Waiting>) {
    let waker = waiting.waker.take();
    drop(waiting);
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Missed {
    fn add(&mut self, lost: &Published) {
        match lost.place {
            Place::Log(_) => self.logged += 1,
            Place::Passing(_) => self.passing += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;
    use crate::{filter::PrivateFilter, packet::Content};

    const SPACE: Space = Space { org: OrgId::from_raw(1), is_private: true };

    fn letter(topic: &str, bytes: usize) -> Letter {
        let content = Content { payload: vec![b'x'; bytes], ..Content::default() };
        Letter::new(topic, 0, false, content, "sender", model::Timestamp::EPOCH)
    }

    fn reader(hubs: &Arc<Hubs>, filter: &str) -> (Arc<Inbox>, Attached) {
        let inbox = Arc::new(Inbox::default());
        inbox.set_filters(vec![Matcher::Private(PrivateFilter::parse(filter).unwrap())]);
        (Arc::clone(&inbox), hubs.attach(SPACE, inbox))
    }

    /// What is there to be read now.
    fn next(inbox: &Inbox) -> Poll<Result<Arc<Published>, Missed>> {
        let mut next = std::pin::pin!(inbox.next());
        next.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn nobody_is_woken_for_what_others_asked_for() {
        let hubs = Arc::new(Hubs::default());
        let ((one, _one), (other, _other)) = (reader(&hubs, "one"), reader(&hubs, "other/#"));
        assert!(next(&one).is_pending() && next(&other).is_pending());
        hubs.pass(SPACE.org, letter("one", 1));
        assert!(one.lock().waker.is_none() && other.lock().waker.is_some());
        assert!(matches!(next(&one), Poll::Ready(Ok(_))) && next(&other).is_pending());
    }

    #[test]
    fn what_waits_has_a_bound_in_number_and_bytes() {
        for (bytes, most) in [(1, RECENT_MAX), (RECENT_BYTES_MAX / 8, 8), (RECENT_BYTES_MAX * 2, 1)] {
            let hubs = Arc::new(Hubs::default());
            let ((inbox, _attached), (_, _fast)) = (reader(&hubs, "#"), reader(&hubs, "elsewhere"));
            for _ in 0..300 {
                hubs.pass(SPACE.org, letter("a", bytes));
            }
            let waits = inbox.lock().entries.len();
            assert!(waits <= most && waits + 1 >= most, "{waits} of {bytes} bytes");
            let missed = Missed { logged: 0, passing: 300 - waits as u64 };
            assert!(matches!(next(&inbox), Poll::Ready(Err(told)) if told == missed));
        }
    }

    #[test]
    fn a_hub_is_forgotten_with_its_last_reader() {
        let hubs = Arc::new(Hubs::default());
        let ((_, one), (_, other)) = (reader(&hubs, "a"), reader(&hubs, "b"));
        drop(one);
        assert!(hubs.has_readers(SPACE));
        drop(other);
        assert!(!hubs.has_readers(SPACE) && !hubs.have_readers());
    }
}
