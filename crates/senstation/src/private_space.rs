//! What is published in a private space of the broker, on its way to the store.

use async_trait::async_trait;
use ingest::{IngestState, Refusal, accept_from_private_space};
use model::{Source, Timestamp};
use store::Error;
use stream::OnPublish;

/// Takes in what is about a device.
pub(crate) struct PrivateSpace(pub(crate) IngestState);

#[async_trait]
impl OnPublish for PrivateSpace {
    async fn take(&self, source: &Source, topic: &str, payload: &[u8], received_at: Timestamp) -> Result<(), Error> {
        let taken = accept_from_private_space(&self.0, source, topic, payload, received_at).await;
        taken.map_err(|refusal| match refusal {
            Refusal::Store(error) => error,
            refusal => Error::Internal(Box::new(refusal)),
        })
    }
}
