use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use model::DeviceEui;

use crate::{ApiState, error::Refusal};

/// The device that stands in a path as `{eui}`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PathEui(pub(crate) DeviceEui);

impl FromRequestParts<ApiState> for PathEui {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, Refusal> {
        // What is not UTF-8 names nothing.
        let named = RawPathParams::from_request_parts(parts, api).await.map_err(|_| Refusal::UnknownPath)?;
        let text = named.iter().find(|(name, _)| *name == "eui").map(|(_, text)| text).unwrap_or_default();
        text.trim().parse().map(Self).map_err(|_| Refusal::InvalidEui(Refusal::shown(text)))
    }
}
