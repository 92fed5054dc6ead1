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
        let text = named(parts, api, "eui").await?;
        text.trim().parse().map(Self).map_err(|_| Refusal::InvalidEui(Refusal::shown(&text)))
    }
}

/// The group that stands in a path as `{unique_name}`.
#[derive(Debug)]
pub(crate) struct PathGroup(pub(crate) String);

impl FromRequestParts<ApiState> for PathGroup {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, Refusal> {
        named(parts, api, "unique_name").await.map(Self)
    }
}

async fn named(parts: &mut Parts, api: &ApiState, wanted: &str) -> Result<String, Refusal> {
    // What is not UTF-8 names nothing.
    let named = RawPathParams::from_request_parts(parts, api).await.map_err(|_| Refusal::UnknownPath)?;
    Ok(named.iter().find(|(name, _)| *name == wanted).map(|(_, text)| text.to_owned()).unwrap_or_default())
}
