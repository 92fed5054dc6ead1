//! The shapes of answers.

use serde_json::{Map, Value, json};

/// Something that is named among the components.
pub(super) fn named(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

pub(super) fn reference(name: &str) -> Value {
    named("schemas", name)
}

pub(super) fn text(about: &str) -> Value {
    about_it("string", about)
}

pub(super) fn number(about: &str) -> Value {
    about_it("number", about)
}

pub(super) fn whole(about: &str) -> Value {
    about_it("integer", about)
}

fn about_it(kind: &str, about: &str) -> Value {
    if about.is_empty() { json!({ "type": kind }) } else { json!({ "type": kind, "description": about }) }
}

/// 16 hex digits, in upper case where it comes from here.
pub(super) fn eui() -> Value {
    json!({ "type": "string", "pattern": "^[0-9A-F]{16}$" })
}

fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

pub(super) fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

/// An object that has all of these.
pub(super) fn object<const N: usize>(properties: [(&str, Value); N]) -> Value {
    let needed = properties.each_ref().map(|(name, _)| name.to_owned());
    let properties: Map<_, _> = properties.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    json!({ "type": "object", "properties": properties, "required": needed.as_slice() })
}

/// Every shape that has a name.
pub(super) fn schemas() -> Value {
    let failure = json!({
        "type": "object",
        "description": "Why a call was not done.",
        "properties": {
            "code": { "type": "string", "pattern": "^[1-9][0-9]*$", "description": "Decimal digits, never `0`." },
            "msg": text("What to do about it."),
        },
        "required": ["code", "msg"],
    });
    let value = json!({
        "description": "A number; an array for positions by Wi-Fi or Bluetooth (5001, 5002) and for events (5003); a \
            text for what a device says in words.",
        "type": ["number", "string", "array", "object", "null"],
    });
    let heads_and_points = json!({
        "type": "array",
        "description": "Two arrays of one length: heads `[channel, measurement id]`, and for each its points \
            `[value, time]`, newest first.",
        "items": { "type": "array" },
        "minItems": 2,
        "maxItems": 2,
    });
    let status = [
        ("device_eui", eui()),
        ("latest_message_time", time()),
        ("online_status", whole("1: heard within three report intervals; 0: not.")),
        ("battery_status", whole("1 good, 0 low.")),
        ("battery_digit", number("Percent.")),
        ("report_frequency", number("Minutes; -1 where it is not known.")),
        ("expired_time", time()),
        ("be_quota", whole("Always 0.")),
    ];
    let detail = [
        ("device_eui", eui()),
        ("device_name", text("")),
        ("frequency", text("")),
        ("device_network", whole("1 is LoRaWAN.")),
        ("position", object([("latitude", number("")), ("longitude", number(""))])),
        ("position_source", whole("0: set by hand; 1: from the device.")),
        ("hardware_version", text("")),
        ("software_version", text("")),
        ("sim", reference("Sim")),
    ];
    let sim = [
        ("iccid", text("")),
        ("msisdn", text("")),
        ("activateTime", text("")),
        ("expiryDate", text("")),
        ("status", whole("")),
        ("flow", number("")),
        ("residueFlow", number("")),
    ];
    let channel = [
        ("channel_index", whole("")),
        ("sensor_id", text("")),
        ("sensor_status", whole("1 is normal.")),
        ("sensor_type", text("")),
        ("channel_name", text("")),
        ("measurement_ids", list(text(""))),
    ];
    let measured = [("measurement_id", text("")), ("measurement_name", text("")), ("measurement_unit", text(""))];
    let latest = [("measurement_value", reference("Value")), ("measurement_id", text("")), ("time", time())];
    let average = [("time", time()), ("measurement_id", text("")), ("average_value", number(""))];
    let measure = [("measure_id", text("")), ("measure_name", text("")), ("measure_unit", text(""))];
    let point = [
        ("name", text("")),
        ("unit", text("")),
        ("value", text("")),
        ("measurement_id", text("")),
        ("created", text("Milliseconds since 1970.")),
    ];
    json!({
        "Failure": failure,
        "Value": value,
        "Group": object([("group_name", text("")), ("group_uuid", text("16 hex digits; empty for the default group."))]),
        "Device": object([
            ("device_eui", eui()),
            ("device_name", text("")),
            ("be_quota", text("Always `0`.")),
            ("expired_time", text("Always empty.")),
        ]),
        "DeviceDetail": object(detail),
        "Sim": object(sim),
        "Channel": object(channel),
        "DeviceChannels":
            object([("device_eui", eui()), ("device_name", text("")), ("channels", list(reference("Channel")))]),
        "RunningStatus": object(status),
        "SensorType": object([
            ("sensor_type", text("")),
            ("sensor_name", text("")),
            ("sensor_measurement", list(object(measured))),
        ]),
        "Latest": object([("channel_index", whole("")), ("points", list(object(latest)))]),
        "Telemetry": object([("list", heads_and_points)]),
        "ChartPoints": object([("channel", whole("")), ("lists", list(object(average)))]),
        "Euis": object([("gateway", list(eui())), ("node", list(eui()))]),
        "FirstDevice": object([("dev_eui", eui()), ("dev_name", text(""))]),
        "FirstPage": object([
            ("page", object([("count", text("How many there are in all."))])),
            ("list", list(reference("FirstDevice"))),
        ]),
        "FirstGroup": object([
            ("name", text("")),
            ("group_unique_name", text("")),
            ("dev_cnt", text("")),
            ("online_cnt", text("")),
            ("created", text("")),
        ]),
        "FirstMeasures": object([
            ("sensor_id", text("")),
            ("sensor_name", text("")),
            ("sensor_measure", list(object(measure))),
        ]),
        "FirstPoint": object(point),
    })
}
