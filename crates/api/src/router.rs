//! All routes stand on this page; the path names the file.

use axum::{
    Router,
    extract::Request,
    handler::Handler,
    http::{Uri, uri::PathAndQuery},
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::{MethodRouter, any, get, post},
};
use tower::ServiceExt;

use crate::{
    ApiState,
    error::Refusal,
    gateway::{dress, preflight},
    openapi::{
        aggregate_chart_points::aggregate_chart_points, bind_device::bind_device, channel::list::list,
        create_group::create_group, delete_devices::delete_devices, delete_group::delete_group,
        device::list_euis::list_euis, list_device_channels::list_device_channels, list_devices::list_devices,
        list_groups::list_groups, list_measurement_reference::list_measurement_reference,
        list_telemetry_data::list_telemetry_data, move_devices_to_group::move_devices_to_group,
        update_group::update_group, view_device_running_status::view_device_running_status, view_devices::view_devices,
        view_latest_telemetry_data::view_latest_telemetry_data, view_organization::view_organization,
    },
    refer::def::sensor::sensor,
    v1::{
        devices::data::{latest::latest, raw::raw, segment::segment},
        lists::sensor::measure::measure,
    },
};

fn routes() -> [(&'static str, MethodRouter<ApiState>); 28] {
    [
        ("/openapi/view_organization", verb(view_organization)),
        ("/openapi/create_group", change(create_group)),
        ("/openapi/update_group", change(update_group)),
        ("/openapi/delete_group", change(delete_group)),
        ("/openapi/list_groups", verb(list_groups)),
        ("/openapi/move_devices_to_group", change(move_devices_to_group)),
        ("/openapi/list_devices", verb(list_devices)),
        ("/openapi/view_devices", verb(view_devices)),
        ("/openapi/list_device_channels", verb(list_device_channels)),
        ("/openapi/view_device_running_status", verb(view_device_running_status)),
        ("/openapi/list_measurement_reference", verb(list_measurement_reference)),
        ("/openapi/bind_device", change(bind_device)),
        ("/openapi/delete_devices", change(delete_devices)),
        ("/openapi/device/list_euis", verb(list_euis)),
        ("/openapi/device/bind", change(bind_device)),
        ("/openapi/channel/list/{eui}", verb(list)),
        ("/openapi/sensor/measurements", verb(measure)),
        ("/1.0/lists/sensor/measure", verb(measure)),
        ("/1.0/devices/data/{eui}/latest", verb(latest)),
        ("/1.0/devices/data/{eui}/raw", verb(raw)),
        ("/1.0/devices/data/{eui}/segment", verb(segment)),
        ("/openapi/1.0/lists/sensor/measure", verb(measure)),
        ("/openapi/1.0/devices/data/{eui}/latest", verb(latest)),
        ("/openapi/1.0/devices/data/{eui}/raw", verb(raw)),
        ("/openapi/1.0/devices/data/{eui}/segment", verb(segment)),
        ("/openapi/view_latest_telemetry_data", verb(view_latest_telemetry_data)),
        ("/openapi/list_telemetry_data", verb(list_telemetry_data)),
        ("/openapi/aggregate_chart_points", verb(aggregate_chart_points)),
    ]
}

/// What changes something is sent by POST: a link that somebody follows changes nothing.
fn change<T: 'static>(call: impl Handler<T, ApiState>) -> MethodRouter<ApiState> {
    post(call).options(preflight)
}

/// What a call does is in its path: it may be sent by GET or by POST.
fn verb<T: 'static>(call: impl Handler<T, ApiState>) -> MethodRouter<ApiState> {
    get(call.clone()).post(call).options(preflight)
}

/// Every path of the public API.
pub fn paths() -> impl Iterator<Item = &'static str> {
    routes().into_iter().map(|(path, _)| path)
}

/// The public API: everything below `/openapi` and `/1.0`, unknown paths included, and the static
/// definitions that are served without a key.
pub fn router(api: ApiState) -> Router {
    let mut plain = Router::new();
    let mut dressed = Router::new();
    for (path, methods) in routes() {
        let methods = methods.fallback(async || Refusal::WrongMethod).with_state(api.clone());
        plain = plain.route(path, methods.clone());
        dressed = dressed.route(path, methods.layer(from_fn_with_state((api.clone(), path), dress)));
    }
    let plain = plain.fallback(async || Refusal::UnknownPath);
    let other = any(move |request| trimmed(plain, request))
        .options(preflight)
        .layer(from_fn_with_state((api.clone(), "other"), dress));
    let definitions = get(sensor).options(preflight).layer(from_fn_with_state((api, "/refer/def/sensor.json"), dress));
    let dressed = dressed.route("/refer/def/sensor.json", definitions);
    dressed
        .route("/openapi", other.clone())
        .route("/openapi/", other.clone())
        .route("/openapi/{*rest}", other.clone())
        .route("/1.0/{*rest}", other)
}

/// One official client ends a path with a space: try again without it.
async fn trimmed(plain: Router, mut request: Request) -> Response {
    let path = request.uri().path();
    let shorter = path.trim_end_matches("%20");
    if shorter.len() == path.len() {
        return Refusal::UnknownPath.into_response();
    }
    match with_path(request.uri(), shorter) {
        Some(uri) => *request.uri_mut() = uri,
        None => return Refusal::UnknownPath.into_response(),
    }
    plain.oneshot(request).await.into_response()
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let path_and_query = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query.ok()?);
    Uri::from_parts(parts).ok()
}
