//! How a letter gets into a private space.

use std::sync::Arc;

use async_trait::async_trait;
use model::{OrgId, Source, Timestamp};
use store::{Entry, Error};

use crate::{
    broker::Inner,
    letter::Letter,
    login::Credential,
    packet::{Content, Reason},
};

/// Hears of everything that is published in private spaces before it is acknowledged.
#[async_trait]
pub trait OnPublish: Send + Sync {
    /// Takes a message to heart, if it is about a device.
    ///
    /// **Errors**: the store failed, and whoever published it must not be told that it arrived.
    async fn take(&self, source: &Source, topic: &str, payload: &[u8], received_at: Timestamp) -> Result<(), Error>;
}

/// Who publishes.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    pub(crate) org: OrgId,
    pub(crate) credential: Credential,
    pub(crate) source: Arc<Source>,
    pub(crate) client_id: Box<str>,
}

/// What is to be published.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) topic: Arc<str>,
    pub(crate) qos: u8,
    pub(crate) retain: bool,
    pub(crate) content: Content,
}

/// Publishes, in order. What is to arrive, by its QoS or because it is retained, has when this returns;
/// with each, why it is not retained if it is not.
///
/// **Errors**: nothing is promised, and the same may be published again.
pub(crate) async fn publish(inner: &Inner, sender: &Sender, posts: Vec<Post>) -> Result<Vec<Reason>, Error> {
    let Sender { org, source, client_id, .. } = sender;
    let now = inner.now();
    let mut reasons = Vec::with_capacity(posts.len());
    let mut entries = Vec::new();
    let mut passing = Vec::new();
    for Post { topic, qos, retain, content } in posts {
        if let Some(on_publish) = &inner.on_publish {
            on_publish.take(source, &topic, &content.payload, now).await?;
        }
        let letter = Letter::new(&topic, qos, retain, content, client_id, now);
        let refusal = match retain {
            // First: who subscribes meanwhile gets it twice rather than not at all.
            true => inner.retained.set(&*inner.store, *org, &letter).await?,
            false => None,
        };
        reasons.push(refusal.unwrap_or(Reason::Success));
        match qos {
            0 => passing.push(letter),
            _ => entries.push(Entry::Message(letter.to_message(*org))),
        }
    }
    if !entries.is_empty() {
        inner.store.append(entries).await?;
    }
    for letter in passing {
        inner.hubs.pass(*org, letter);
    }
    Ok(reasons)
}

/// As [`publish`], for what nobody waits for.
pub(crate) async fn publish_will(inner: &Inner, sender: &Sender, will: Post) {
    if let Err(error) = publish(inner, sender, vec![will]).await {
        tracing::warn!(org = %sender.org, "the will of a client is lost: {error}");
    }
}
