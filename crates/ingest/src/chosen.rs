//! Which codec a device has: a built-in one, or one that its organization wrote.

use std::sync::Arc;

use codec::{Codec, Decoded, DecodedRow, Warning, script::Outcome};
use model::{CodecVersion, Device, Frame, OrgId, Timestamp, UserCodec};
use store::{Error, Store};

use crate::Scripts;

/// A codec of either kind.
pub(crate) enum Chosen {
    BuiltIn(&'static Codec),
    User(Arc<UserCodec>),
}

/// The codec of a device's model, if there is one.
pub(crate) async fn choose_codec(store: &dyn Store, device: &Device) -> Result<Option<Chosen>, Error> {
    Chosen::find(store, device.org, &device.model).await
}

impl Chosen {
    /// What is built in comes first.
    pub(crate) async fn find(store: &dyn Store, org: OrgId, model: &str) -> Result<Option<Self>, Error> {
        if let Some(codec) = Codec::find(model) {
            return Ok(Some(Self::BuiltIn(codec)));
        }
        Ok(store.find_user_codec(org, model).await?.map(Self::User))
    }

    pub(crate) fn model(&self) -> &str {
        match self {
            Self::BuiltIn(codec) => codec.model(),
            Self::User(codec) => &codec.model,
        }
    }

    pub(crate) fn version(&self) -> CodecVersion {
        match self {
            Self::BuiltIn(codec) => codec.version(),
            Self::User(codec) => codec.version,
        }
    }

    pub(crate) async fn decode(
        &self,
        scripts: &Scripts,
        frame: &Frame,
        received_at: Timestamp,
    ) -> Result<Decoded, codec::Error> {
        match self {
            Self::BuiltIn(codec) => codec.decode(frame.f_port, &frame.payload),
            Self::User(codec) => scripts.decode(codec, frame, received_at).await.map(decoded),
        }
    }
}

/// What is not in its table is nothing to the pipeline.
fn decoded(outcome: Outcome) -> Decoded {
    let rows = vec![DecodedRow { measured_at: None, readings: outcome.readings }];
    Decoded { rows, events: Vec::new(), warnings: outcome.warnings.into_iter().map(Warning::Script).collect() }
}
