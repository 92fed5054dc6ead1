use std::{convert::Infallible, time::Instant};

use axum::{extract::FromRequestParts, http::request::Parts};

use crate::{Begun, envelope::Answer};

/// When the call began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watch(Instant);

impl Watch {
    /// Says in the envelope how long the answer took.
    pub(crate) fn stop(self, answer: Answer) -> Answer {
        answer.with_time(self.0.elapsed())
    }
}

impl<S: Sync> FromRequestParts<S> for Watch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get().map_or_else(Instant::now, |Begun(begun)| *begun)))
    }
}
