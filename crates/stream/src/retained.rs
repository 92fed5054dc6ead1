//! What late subscribers of a private space get: the last letter of each topic that was to be kept.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use model::{OrgId, Position, Timestamp};
use store::{Error, RETAINED_MAX, Store};
use tokio::sync;

use crate::{
    filter::PrivateFilter,
    letter::Letter,
    packet::Reason,
    published::{Body, Place, Published},
};

/// How much the letters of one organization may take.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// The retained letters of organizations whose private space is in use, read from the store when
/// they are first asked for.
#[derive(Debug, Default)]
pub(crate) struct Retained(Mutex<HashMap<OrgId, Arc<sync::Mutex<Option<Kept>>>>>);

#[derive(Debug, Default)]
struct Kept {
    letters: BTreeMap<Box<str>, Arc<Published>>,
    bytes: usize,
}

impl Retained {
    /// Keeps a letter, or forgets the one of its topic if it is empty; durable when it returns. The
    /// refusal, if there are too many.
    pub(crate) async fn set(&self, store: &dyn Store, org: OrgId, letter: &Letter) -> Result<Option<Reason>, Error> {
        let place = self.of(org);
        let mut kept = place.lock().await;
        let kept = load(&mut kept, store, org).await?;
        if letter.payload.is_empty() {
            store.forget_retained_message(org, &letter.topic).await?;
            kept.remove(&letter.topic);
            return Ok(None);
        }
        let before = kept.letters.get(&letter.topic).map_or(0, |kept| bytes(kept));
        let is_new = !kept.letters.contains_key(&letter.topic);
        if is_new && kept.letters.len() >= RETAINED_MAX || kept.bytes - before + letter.bytes() > BYTES_MAX {
            return Ok(Some(Reason::QuotaExceeded));
        }
        store.retain_message(letter.to_message(org)).await?;
        kept.insert(org, letter.clone());
        Ok(None)
    }

    /// Those that a filter means, by topic.
    pub(crate) async fn matching(
        &self,
        store: &dyn Store,
        org: OrgId,
        filter: &PrivateFilter,
        now: Timestamp,
    ) -> Result<Vec<Arc<Published>>, Error> {
        let place = self.of(org);
        let mut kept = place.lock().await;
        let kept = load(&mut kept, store, org).await?;
        let is_meant = |published: &&Arc<Published>| match &published.body {
            Body::Letter(letter) => filter.matches(&letter.topic) && letter.left_s(now).is_ok(),
            Body::Uplink(_) => false,
        };
        Ok(kept.letters.values().filter(is_meant).cloned().collect())
    }

    /// Frees the memory of organizations that nobody asks for; what is expired goes for good.
    pub(crate) async fn tidy(&self, store: &dyn Store, now: Timestamp) -> Result<(), Error> {
        let all: Vec<_> = self.lock().iter().map(|(org, place)| (*org, Arc::clone(place))).collect();
        for (org, place) in all {
            let mut kept = place.lock().await;
            let Some(kept) = kept.as_mut() else { continue };
            let has_expired = |published: &&Arc<Published>| match &published.body {
                Body::Letter(letter) => letter.left_s(now).is_err(),
                Body::Uplink(_) => true,
            };
            let expired: Vec<Box<str>> =
                kept.letters.iter().filter(|(_, kept)| has_expired(kept)).map(|(topic, _)| topic.clone()).collect();
            for topic in expired {
                store.forget_retained_message(org, &topic).await?;
                kept.remove(&topic);
            }
        }
        self.lock().retain(|_, place| Arc::strong_count(place) > 1);
        Ok(())
    }

    fn of(&self, org: OrgId) -> Arc<sync::Mutex<Option<Kept>>> {
        Arc::clone(self.lock().entry(org).or_default())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<OrgId, Arc<sync::Mutex<Option<Kept>>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn load<'a>(kept: &'a mut Option<Kept>, store: &dyn Store, org: OrgId) -> Result<&'a mut Kept, Error> {
    if kept.is_none() {
        let mut loaded = Kept::default();
        for message in store.list_retained_messages(org).await? {
            loaded.insert(org, message.into());
        }
        *kept = Some(loaded);
    }
    Ok(kept.get_or_insert_default())
}

fn bytes(published: &Published) -> usize {
    match &published.body {
        Body::Letter(letter) => letter.bytes(),
        Body::Uplink(_) => 0,
    }
}

impl Kept {
    fn insert(&mut self, org: OrgId, letter: Letter) {
        self.remove(&letter.topic.clone());
        self.bytes += letter.bytes();
        let topic = letter.topic.clone();
        let place = Place::Log(Position::START);
        self.letters.insert(topic, Arc::new(Published { org, place, body: Body::Letter(letter) }));
    }

    fn remove(&mut self, topic: &str) {
        if let Some(removed) = self.letters.remove(topic) {
            self.bytes -= bytes(&removed);
        }
    }
}
