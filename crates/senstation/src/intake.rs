//! What is published in a private space of the broker, on its way to the store.

use std::sync::Arc;

use async_trait::async_trait;
use ingest::Notes;
use model::{Source, Timestamp};
use store::{Error, Store};
use stream::OnPublish;

pub(crate) struct Intake {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) notes: Arc<Notes>,
}

#[async_trait]
impl OnPublish for Intake {
    async fn take(&self, source: &Source, topic: &str, payload: &[u8], received_at: Timestamp) -> Result<(), Error> {
        ingest::accept_topic(&*self.store, &self.notes, source, topic, payload, received_at).await
    }
}
