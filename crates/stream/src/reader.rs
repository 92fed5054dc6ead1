//! A reader of the stream within the process: what `GET /api/live` tells pages and programs.

use std::{collections::VecDeque, sync::Arc};

use model::{OrgId, Position};
use store::{Error, Scope};

use crate::{
    broker::Inner,
    filter::Matcher,
    hubs::{Attached, Inbox},
    packet::Reason,
    published::{Batch, Body, Published, Space},
    topic::{Filter, every_reading},
};

/// How many entries of the log are read at once.
const BATCH: usize = 32;

/// Reads an organization's stream at its own pace: what it was too slow for it reads in the log.
pub struct StreamReader {
    inner: Arc<Inner>,
    space: Space,
    filters: Vec<Filter>,
    /// Everything up to here was read.
    cursor: Position,
    /// What is new.
    inbox: Arc<Inbox>,
    _attached: Attached,
    /// Whether what is new is read, and not the log.
    is_live: bool,
    waiting: VecDeque<Arc<Published>>,
}

/// Messages of one uplink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Messages {
    /// Where the uplink stands; reading goes on behind it.
    pub position: Position,
    /// Topic and body of each, in the order that they were measured.
    pub messages: Vec<(String, String)>,
}

impl StreamReader {
    /// A reader of some filters, of all readings if there are none, from behind a position on, or from
    /// now on.
    ///
    /// **Errors**: one of them is no filter of the organization's stream.
    pub(crate) fn new(
        inner: Arc<Inner>,
        org: OrgId,
        filters: &[String],
        after: Option<Position>,
    ) -> Result<Self, Reason> {
        let everything = [every_reading(org)];
        let filters = if filters.is_empty() { &everything[..] } else { filters };
        let filters: Vec<_> = filters.iter().map(|filter| Filter::parse(filter, org)).collect::<Result<_, _>>()?;
        let space = Space { org, is_private: false };
        let (inbox, is_live) = (Arc::<Inbox>::default(), after.is_none());
        inbox.set_filters(filters.iter().cloned().map(Matcher::Stream).collect());
        if !is_live {
            inbox.close();
        }
        let attached = inner.hubs.attach(space, Arc::clone(&inbox));
        let cursor = after.unwrap_or_else(|| inner.published());
        Ok(Self { inner, space, filters, cursor, inbox, _attached: attached, is_live, waiting: VecDeque::new() })
    }

    /// The next messages; may be given up and asked again.
    ///
    /// **Errors**: the log cannot be read, or no longer reaches back so far (`Trimmed`); asked again it
    /// goes on from where it does.
    pub async fn next(&mut self) -> Result<Messages, Error> {
        loop {
            if let Some(published) = self.waiting.pop_front() {
                let Some(position) = published.position().filter(|position| *position > self.cursor) else { continue };
                self.cursor = position;
                let messages = self.wanted(&published);
                if !messages.is_empty() {
                    return Ok(Messages { position, messages });
                }
                continue;
            }
            if !self.is_live {
                self.read_log().await?;
                continue;
            }
            match self.inbox.next().await {
                Ok(published) => self.waiting.push_back(published),
                Err(_) => {
                    self.inbox.close();
                    self.is_live = false;
                }
            }
        }
    }

    async fn read_log(&mut self) -> Result<(), Error> {
        let store = &self.inner.store;
        // In this order: what is stored from here on is new, or in the log that is read below.
        self.inbox.open();
        let head = store.head().await?;
        let followed = match store.follow(Scope::Org(self.space.org), self.cursor, BATCH).await {
            Err(Error::Trimmed { oldest }) => {
                self.cursor = self.cursor.max(oldest);
                return Err(Error::Trimmed { oldest });
            }
            other => other?,
        };
        let Batch { published, read_to, is_whole } = Batch::of(followed, self.space);
        self.waiting.extend(published);
        if is_whole && read_to >= head {
            self.is_live = true;
        } else if self.waiting.is_empty() {
            self.cursor = self.cursor.max(read_to);
        }
        Ok(())
    }

    fn wanted(&self, published: &Published) -> Vec<(String, String)> {
        let Body::Uplink(uplink) = &published.body else { return Vec::new() };
        let is_meant = |at: &usize| {
            let series = uplink.parts[*at].series;
            self.filters.iter().any(|filter| filter.matches(uplink.eui, series))
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let message = |at: usize| {
            let (topic, payload) = published.text(at);
            (text(topic), text(payload))
        };
        (0..published.count()).filter(is_meant).map(message).collect()
    }
}
