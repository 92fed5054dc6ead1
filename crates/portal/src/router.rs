//! All routes stand on this page, each with what it takes to call it.

use std::collections::HashMap;

use axum::{
    Router,
    handler::Handler,
    http::Method,
    middleware::{from_fn, from_fn_with_state},
    routing::{MethodFilter, MethodRouter, get, on},
};

use crate::{
    PortalState, Right, api,
    api::{
        Page,
        document::{About, Shape},
    },
    assets, etag,
    guard::{Audience, guard, lost},
    pages,
};

/// One method of one path.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) right: Right,
    audience: Audience,
    /// What the document of the management API says of it.
    pub(crate) about: Option<About>,
    call: MethodRouter<PortalState>,
}

fn filter(method: &Method) -> MethodFilter {
    match *method {
        Method::POST => MethodFilter::POST,
        Method::PUT => MethodFilter::PUT,
        Method::PATCH => MethodFilter::PATCH,
        Method::DELETE => MethodFilter::DELETE,
        _ => MethodFilter::GET,
    }
}

fn page<T: 'static>(right: Right, path: &'static str, call: impl Handler<T, PortalState>) -> Route {
    Route { method: Method::GET, path, right, audience: Audience::People, about: None, call: get(call) }
}

fn form<T: 'static>(right: Right, path: &'static str, call: impl Handler<T, PortalState>) -> Route {
    let call = on(MethodFilter::POST, call);
    Route { method: Method::POST, path, right, audience: Audience::People, about: None, call }
}

fn program<T: 'static>(
    right: Right,
    method: Method,
    path: &'static str,
    about: About,
    call: impl Handler<T, PortalState>,
) -> Route {
    let call = on(filter(&method), call);
    Route { method, path, right, audience: Audience::Programs, about: Some(about), call }
}

const fn gives<T: utoipa::ToSchema>(summary: &'static str) -> About {
    About { summary, query: &[], takes: None, gives: (200, Some(Shape::of::<T>())) }
}

const fn asked<T: utoipa::ToSchema>(summary: &'static str, query: &'static [(&'static str, &'static str)]) -> About {
    About { query, ..gives::<T>(summary) }
}

const fn takes<T: utoipa::ToSchema, G: utoipa::ToSchema>(status: u16, summary: &'static str) -> About {
    About { summary, query: &[], takes: Some(Shape::of::<T>()), gives: (status, Some(Shape::of::<G>())) }
}

const fn does<T: utoipa::ToSchema>(summary: &'static str) -> About {
    About { takes: Some(Shape::of::<T>()), ..ends(summary) }
}

const fn ends(summary: &'static str) -> About {
    About { summary, query: &[], takes: None, gives: (204, None) }
}

const PAGED: [(&str, &str); 2] =
    [("cursor", "`next_cursor` of the page before"), ("limit", "how many items, 1 to 1000; 100 where nothing is said")];
const LISTED: [(&str, &str); 1] = [PAGED[1]];
const WINDOWED: [(&str, &str); 4] = [
    ("from", "start of the window, inclusive: milliseconds since 1970, or ISO 8601"),
    ("to", "end of the window, exclusive"),
    PAGED[0],
    PAGED[1],
];
const AS_OF: (&str, &str) = (
    "as_of",
    "a position, or a time up to which readings were received: what was answered then; now where nothing is said",
);
const THEN: [(&str, &str); 1] = [AS_OF];
const ROWS: [(&str, &str); 6] = [
    AS_OF,
    WINDOWED[0],
    WINDOWED[1],
    ("hidden", "`true` for the rows too that a later decoding of their uplink has replaced"),
    PAGED[0],
    PAGED[1],
];
const FILTERED: [(&str, &str); 5] = [
    ("search", "part of a name, an EUI or a model"),
    ("group", "the id of a group, or `default`"),
    ("state", "`online`, `late` or `silent`"),
    PAGED[0],
    PAGED[1],
];
const LIVE: [(&str, &str); 1] = [(
    "filter",
    "a filter of MQTT over the organization's topics; may come several times; every reading where nothing is said",
)];
const CHARTED: [(&str, &str); 5] = [
    AS_OF,
    WINDOWED[0],
    WINDOWED[1],
    ("series", "channel and measurement, `1/4097`, several joined by commas; all where nothing is said"),
    ("points", "how many buckets, at most 2000"),
];

const KEPT: [(&str, &str); 2] = [
    ("readings_days", "how many days readings would be kept; 0 for ever, nothing where nothing is said"),
    ("frames_days", "the same of raw frames"),
];

const EXPORTED: [(&str, &str); 7] = [
    ("device", "an EUI, several joined by commas; all devices where nothing is said"),
    ("measurement", "an id, several joined by commas; all where nothing is said"),
    WINDOWED[0],
    WINDOWED[1],
    ("time_zone", "the zone that times are written in, such as `Europe/Zurich`; UTC where nothing is said"),
    ("format", "`csv`, `jsonl` or `parquet`"),
    AS_OF,
];

#[rustfmt::skip]
pub(crate) fn routes() -> Vec<Route> {
    use Right::{Anyone, Manage, Operate, Read, Write};
use api::{account, codecs, completeness, data, devices, document, events, export, groups, keys, limits, live, mirrors, organization, people, retention, rules, sources, unbound, usage};
    vec![
        page(Anyone, "/sign-in", pages::sign_in::form),
        form(Anyone, "/sign-in", pages::sign_in::submit),
        form(Anyone, "/sign-out", pages::sign_in::out),
        form(Anyone, "/preferences", pages::sign_in::prefer),
        page(Anyone, "/join/{token}", pages::join::form),
        form(Anyone, "/join/{token}", pages::join::submit),

        page(Read, "/", pages::overview::show),
        page(Manage, "/setup", pages::setup::choose),
        form(Manage, "/setup/fleet", pages::setup::start_fleet),
        form(Manage, "/setup/fleet/remove", pages::setup::remove_fleet),
        form(Manage, "/setup/chirpstack", pages::setup::connect),
        page(Manage, "/setup/chirpstack/{id}", pages::setup::watch),
        page(Read, "/devices", pages::devices::list),
        page(Write, "/devices/new", pages::devices::form),
        form(Write, "/devices", pages::devices::add),
        page(Read, "/devices/unbound", pages::unbound::list),
        form(Write, "/devices/unbound/{eui}/forget", pages::unbound::forget),
        page(Read, "/devices/{eui}", pages::device::show),
        page(Read, "/devices/{eui}/table", pages::device::table::show),
        page(Read, "/devices/{eui}/frames", pages::device::frames::show),
        page(Read, "/devices/{eui}/settings", pages::device::settings::show),
        form(Write, "/devices/{eui}/settings", pages::device::settings::save),
        form(Write, "/devices/{eui}/retire", pages::device::settings::retire),
        page(Read, "/devices/{eui}/code", pages::device::show_code),
        page(Read, "/groups", pages::groups::list),
        form(Write, "/groups", pages::groups::create),
        form(Write, "/groups/{id}/rename", pages::groups::rename),
        form(Write, "/groups/{id}/delete", pages::groups::delete),
        page(Manage, "/retention", pages::retention::show),
        form(Manage, "/retention", pages::retention::save),
        page(Read, "/map", pages::map::show),
        page(Manage, "/keys", pages::keys::list),
        form(Manage, "/keys", pages::keys::create),
        form(Manage, "/keys/{id}/revoke", pages::keys::revoke),
        page(Manage, "/usage", pages::usage::show),
        form(Manage, "/usage/limits", pages::usage::limit),
        page(Manage, "/usage/keys/{id}", pages::usage::key::show),
        form(Manage, "/usage/keys/{id}", pages::usage::key::limit),
        page(Manage, "/sources", pages::sources::list),
        form(Manage, "/sources", pages::sources::create),
        form(Manage, "/sources/{id}", pages::sources::save),
        form(Manage, "/sources/{id}/rotate", pages::sources::rotate),
        form(Manage, "/sources/{id}/delete", pages::sources::delete),
        page(Manage, "/stream", pages::stream::show),
        form(Manage, "/sources/{id}/broker", pages::sources::fetch),
        form(Manage, "/sources/{id}/broker/remove", pages::sources::fetch_no_more),
        page(Manage, "/sources/{id}/rules", pages::rules::show),
        form(Manage, "/sources/{id}/rules", pages::rules::save),
        page(Manage, "/mirrors", pages::mirrors::list),
        form(Manage, "/mirrors", pages::mirrors::create),
        form(Manage, "/mirrors/{id}", pages::mirrors::change),
        form(Manage, "/mirrors/{id}/remove", pages::mirrors::remove),
        page(Manage, "/codecs", pages::codecs::list),
        form(Manage, "/codecs", pages::codecs::create),
        page(Manage, "/codecs/{model}", pages::codecs::show),
        form(Manage, "/codecs/{model}", pages::codecs::save),
        form(Manage, "/codecs/{model}/remove", pages::codecs::remove),
        page(Read, "/measurements", pages::measurements::list),
        page(Manage, "/people", pages::people::list),
        form(Manage, "/people/organization", pages::people::rename_organization),
        form(Manage, "/people/invite", pages::people::invite),
        form(Manage, "/people/uninvite/{token}", pages::people::uninvite),
        form(Manage, "/people/{id}/role", pages::people::set_role),
        form(Manage, "/people/{id}/remove", pages::people::remove),
        form(Manage, "/people/sessions/{token}/end", pages::people::end_session),
        page(Read, "/export", pages::export::form),
        page(Read, "/account", pages::account::show),
        form(Read, "/account", pages::account::save),
        form(Read, "/account/password", pages::account::change_password),
        form(Read, "/account/sessions/{token}/end", pages::account::end_session),
        page(Manage, "/audit", pages::audit::list),
        page(Operate, "/system", pages::system::show),
        page(Read, "/guide", pages::guide::first),
        page(Read, "/guide/reference", pages::reference::show),
        page(Read, "/guide/{name}", pages::guide::show),

        program(Anyone, Method::GET, "/api/openapi.json", ends("This document"), document::show),
        program(Read, Method::GET, "/api/organization", gives::<organization::OrganizationShape>("The organization"), organization::get),
        program(Manage, Method::PATCH, "/api/organization", takes::<organization::OrganizationName, organization::OrganizationShape>(200, "Rename the organization"), organization::rename),
        program(Manage, Method::GET, "/api/organization/limits", gives::<limits::LimitsShape>("What the organization may use"), limits::get),
        program(Manage, Method::PATCH, "/api/organization/limits", takes::<limits::LimitsChange, limits::LimitsShape>(200, "Limit what the organization may use"), limits::change),
        program(Read, Method::GET, "/api/organization/retention", gives::<retention::RetentionShape>("How long the organization keeps history"), retention::get),
        program(Manage, Method::PUT, "/api/organization/retention", takes::<retention::KeepShape, retention::RetentionShape>(200, "Say how long the organization keeps history; what is older is removed for good"), retention::set),
        program(Manage, Method::GET, "/api/organization/retention/removal", asked::<retention::Removal>("What would be removed if the organization said this", &KEPT), retention::removal),
        program(Manage, Method::GET, "/api/usage", asked::<usage::UsageShape>("What was used, by day, key, endpoint and device, and how things stand with each limit", &[("days", "how many days back, today included, 1 to 92; 31 where nothing is said")]), usage::show),
        program(Read, Method::GET, "/api/summary", gives::<organization::Summary>("How the devices are doing"), organization::summary),
        program(Read, Method::GET, "/api/fleet", gives::<organization::FleetShape>("Whether a fleet is simulated here"), organization::fleet),
        program(Manage, Method::PUT, "/api/fleet", ends("Put a simulated fleet into the organization"), organization::start_fleet),
        program(Manage, Method::DELETE, "/api/fleet", ends("Remove the simulated fleet and everything it ever sent"), organization::remove_fleet),
        program(Read, Method::GET, "/api/live", asked::<live::MessageEvent>("The stream as it comes: server-sent events named `message`, and `gap` where something is missing", &LIVE), live::follow),
        program(Read, Method::GET, "/api/events", gives::<events::UplinkEvent>("Uplinks as they come: server-sent events named `uplink`"), events::follow),
        program(Read, Method::GET, "/api/devices", asked::<Page<devices::DeviceShape>>("List devices", &FILTERED), devices::list),
        program(Write, Method::POST, "/api/devices", takes::<devices::NewDevice, devices::DeviceShape>(201, "Add a device"), devices::add),
        program(Read, Method::GET, "/api/devices/positions", gives::<data::Positions>("Devices that have a position"), data::positions),
        program(Read, Method::GET, "/api/devices/{eui}", gives::<devices::DeviceShape>("A device"), devices::get),
        program(Write, Method::PATCH, "/api/devices/{eui}", takes::<devices::DeviceChange, devices::DeviceShape>(200, "Rename, move, place a device, or change its model"), devices::change),
        program(Write, Method::DELETE, "/api/devices/{eui}", ends("Retire a device; its history stays"), devices::retire),
        program(Write, Method::PUT, "/api/devices/{eui}/channels/{index}", takes::<devices::ChannelName, devices::DeviceShape>(200, "Name a channel"), devices::name_channel),
        program(Read, Method::GET, "/api/devices/{eui}/latest", asked::<Page<data::ReadingShape>>("The newest reading of each series, and the newest statuses", &THEN), data::latest),
        program(Read, Method::GET, "/api/devices/{eui}/chart", asked::<data::Chart>("Minimum, average and maximum over buckets of time", &CHARTED), data::chart),
        program(Read, Method::GET, "/api/devices/{eui}/rows", asked::<Page<data::RowShape>>("Rows with both clocks, newest first", &ROWS), data::rows),
        program(Read, Method::GET, "/api/devices/{eui}/frames", asked::<Page<data::FrameShape>>("Raw frames, newest first", &WINDOWED), data::frames),
        program(Read, Method::GET, "/api/unbound", asked::<Page<unbound::UnboundShape>>("Devices that sources bring uplinks of and that nobody has bound, last heard first; `POST /api/devices` binds one, and what was kept becomes its history", &LISTED), unbound::list),
        program(Write, Method::DELETE, "/api/unbound/{eui}", ends("Forget a device that nobody has bound, and what is kept of it"), unbound::forget),
        program(Read, Method::GET, "/api/export", About { query: &EXPORTED, ..ends("Readings as a file, whole: CSV, JSON lines or Parquet, the end of which says how many there are") }, export::stream),
        program(Read, Method::GET, "/api/export/manifest", asked::<export::Manifest>("What such an export would be of, and its position, to be given as `as_of`", &EXPORTED), export::manifest),
        program(Read, Method::GET, "/api/devices/{eui}/completeness", asked::<completeness::CompletenessShape>("How much of what a device sent came, by day", &[("days", "how many days back, today included, 1 to 92; 31 where nothing is said")]), completeness::get),
        program(Manage, Method::GET, "/api/sources/{id}/rules", gives::<Page<rules::RuleShape>>("Which model devices are that a source names, in the order that is tried"), rules::list),
        program(Manage, Method::PUT, "/api/sources/{id}/rules", takes::<rules::Rules, Page<rules::RuleShape>>(200, "Say which model devices are that a source names, in place of what was said before"), rules::set),
        program(Manage, Method::GET, "/api/mirrors", gives::<Page<mirrors::MirrorShape>>("List the stations that are mirrored, and how that goes"), mirrors::list),
        program(Manage, Method::POST, "/api/mirrors", takes::<mirrors::NewMirror, mirrors::MirrorShape>(201, "Mirror a station: bring its history home, and follow it"), mirrors::create),
        program(Manage, Method::GET, "/api/mirrors/{id}", gives::<mirrors::MirrorShape>("A station that is mirrored, and how that goes"), mirrors::get),
        program(Manage, Method::PATCH, "/api/mirrors/{id}", takes::<mirrors::MirrorChange, mirrors::MirrorShape>(200, "Pause a mirror, change its budget or pace, or let both stations be asked the same"), mirrors::change),
        program(Manage, Method::DELETE, "/api/mirrors/{id}", ends("End a mirror; what it has brought stays"), mirrors::remove),
        program(Manage, Method::POST, "/api/mirror-estimates", takes::<mirrors::NewMirror, mirrors::MirrorEstimate>(200, "See what another station has, and what it costs to bring home; nothing is spent or kept"), mirrors::look),
        program(Manage, Method::GET, "/api/codecs", gives::<Page<codecs::CodecShape>>("List the codecs that the organization wrote itself"), codecs::list),
        program(Manage, Method::POST, "/api/codecs", takes::<codecs::NewCodec, codecs::CodecShape>(201, "Keep a codec; all its examples have to fit"), codecs::create),
        program(Manage, Method::GET, "/api/codecs/{model}", gives::<codecs::CodecShape>("A codec"), codecs::get),
        program(Manage, Method::PUT, "/api/codecs/{model}", takes::<codecs::CodecChange, codecs::CodecShape>(200, "Change a codec, which makes another version of it; all its examples have to fit"), codecs::change),
        program(Manage, Method::DELETE, "/api/codecs/{model}", ends("Remove a codec; what its devices send from then on is kept undecoded"), codecs::remove),
        program(Manage, Method::POST, "/api/codec-trials", takes::<codecs::CodecTrial, codecs::CodecOutcome>(200, "Give a payload to a program and see what it makes of it; nothing is kept"), codecs::attempt),
        program(Read, Method::GET, "/api/groups", gives::<Page<groups::GroupShape>>("List groups"), groups::list),
        program(Write, Method::POST, "/api/groups", takes::<groups::GroupName, groups::GroupShape>(201, "Create a group"), groups::create),
        program(Read, Method::GET, "/api/groups/{id}", gives::<groups::GroupShape>("A group"), groups::get),
        program(Write, Method::PATCH, "/api/groups/{id}", takes::<groups::GroupName, groups::GroupShape>(200, "Rename a group"), groups::rename),
        program(Write, Method::DELETE, "/api/groups/{id}", ends("Delete a group; its devices move to the default one"), groups::delete),
        program(Read, Method::GET, "/api/groups/{id}/retention", gives::<retention::RetentionShape>("How long the devices of a group keep history"), retention::get_of_group),
        program(Manage, Method::PUT, "/api/groups/{id}/retention", takes::<retention::KeepShape, retention::RetentionShape>(200, "Say how long the devices of a group keep history; what is older is removed for good"), retention::set_of_group),
        program(Manage, Method::GET, "/api/groups/{id}/retention/removal", asked::<retention::Removal>("What would be removed if the group said this", &KEPT), retention::removal_of_group),
        program(Manage, Method::GET, "/api/keys", gives::<Page<keys::KeyShape>>("List access keys, revoked ones included"), keys::list),
        program(Manage, Method::POST, "/api/keys", takes::<keys::NewKey, keys::MadeKey>(201, "Create an access key; its secret half is shown this once"), keys::create),
        program(Manage, Method::GET, "/api/keys/{id}", gives::<keys::KeyShape>("An access key"), keys::get),
        program(Manage, Method::PATCH, "/api/keys/{id}", takes::<limits::KeyLimitsChange, keys::KeyShape>(200, "Limit what an access key may use"), limits::change_key),
        program(Manage, Method::GET, "/api/keys/{id}/calls", gives::<Page<usage::CallShape>>("The last 200 calls of an access key since the station was started, newest first"), usage::calls),
        program(Manage, Method::DELETE, "/api/keys/{id}", ends("Revoke an access key for good"), keys::revoke),
        program(Manage, Method::GET, "/api/sources", gives::<Page<sources::SourceShape>>("List sources"), sources::list),
        program(Manage, Method::POST, "/api/sources", takes::<sources::NewSource, sources::MadeSource>(201, "Create a source; its token is shown this once"), sources::create),
        program(Manage, Method::GET, "/api/sources/{id}", gives::<sources::SourceShape>("A source"), sources::get),
        program(Manage, Method::PATCH, "/api/sources/{id}", takes::<sources::SourceChange, sources::SourceShape>(200, "Rename a source, or let it add devices"), sources::change),
        program(Manage, Method::POST, "/api/sources/{id}/token", gives::<sources::MadeSource>("Give a source a new token; the one before is good for another day"), sources::rotate),
        program(Manage, Method::PUT, "/api/sources/{id}/broker", takes::<sources::NewBrokerShape, sources::SourceShape>(200, "Say which broker a source's messages are fetched from"), sources::fetch),
        program(Manage, Method::DELETE, "/api/sources/{id}/broker", ends("Fetch a source's messages from nowhere any more"), sources::fetch_no_more),
        program(Manage, Method::DELETE, "/api/sources/{id}", ends("Delete a source"), sources::delete),
        program(Manage, Method::GET, "/api/people", gives::<Page<people::PersonShape>>("List people"), people::list),
        program(Manage, Method::GET, "/api/people/{id}", gives::<people::PersonShape>("A person"), people::get),
        program(Manage, Method::PATCH, "/api/people/{id}", takes::<people::PersonRole, people::PersonShape>(200, "Change a person's role"), people::set_role),
        program(Manage, Method::DELETE, "/api/people/{id}", ends("Remove a person"), people::remove),
        program(Manage, Method::GET, "/api/invites", gives::<Page<people::InviteShape>>("List open invites"), people::invites),
        program(Manage, Method::POST, "/api/invites", takes::<people::NewInvite, people::MadeInvite>(201, "Invite a person; the link is shown this once"), people::invite),
        program(Manage, Method::DELETE, "/api/invites/{id}", ends("Take an invite back"), people::uninvite),
        program(Manage, Method::GET, "/api/sessions", gives::<Page<people::SessionShape>>("List who is signed in where"), people::sessions),
        program(Manage, Method::DELETE, "/api/sessions/{id}", ends("End a session"), people::end_session),
        program(Read, Method::GET, "/api/account", gives::<people::PersonShape>("Whoever is signed in"), account::get),
        program(Read, Method::PATCH, "/api/account", takes::<account::AccountChange, people::PersonShape>(200, "Change one's own name or time zone"), account::change),
        program(Read, Method::PUT, "/api/account/password", does::<account::PasswordChange>("Change one's own password; one's other sessions end"), account::change_password),
        program(Read, Method::GET, "/api/account/sessions", gives::<Page<people::SessionShape>>("List where oneself is signed in"), account::sessions),
        program(Read, Method::DELETE, "/api/account/sessions/{id}", ends("End a session of one's own"), account::end_session),
        program(Read, Method::GET, "/api/measurements", gives::<Page<organization::MeasurementShape>>("What can be measured"), organization::measurements),
        program(Manage, Method::GET, "/api/audit", asked::<Page<organization::DeedShape>>("Who did what, newest first", &PAGED), organization::audit),
        program(Operate, Method::GET, "/api/system", gives::<organization::SystemShape>("The station itself"), organization::system),
    ]
}

/// A route as tests walk it: method, path, and the right it takes, least first: 0 is anybody.
pub fn walk() -> impl Iterator<Item = (Method, &'static str, u8)> {
    routes().into_iter().map(|route| (route.method, route.path, route.right as u8))
}

/// Every page and the management API.
pub fn router(portal: PortalState) -> Router {
    let mut router = Router::new().route("/assets/{version}/{*name}", get(assets::serve));
    // How each thing reads that programs may change.
    let mut reads: HashMap<&str, Router> = HashMap::new();
    for Route { method, right, path, audience, call, .. } in routes() {
        let call = match audience {
            Audience::Programs if method == Method::GET => {
                let call = call.layer(from_fn(etag::answer));
                reads.insert(path, Router::new().route(path, call.clone()).with_state(portal.clone()));
                call
            }
            Audience::Programs => match reads.get(path) {
                Some(read) => call.layer(from_fn_with_state(read.clone(), etag::unless_outdated)),
                None => call,
            },
            Audience::People => call,
        };
        router = router.route(path, call.layer(from_fn_with_state((portal.clone(), right, audience), guard)));
    }
    router.fallback(lost).with_state(portal)
}
