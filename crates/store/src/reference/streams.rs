use std::collections::BTreeMap;

use model::{OrgId, StreamSession, Timestamp};

use crate::{
    Error, Message, StreamNote,
    registry::{RETAINED_MAX, STREAM_SESSIONS_MAX},
};

/// Readers of streams that may come back.
#[derive(Debug, Default)]
pub(super) struct Streams(BTreeMap<(OrgId, String), StreamSession>);

/// Messages for late subscribers.
#[derive(Debug, Default)]
pub(super) struct Retained(BTreeMap<(OrgId, Box<str>), Message>);

impl Retained {
    pub(super) fn keep(&mut self, message: Message) -> Result<(), Error> {
        let key = (message.org, message.topic.clone());
        let count = self.0.keys().filter(|(org, _)| *org == message.org).count();
        if count >= RETAINED_MAX && !self.0.contains_key(&key) {
            return Err(Error::Limit { what: "retained messages", max: RETAINED_MAX as u64 });
        }
        self.0.insert(key, message);
        Ok(())
    }

    pub(super) fn list(&self, org: OrgId) -> Vec<Message> {
        self.0.values().filter(|message| message.org == org).cloned().collect()
    }

    pub(super) fn forget(&mut self, org: OrgId, topic: &str) {
        self.0.remove(&(org, topic.into()));
    }
}

impl Streams {
    pub(super) fn keep(&mut self, session: StreamSession) -> Result<(), Error> {
        let key = (session.org, session.client_id.clone());
        let count = self.0.keys().filter(|(org, _)| *org == session.org).count();
        if count >= STREAM_SESSIONS_MAX && !self.0.contains_key(&key) {
            return Err(Error::Limit { what: "readers of a stream", max: STREAM_SESSIONS_MAX as u64 });
        }
        self.0.insert(key, session);
        Ok(())
    }

    pub(super) fn find(&self, org: OrgId, client_id: &str) -> Option<StreamSession> {
        self.0.get(&(org, client_id.to_owned())).cloned()
    }

    pub(super) fn note(&mut self, notes: Vec<StreamNote>) {
        for note in notes {
            if let Some(session) = self.0.get_mut(&(note.org, note.client_id)) {
                session.position = session.position.max(note.position);
                session.seen_at = session.seen_at.max(note.seen_at);
            }
        }
    }

    pub(super) fn forget(&mut self, org: OrgId, client_id: &str) {
        self.0.remove(&(org, client_id.to_owned()));
    }

    pub(super) fn expire(&mut self, now: Timestamp) {
        self.0.retain(|_, session| !session.has_expired(now));
    }
}
