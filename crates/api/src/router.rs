//! All routes stand on this page; the path names the file.

use axum::{
    Router,
    extract::Request,
    handler::Handler,
    http::{Method, Uri, uri::PathAndQuery},
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::{MethodRouter, any, get, patch, post},
};
use tower::ServiceExt;

use crate::{
    ApiState,
    error::Refusal,
    gateway::{dress, preflight},
    openapi::{
        aggregate_chart_points::aggregate_chart_points,
        ai::view_suggestion_by_measurements::view_suggestion_by_measurements,
        bind_device::bind_device,
        channel::list::list,
        create_group::create_group,
        delete_devices::delete_devices,
        delete_group::delete_group,
        device::{create_development_kit::create_development_kit, list_euis::list_euis, view_node_key::view_node_key},
        list_device_channels::list_device_channels,
        list_devices::list_devices,
        list_groups::list_groups,
        list_measurement_reference::list_measurement_reference,
        list_telemetry_data::list_telemetry_data,
        move_devices_to_group::move_devices_to_group,
        openapi_json::openapi_json,
        update_device_report_cycle::update_device_report_cycle,
        update_group::update_group,
        view_device_running_status::view_device_running_status,
        view_devices::view_devices,
        view_latest_telemetry_data::view_latest_telemetry_data,
        view_organization::view_organization,
        view_simcard::view_simcard,
    },
    portalapi::{
        only_from_named_networks, organization::access::get_fixed_access::get_fixed_access, user::login::login,
    },
    refer::def::sensor::sensor,
    v1,
};

/// A path of the API of 2019, below each of the two bases that clients know for it.
macro_rules! v1 {
    ($path:literal, $methods:expr) => {
        [(concat!("/1.0", $path), $methods), (concat!("/openapi/1.0", $path), $methods)]
    };
}

fn routes() -> impl Iterator<Item = (&'static str, MethodRouter<ApiState>)> {
    let current = [
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
        ("/openapi/update_device_report_cycle", change(update_device_report_cycle)),
        ("/openapi/view_latest_telemetry_data", verb(view_latest_telemetry_data)),
        ("/openapi/list_telemetry_data", verb(list_telemetry_data)),
        ("/openapi/aggregate_chart_points", verb(aggregate_chart_points)),
        ("/openapi/device/create_development_kit", change(create_development_kit)),
        ("/openapi/device/view_node_key", verb(view_node_key)),
        ("/openapi/ai/view_suggestion_by_measurements", verb(view_suggestion_by_measurements)),
        // Between the API of 2019 and today's.
        ("/openapi/device/list_euis", verb(list_euis)),
        ("/openapi/device/node/{eui}", verb(v1::node::get)),
        ("/openapi/device/bind", change(bind_device)),
        ("/openapi/channel/list/{eui}", verb(list)),
        ("/openapi/sensor/measurements", verb(v1::lists::sensor::measure::measure)),
        ("/openapi/view_simcard", verb(view_simcard)),
    ];
    let first = [
        v1!("/lists/devices/eui", verb(v1::lists::devices::eui::eui)),
        v1!("/lists/gateway", verb(v1::lists::gateway::gateway)),
        v1!("/lists/node", verb(v1::lists::node::node)),
        v1!("/lists/sensor/measure", verb(v1::lists::sensor::measure::measure)),
        v1!("/lists/group", verb(v1::lists::group::group)),
        v1!("/lists/group/devices", verb(v1::lists::group::devices::devices)),
        v1!(
            "/gateway/{eui}",
            get(v1::gateway::get).patch(v1::gateway::change).delete(v1::gateway::remove).options(preflight)
        ),
        v1!("/node/{eui}", get(v1::node::get).patch(v1::node::change).delete(v1::node::remove).options(preflight)),
        v1!("/device/check_eui", change(v1::device::check_eui::check_eui)),
        v1!("/device/bind", change(v1::device::bind::bind)),
        v1!("/group", change(v1::group::create)),
        v1!("/group/{unique_name}", patch(v1::group::rename).delete(v1::group::delete).options(preflight)),
        v1!("/group/{unique_name}/devices", any_change(v1::group::devices::devices)),
        v1!("/devices/data/{eui}/latest", verb(v1::devices::data::latest::latest)),
        v1!("/devices/data/{eui}/raw", verb(v1::devices::data::raw::raw)),
        v1!("/devices/data/{eui}/segment", verb(v1::devices::data::segment::segment)),
    ];
    current.into_iter().chain(first.into_iter().flatten())
}

/// How apps sign in, from some networks alone.
fn sign_ins() -> [(&'static str, MethodRouter<ApiState>); 2] {
    [
        ("/portalapi/user/login", change(login)),
        ("/portalapi/organization/access/getFixedAccess", verb(get_fixed_access)),
    ]
}

/// What changes something is sent by POST: a link that somebody follows changes nothing.
fn change<T: 'static>(call: impl Handler<T, ApiState>) -> MethodRouter<ApiState> {
    post(call).options(preflight)
}

/// The documents name several methods for one change.
fn any_change<T: 'static>(call: impl Handler<T, ApiState>) -> MethodRouter<ApiState> {
    change(call.clone()).put(call.clone()).patch(call.clone()).delete(call)
}

/// What a call does is in its path: it may be sent by GET or by POST.
fn verb<T: 'static>(call: impl Handler<T, ApiState>) -> MethodRouter<ApiState> {
    get(call.clone()).post(call).options(preflight)
}

/// Every path of the public API.
pub fn paths() -> impl Iterator<Item = &'static str> {
    routes().map(|(path, _)| path)
}

/// The public API: everything below `/openapi`, `/1.0` and `/portalapi`, unknown paths included, and
/// the static definitions that are served without a key.
pub fn router(api: ApiState) -> Router {
    let mut plain = Router::new();
    let mut dressed = Router::new();
    for (path, methods) in routes() {
        let methods = methods.fallback(async || Refusal::WrongMethod).with_state(api.clone());
        let is_first = path.strip_prefix("/openapi").unwrap_or(path).starts_with("/1.0/");
        let methods = if is_first { any(move |request| with_override(methods.clone(), request)) } else { methods };
        plain = plain.route(path, methods.clone());
        dressed = dressed.route(path, methods.layer(from_fn_with_state((api.clone(), path), dress)));
    }
    for (path, methods) in sign_ins() {
        let methods = methods.fallback(async || Refusal::WrongMethod).with_state(api.clone());
        // From elsewhere not even the methods show.
        let methods = any(move |request: Request| methods.clone().oneshot(request));
        let methods = methods.layer(from_fn_with_state(api.clone(), only_from_named_networks));
        dressed = dressed.route(path, methods.layer(from_fn_with_state((api.clone(), path), dress)));
    }
    let plain = plain.fallback(async || Refusal::UnknownPath);
    let other = any(move |request| trimmed(plain, request))
        .options(preflight)
        .layer(from_fn_with_state((api.clone(), "other"), dress));
    let open = [("/refer/def/sensor.json", get(sensor)), ("/openapi/openapi.json", get(openapi_json))];
    for (path, read) in open {
        dressed = dressed.route(path, read.options(preflight).layer(from_fn_with_state((api.clone(), path), dress)));
    }
    for base in ["/portalapi", "/openapi", "/1.0"] {
        for path in [base.to_owned(), format!("{base}/"), format!("{base}/{{*rest}}")] {
            dressed = dressed.route(&path, other.clone());
        }
    }
    dressed
}

/// In the API of 2019 a POST acts as whatever its `X-HTTP-Method-Override` names.
async fn with_override(methods: MethodRouter, mut request: Request) -> Response {
    if request.method() == Method::POST
        && let Some(named) = request.headers().get("x-http-method-override")
    {
        let named = named.as_bytes().trim_ascii().to_ascii_uppercase();
        match Method::from_bytes(&named) {
            Ok(method) => *request.method_mut() = method,
            Err(_) if named.is_empty() => {}
            Err(_) => return Refusal::Parameters("`X-HTTP-Method-Override` names no method".into()).into_response(),
        }
    }
    methods.oneshot(request).await.into_response()
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
