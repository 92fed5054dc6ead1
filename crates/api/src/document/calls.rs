//! What can be called, a paragraph each.

use serde_json::{Value, json};

use super::schema::{eui, list, object, reference, text, whole};

pub(super) const TAGS: [&str; 7] = [ORGANIZATION, GROUPS, DEVICES, READINGS, REFERENCE, OLDER, FIRST];
const ORGANIZATION: &str = "Organization";
const GROUPS: &str = "Groups";
const DEVICES: &str = "Devices";
const READINGS: &str = "Readings";
const REFERENCE: &str = "Reference";
const OLDER: &str = "Older paths";
const FIRST: &str = "API of 2019";

/// The device of the examples.
const NODE: &str = "2CF7F12004100005";
const GATEWAY: &str = "2CF7F1C044000012";
/// A device that nobody has bound.
const UNBOUND: &str = "2CF7F12004100099";
const GROUP: &str = "223E75BC14B4111D";

/// One path, called in one way.
pub(super) struct Call {
    pub(super) path: &'static str,
    pub(super) methods: &'static [&'static str],
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    pub(super) in_path: Option<Parameter>,
    pub(super) takes: Vec<Parameter>,
    /// The shape of the data; `None` where there never is any.
    pub(super) gives: Option<Value>,
    pub(super) refuses: &'static [u32],
    /// Whether it takes the scope `write`.
    pub(super) changes: bool,
    /// Whether it answers in the envelope of 2019.
    pub(super) is_first: bool,
    /// Whether its answers have versions, so that one that the caller has is not sent again.
    pub(super) has_versions: bool,
    /// Whether it answers everybody, without an envelope.
    pub(super) is_open: bool,
}

impl Call {
    fn takes(self, takes: impl IntoIterator<Item = Parameter>) -> Self {
        Self { takes: takes.into_iter().collect(), ..self }
    }

    fn of(self, in_path: Parameter) -> Self {
        Self { in_path: Some(in_path), ..self }
    }

    fn refuses(self, refuses: &'static [u32]) -> Self {
        Self { refuses, ..self }
    }

    /// Sent by one method alone.
    fn by(self, methods: &'static [&'static str]) -> Self {
        Self { methods, ..self }
    }

    fn needs_write(self) -> Self {
        Self { changes: true, ..self }
    }

    fn first(self) -> Self {
        Self { is_first: true, ..self }
    }

    fn in_versions(self) -> Self {
        Self { has_versions: true, ..self }
    }
}

/// A call that reads, by GET or POST.
fn reads(path: &'static str, tag: &'static str, summary: &'static str, gives: Value) -> Call {
    Call {
        path,
        methods: &["get", "post"],
        tag,
        summary,
        in_path: None,
        takes: Vec::new(),
        gives: Some(gives),
        refuses: &[],
        changes: false,
        is_first: false,
        has_versions: false,
        is_open: false,
    }
}

/// A call that changes something, by POST.
fn changes(path: &'static str, tag: &'static str, summary: &'static str, gives: Value) -> Call {
    reads(path, tag, summary, gives).by(&["post"]).needs_write()
}

/// Something that a call may be sent.
#[derive(Clone)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    about: &'static str,
    schema: Value,
    pub(super) is_needed: bool,
    pub(super) example: Option<Value>,
}

impl Parameter {
    /// As it stands in a path or a query.
    pub(super) fn at(&self, place: &str) -> Value {
        let Self { name, about, schema, is_needed, example } = self;
        let mut shown =
            json!({ "name": name, "in": place, "required": is_needed, "description": about, "schema": schema });
        if let Some(example) = example {
            shown["example"] = example.clone();
        }
        shown
    }

    /// As it stands in a body.
    pub(super) fn described(&self) -> Value {
        let mut schema = self.schema.clone();
        schema["description"] = self.about.into();
        schema
    }

    fn needed(self) -> Self {
        Self { is_needed: true, ..self }
    }

    fn such_as(self, example: impl Into<Value>) -> Self {
        Self { example: Some(example.into()), ..self }
    }
}

const fn may(name: &'static str, about: &'static str, schema: Value) -> Parameter {
    Parameter { name, about, schema, is_needed: false, example: None }
}

/// What callers may write in either case.
fn any_eui() -> Value {
    json!({ "type": "string", "pattern": "^[0-9A-Fa-f]{16}$" })
}

fn one(name: &'static str) -> Parameter {
    may(name, "The device, by the 16 hex digits of its label.", any_eui()).needed().such_as(NODE)
}

fn several(name: &'static str) -> Parameter {
    let schema = json!({ "type": "array", "items": any_eui(), "minItems": 1, "maxItems": 50 });
    may(name, "The devices, at most 50.", schema).needed().such_as(json!([NODE]))
}

fn in_path(eui: &str) -> Parameter {
    may("eui", "The device.", any_eui()).needed().such_as(eui)
}

fn group_in_path() -> Parameter {
    may("unique_name", "The group.", text("")).needed().such_as(GROUP)
}

fn own_group() -> Parameter {
    may("group_uuid", "The group.", text("")).needed().such_as(GROUP)
}

fn name() -> Parameter {
    let schema = json!({ "type": "string", "minLength": 1, "maxLength": 64 });
    may("name", "What people call it; each name once.", schema).needed().such_as("Barn")
}

fn channel(name: &'static str) -> Parameter {
    let schema = json!({ "type": "integer", "minimum": 0, "maximum": 65535 });
    may(name, "One channel; all where it is absent.", schema).such_as(1)
}

fn measurement(name: &'static str) -> Parameter {
    let schema = json!({ "type": "string", "pattern": "^[0-9]{1,9}$" });
    may(name, "One measurement; all where it is absent.", schema).such_as("4097")
}

fn window() -> [Parameter; 2] {
    [
        may("time_start", "Milliseconds since 1970, inclusive; a day before the end where it is absent.", whole("")),
        may("time_end", "Milliseconds since 1970, inclusive; now where it is absent.", whole("")),
    ]
}

fn minutes(name: &'static str, about: &'static str) -> Parameter {
    may(name, about, json!({ "type": "integer", "minimum": 1 })).such_as(60)
}

fn label() -> [Parameter; 2] {
    [
        may("eui", "The EUI of the label.", any_eui()).needed().such_as(UNBOUND),
        may("code", "The code of the label.", text("")).needed().such_as("0123456789ABCDEF"),
    ]
}

fn placed(group: &'static str) -> [Parameter; 4] {
    [
        may("device_name", "What people call it.", text("")),
        may(group, "The group it comes into.", text("")),
        may("longitude", "Degrees.", json!({ "type": "number", "minimum": -180, "maximum": 180 })),
        may("latitude", "Degrees.", json!({ "type": "number", "minimum": -90, "maximum": 90 })),
    ]
}

fn pages() -> [Parameter; 2] {
    let positive = || json!({ "type": "integer", "minimum": 1 });
    [
        may("offset", "Which page, from 1.", positive()).such_as(1),
        may("length", "How many a page has; 20 where it is absent.", positive()).such_as(20),
    ]
}

fn nothing() -> Value {
    json!({ "type": "object" })
}

fn empty_text() -> Value {
    json!({ "const": "" })
}

/// What a code means, in a few words.
pub(super) const fn meaning(code: u32) -> &'static str {
    match code {
        11201 => "the key may not do this",
        11203 => "no EUI",
        11206 => "too many development kits",
        11303 => "no device of this organization",
        11317 => "no such group",
        11327 => "a group has this name",
        11330 => "EUI or code is wrong",
        11334 => "bound already",
        _ => "see the access guide",
    }
}

/// Every call, in the order of the document.
pub(super) fn calls() -> Vec<Call> {
    [organization(), devices(), readings(), older(), first()].into_iter().flatten().collect()
}

fn organization() -> Vec<Call> {
    let org_id = json!({ "type": "string", "pattern": "^[0-9]{1,19}$" });
    let moved = json!({ "type": "array", "items": any_eui(), "minItems": 1, "maxItems": 50 });
    vec![
        reads(
            "/openapi/view_organization",
            ORGANIZATION,
            "The organization of the key",
            object([("org_id", org_id.clone()), ("orgId", org_id)]),
        ),
        reads("/openapi/list_groups", GROUPS, "The groups, the default one first", list(reference("Group")))
            .takes([may("group_uuids", "Only these; the empty text is the default group.", list(text("")))]),
        changes("/openapi/create_group", GROUPS, "Make a group", reference("Group")).takes([name()]).refuses(&[11327]),
        changes("/openapi/update_group", GROUPS, "Rename a group", nothing())
            .takes([own_group(), name()])
            .refuses(&[11317, 11327]),
        changes("/openapi/delete_group", GROUPS, "Delete a group; its devices move to the default one", nothing())
            .takes([own_group()])
            .refuses(&[11317]),
        changes("/openapi/move_devices_to_group", GROUPS, "Move devices into a group", nothing())
            .takes([
                may("group_uuid", "The group; the empty text is the default one.", text("")).needed().such_as(""),
                may("devices", "The devices, at most 50.", moved).needed().such_as(json!([NODE])),
            ])
            .refuses(&[11203, 11303, 11317]),
    ]
}

fn devices() -> Vec<Call> {
    let kind = json!({ "type": "integer", "enum": [1, 2] });
    let cycle = json!({ "type": "integer", "minimum": 1, "maximum": 1440 });
    let sku = json!({ "const": "blank_device" });
    vec![
        reads("/openapi/list_devices", DEVICES, "Gateways or nodes", list(reference("Device")))
            .takes([
                may("device_type", "1 gateways, 2 nodes; nodes where it is absent.", kind),
                may("group_uuid", "Only those of a group; the empty text is the default one.", text("")),
            ])
            .refuses(&[11317]),
        reads("/openapi/view_devices", DEVICES, "What is known of devices", list(reference("DeviceDetail")))
            .takes([several("device_euis")])
            .refuses(&[11203, 11303]),
        reads(
            "/openapi/list_device_channels",
            DEVICES,
            "The channels of devices and what sits on them",
            list(reference("DeviceChannels")),
        )
        .takes([several("device_euis")])
        .refuses(&[11203, 11303]),
        reads(
            "/openapi/view_device_running_status",
            DEVICES,
            "How devices are doing",
            list(reference("RunningStatus")),
        )
        .takes([several("device_euis")])
        .refuses(&[11203, 11303]),
        changes("/openapi/bind_device", DEVICES, "Bind a device by what is on its label", nothing())
            .takes(label().into_iter().chain(placed("group_uuid")))
            .refuses(&[11203, 11317, 11330, 11334]),
        changes("/openapi/delete_devices", DEVICES, "Unbind devices; what they sent is kept", nothing())
            .takes([several("device_euis")])
            .refuses(&[11203, 11303]),
        changes("/openapi/update_device_report_cycle", DEVICES, "Keep how often devices are to report", nothing())
            .takes([several("device_euis"), may("report_cycle", "Minutes.", cycle).needed().such_as(60)])
            .refuses(&[11203, 11303]),
        reads("/openapi/view_simcard", DEVICES, "The SIM card of a device; none has one", reference("Sim"))
            .takes([one("device_eui")])
            .refuses(&[11203, 11303]),
        changes(
            "/openapi/device/create_development_kit",
            DEVICES,
            "Make a device that reports for itself",
            object([("eui", eui()), ("device_key", text("Shown again by `view_node_key`."))]),
        )
        .takes([
            may("dev_name", "What people call it.", json!({ "type": "string", "minLength": 1, "maxLength": 64 }))
                .needed()
                .such_as("Watcher"),
            may("sku", "Always this.", sku).such_as("blank_device"),
        ])
        .refuses(&[11206]),
        reads(
            "/openapi/device/view_node_key",
            DEVICES,
            "What a device proves itself with",
            object([("device_key", text("")), ("token", text("What its reports are sent with."))]),
        )
        .needs_write()
        .takes([one("node_eui")])
        .refuses(&[11203, 11303]),
    ]
}

fn readings() -> Vec<Call> {
    let [from, to] = window();
    let definitions = object([("en", nothing()), ("zh-cn", nothing()), ("sm", nothing()), ("rg", nothing())]);
    vec![
        reads(
            "/openapi/view_latest_telemetry_data",
            READINGS,
            "The newest reading of each series",
            list(reference("Latest")),
        )
        .takes([one("device_eui"), channel("channel_index"), measurement("measurement_id")])
        .in_versions()
        .refuses(&[11203, 11303]),
        reads(
            "/openapi/list_telemetry_data",
            READINGS,
            "The newest readings of a window, at most 1000 over all series",
            reference("Telemetry"),
        )
        .takes([
            one("device_eui"),
            channel("channel_index"),
            measurement("measurement_id"),
            may("limit", "How many, at most 1000.", whole("")),
            from.clone(),
            to.clone(),
        ])
        .in_versions()
        .refuses(&[11203, 11303]),
        reads(
            "/openapi/aggregate_chart_points",
            READINGS,
            "Averages over buckets of time, at most 250 of each series",
            list(reference("ChartPoints")),
        )
        .takes([
            one("device_eui"),
            channel("channel_index"),
            measurement("measurement_id"),
            minutes("interval", "Minutes; 60 where it is absent, and more where it would give too many."),
            from,
            to,
        ])
        .in_versions()
        .refuses(&[11203, 11303]),
        Call {
            gives: None,
            ..reads(
                "/openapi/ai/view_suggestion_by_measurements",
                READINGS,
                "Suggestions: refused, a station has nobody to ask",
                nothing(),
            )
            .refuses(&[11201])
        },
        reads("/openapi/list_measurement_reference", REFERENCE, "What sensors measure", list(reference("SensorType"))),
        Call {
            is_open: true,
            ..reads("/refer/def/sensor.json", REFERENCE, "Names, units and ranges, for everybody", definitions)
                .by(&["get"])
        },
    ]
}

fn older() -> Vec<Call> {
    vec![
        reads("/openapi/device/list_euis", OLDER, "Every EUI", reference("Euis")),
        reads("/openapi/device/node/{eui}", OLDER, "A node, in the shape of 2019", reference("FirstDevice"))
            .of(in_path(NODE))
            .refuses(&[11203, 11303])
            .first(),
        changes("/openapi/device/bind", OLDER, "As `bind_device`", nothing())
            .takes(label().into_iter().chain(placed("group_uuid")))
            .refuses(&[11203, 11317, 11330, 11334]),
        reads("/openapi/channel/list/{eui}", OLDER, "The channels of a device", list(reference("Channel")))
            .of(in_path(NODE))
            .refuses(&[11203, 11303]),
        reads("/openapi/sensor/measurements", OLDER, "What sensors measure", list(reference("FirstMeasures"))).first(),
    ]
}

fn first() -> Vec<Call> {
    let [from, to] = window();
    let note = || may("description", "A note.", text(""));
    let called = || may("dev_name", "What people call it.", text("")).such_as("Roof");
    let grouped = || may("group_unique_name", "The group it comes into.", text(""));
    let country = json!({ "type": "string", "pattern": "^[A-Za-z]{3}$" });
    let antenna = json!({ "enum": ["indoor", "outdoor"] });
    let grouped_nodes = object([
        ("group_name", text("")),
        ("group_unique_name", text("")),
        ("devices", list(reference("FirstDevice"))),
    ]);
    let made = object([("name", text("")), ("unique_name", text("")), ("org_id", text("")), ("created", text(""))]);
    let points = object([("channel", text("")), ("points", list(reference("FirstPoint")))]);
    let series = |rows: (&'static str, Value)| {
        list(object([("channel", text("")), ("channel_name", text("")), ("name", text("")), ("unit", text("")), rows]))
    };
    let bucket = object([("created", text("Seconds since 1970.")), ("avg", text("")), ("peak", text(""))]);
    let first = |call: Call| call.first();
    vec![
        reads("/1.0/lists/devices/eui", FIRST, "Every EUI", reference("Euis")).takes(pages()),
        reads("/1.0/lists/gateway", FIRST, "A page of the gateways", reference("FirstPage")).takes(pages()),
        reads("/1.0/lists/node", FIRST, "A page of the nodes", reference("FirstPage")).takes(pages()),
        reads("/1.0/lists/sensor/measure", FIRST, "What sensors measure", list(reference("FirstMeasures"))),
        reads("/1.0/lists/group", FIRST, "The groups and their devices' number", list(reference("FirstGroup"))),
        reads("/1.0/lists/group/devices", FIRST, "The nodes of every group", object([("node", list(grouped_nodes))])),
        reads("/1.0/gateway/{eui}", FIRST, "A gateway", reference("FirstDevice"))
            .by(&["get"])
            .of(in_path(GATEWAY))
            .refuses(&[11203, 11303]),
        changes("/1.0/gateway/{eui}", FIRST, "Change a gateway", empty_text())
            .by(&["patch"])
            .of(in_path(GATEWAY))
            .takes([
                called(),
                grouped(),
                note(),
                may("dev_country", "Three letters of ISO 3166-1.", country),
                may("antenna_placement", "Where its antenna is.", antenna),
            ])
            .refuses(&[11203, 11303, 11317]),
        changes("/1.0/gateway/{eui}", FIRST, "Unbind a gateway", empty_text())
            .by(&["delete"])
            .of(in_path(GATEWAY))
            .refuses(&[11203, 11303]),
        reads("/1.0/node/{eui}", FIRST, "A node", reference("FirstDevice"))
            .by(&["get"])
            .of(in_path(NODE))
            .refuses(&[11203, 11303]),
        changes("/1.0/node/{eui}", FIRST, "Change a node", empty_text())
            .by(&["patch"])
            .of(in_path(NODE))
            .takes([called(), grouped(), note()])
            .refuses(&[11203, 11303, 11317]),
        changes("/1.0/node/{eui}", FIRST, "Unbind a node", empty_text())
            .by(&["delete"])
            .of(in_path(NODE))
            .refuses(&[11203, 11303]),
        changes(
            "/1.0/device/check_eui",
            FIRST,
            "Whether a device could be bound with a code",
            object([("check", json!({ "enum": ["0", "1"] }))]),
        )
        .takes(label())
        .refuses(&[11203]),
        changes("/1.0/device/bind", FIRST, "Bind a device by what is on its label", nothing())
            .takes(label().into_iter().chain(placed("group_unique_name")))
            .refuses(&[11203, 11317, 11330, 11334]),
        changes("/1.0/group", FIRST, "Make a group", made).takes([name()]).refuses(&[11327]),
        changes("/1.0/group/{unique_name}", FIRST, "Rename a group", empty_text())
            .by(&["patch"])
            .of(group_in_path())
            .takes([name()])
            .refuses(&[11317, 11327]),
        changes("/1.0/group/{unique_name}", FIRST, "Delete a group", empty_text())
            .by(&["delete"])
            .of(group_in_path())
            .refuses(&[11317]),
        changes("/1.0/group/{unique_name}/devices", FIRST, "Move a device into a group", empty_text())
            .by(&["post", "put", "patch", "delete"])
            .of(group_in_path())
            .takes([one("eui")])
            .refuses(&[11203, 11303, 11317]),
        reads("/1.0/devices/data/{eui}/latest", FIRST, "The newest reading of each series", list(points))
            .of(in_path(NODE))
            .takes([measurement("measure_id"), channel("channel")])
            .in_versions()
            .refuses(&[11203, 11303]),
        reads(
            "/1.0/devices/data/{eui}/raw",
            FIRST,
            "The newest readings of a window, at most 400 of each series",
            series(("points", list(reference("FirstPoint")))),
        )
        .of(in_path(NODE))
        .takes([
            measurement("measure_id"),
            channel("channel"),
            may("limit", "How many of each series, at most 400.", whole("")),
            from.clone(),
            to.clone(),
        ])
        .in_versions()
        .refuses(&[11203, 11303]),
        reads(
            "/1.0/devices/data/{eui}/segment",
            FIRST,
            "Average and peak over buckets of time",
            series(("list", list(bucket))),
        )
        .of(in_path(NODE))
        .takes([
            measurement("measure_id"),
            channel("channel"),
            minutes("segment", "Minutes; 60 where it is absent."),
            from,
            to,
        ])
        .in_versions()
        .refuses(&[11203, 11303]),
    ]
    .into_iter()
    .map(first)
    .collect()
}
