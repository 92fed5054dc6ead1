//! Filters over the topics of a private space, and what every filter and topic has to be.

use std::sync::Arc;

use crate::{
    broker::Settings,
    packet::Reason,
    published::{Body, Published},
    topic::{Filter, is_of_the_stream},
};

/// What a shared subscription begins with.
const SHARE: &str = "$share/";

/// Which messages of its organization's private space a client asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateFilter {
    filter: Arc<str>,
    is_shared: bool,
}

impl PrivateFilter {
    /// The filter that any text is. What is shared begins with `$share/` and a name.
    ///
    /// **Errors**: it is no filter, or names what is not of a private space.
    pub fn parse(text: &str) -> Result<Self, Reason> {
        let (filter, is_shared) = match text.strip_prefix(SHARE) {
            None => (text, false),
            Some(rest) => match rest.split_once('/') {
                Some((name, filter)) if !name.is_empty() && !name.contains(['+', '#']) => (filter, true),
                _ => return Err(Reason::TopicFilterInvalid),
            },
        };
        if !is_filter(filter) {
            return Err(Reason::TopicFilterInvalid);
        }
        if filter.starts_with('$') || is_of_the_stream(filter) {
            return Err(Reason::NotAuthorized);
        }
        Ok(Self { filter: filter.into(), is_shared })
    }

    /// Whether one of several subscribers gets each message.
    pub fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Whether a topic is meant.
    pub fn matches(&self, topic: &str) -> bool {
        let mut levels = topic.split('/');
        for level in self.filter.split('/') {
            match level {
                "#" => return true,
                "+" if levels.next().is_none() => return false,
                "+" => {}
                level if levels.next() != Some(level) => return false,
                _ => {}
            }
        }
        levels.next().is_none()
    }

    /// Whether nothing is meant but what begins with some levels.
    pub(crate) fn is_within(&self, levels: &str) -> bool {
        self.filter.starts_with(levels)
    }
}

/// A filter of either space.
#[derive(Debug, Clone)]
pub(crate) enum Matcher {
    Stream(Filter),
    Private(PrivateFilter),
}

impl Matcher {
    /// Whether any of its messages is meant.
    pub(crate) fn means_any_of(&self, published: &Published) -> bool {
        match (&published.body, self) {
            (Body::Uplink(uplink), Self::Stream(filter)) => {
                uplink.parts.iter().any(|part| filter.matches(uplink.eui, part.series))
            }
            (Body::Letter(letter), Self::Private(filter)) => filter.matches(&letter.topic),
            _ => false,
        }
    }

    /// The filter of what is retained that is to be sent when it is taken in.
    pub(crate) fn asks_for_retained(&self, handling: u8, is_new: bool) -> Option<&PrivateFilter> {
        let is_asked = handling == 0 || handling == 1 && is_new;
        match self {
            Self::Private(filter) if is_asked && !filter.is_shared() => Some(filter),
            Self::Private(_) | Self::Stream(_) => None,
        }
    }

    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Self::Private(filter) if filter.is_shared())
    }
}

/// Whether a text is a filter at all.
pub(crate) fn is_filter(text: &str) -> bool {
    let mut levels = text.split('/').peekable();
    let mut is_good = !text.is_empty() && !text.contains('\0');
    while let Some(level) = levels.next() {
        is_good &= match level {
            "+" => true,
            "#" => levels.peek().is_none(),
            level => !level.contains(['+', '#']),
        };
    }
    is_good
}

/// Whether a topic or filter is not longer or deeper than may be.
pub(crate) fn is_small(text: &str, settings: &Settings) -> bool {
    text.len() <= settings.topic_bytes_max
        && text.bytes().filter(|byte| *byte == b'/').count() < settings.topic_levels_max
}

/// Whether something may be published under a topic of a private space.
pub(crate) fn is_private(topic: &str) -> bool {
    !topic.starts_with('$') && !is_of_the_stream(topic)
}
