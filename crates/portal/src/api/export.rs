//! `GET /api/export`: history given out whole.

use std::io;

use axum::{
    Json,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures_util::stream::unfold;
use jiff::tz::TimeZone;
use model::Window;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{as_of, time};
use crate::{
    PortalState,
    actor::Actor,
    export::{Export, ExportQuery, Format},
    fault::Fault,
    fields::{Asked, Fields},
};

/// The position that an answer was taken at.
const POSITION: HeaderName = HeaderName::from_static("senstation-position");

pub(crate) async fn stream(
    State(portal): State<PortalState>,
    actor: Actor,
    Asked(asked): Asked,
) -> Result<Response, Fault> {
    let query = query(&asked, &portal, &actor).await?;
    let format = query.format;
    let export = Export::begin(portal.store(), query).await?;
    let name = format!("senstation-{}.{}", export.position(), format.as_str());
    let position = HeaderValue::from(export.position().get());
    let pieces = unfold((portal, export, false), |(portal, mut export, is_broken)| async move {
        if is_broken {
            return None;
        }
        match export.next(portal.store()).await {
            Ok(Some(piece)) => Some((Ok(Bytes::from(piece)), (portal, export, false))),
            Ok(None) => None,
            // The answer breaks off, without the line that ends it.
            Err(error) => {
                tracing::error!("an export broke off: {error}");
                Some((Err(io::Error::other(error)), (portal, export, true)))
            }
        }
    });
    let mut response = Body::from_stream(pieces).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    headers.insert(POSITION, position);
    if let Ok(disposition) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

/// `GET /api/export/manifest`
pub(crate) async fn manifest(
    State(portal): State<PortalState>,
    actor: Actor,
    Asked(asked): Asked,
) -> Result<Json<Manifest>, Fault> {
    Ok(Json(Manifest(Export::begin(portal.store(), query(&asked, &portal, &actor).await?).await?.manifest())))
}

/// What an export is of: format, position, query, and the devices with their channels.
#[derive(Debug, Serialize, ToSchema)]
#[schema(value_type = Object)]
pub(crate) struct Manifest(Value);

async fn query(asked: &Fields, portal: &PortalState, actor: &Actor) -> Result<ExportQuery, Fault> {
    let listed = |name: &'static str| {
        let all = asked.all(name).flat_map(|text| text.split(',').map(str::trim).map(str::to_owned));
        all.filter(|text| !text.is_empty()).collect::<Vec<_>>()
    };
    let devices = listed("device").iter().map(|eui| eui.parse()).collect::<Result<_, _>>();
    let measurements = listed("measurement").iter().map(|id| id.parse()).collect::<Result<_, _>>();
    let window = Window {
        start: time(asked, "from")?.unwrap_or(Window::ALL.start),
        end: time(asked, "to")?.unwrap_or(Window::ALL.end),
    };
    if window.start >= window.end {
        return Err(Fault::Invalid(|texts| texts.fault_window));
    }
    let zone = match asked.get("time_zone") {
        "" => TimeZone::UTC,
        name => TimeZone::get(name).map_err(|_| Fault::Invalid(|texts| texts.fault_time_zone))?,
    };
    let format = match asked.get("format") {
        "" => Format::Csv,
        name => name.parse().map_err(|_| Fault::Invalid(|texts| texts.fault_export_format))?,
    };
    let as_of = as_of(asked, portal).await?;
    Ok(ExportQuery {
        org: actor.org,
        devices: devices.map_err(|_| Fault::Invalid(|texts| texts.fault_eui))?,
        measurements: measurements.map_err(|_| Fault::Invalid(|texts| texts.fault_measurement))?,
        window,
        zone,
        format,
        as_of,
    })
}
