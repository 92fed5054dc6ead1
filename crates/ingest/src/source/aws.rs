//! AWS IoT Core for LoRaWAN, by a rule with an HTTPS action.
//!
//! Before a rule posts anything, AWS posts an address to the destination, without the rule's headers,
//! and somebody has to open it. The station opens no address that a stranger sends: it tells its
//! operator.

use std::collections::BTreeMap;

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use model::{Frame, Source, SourceKind, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Message, Post,
    fields::{self, Head},
    lenient::{Lenient, Number},
    webhook,
};
use crate::{Accepted, IngestState, MessageKind, Refusal};

const EXPECTED: &str = "the JSON of AWS IoT Core for LoRaWAN, which has `PayloadData` and `WirelessMetadata`";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Up {
    #[serde(default)]
    payload_data: Option<String>,
    wireless_metadata: WirelessMetadata,
}

#[derive(Deserialize)]
struct WirelessMetadata {
    /// By name; AWS writes some names in more than one case.
    #[serde(rename = "LoRaWAN")]
    lorawan: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Gateway {
    #[serde(default)]
    gateway_eui: String,
    #[serde(default)]
    rssi: Lenient<Number>,
    #[serde(default)]
    snr: Lenient<Number>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Confirmation {
    message_type: String,
    #[serde(default)]
    arn: String,
    enable_url: String,
}

/// `POST /ingest/aws`
pub(crate) async fn receive(
    State(state): State<Arc<IngestState>>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let asked = body.as_deref().ok().and_then(|body| confirmation(&Post { body, ..Post::default() }));
    // With a token it is told to the source's owner as well, as any other warning.
    if let (Some(confirmation), false) = (asked, headers.contains_key(header::AUTHORIZATION)) {
        let warning = confirmation.to_string();
        tracing::warn!(arn = confirmation.arn, "{warning}");
        let told = Accepted { warnings: vec![warning], ..Accepted::default() };
        return (StatusCode::ACCEPTED, told).into_response();
    }
    webhook::receive(&state, SourceKind::Aws, read, &uri, &headers, body).await
}

/// Reads an uplink, or the confirmation of a destination.
///
/// **Errors**: a body that is neither, and a device that is not named.
pub fn read(post: &Post<'_>, source: &Source, received_at: Timestamp) -> Result<Message, Refusal> {
    if let Some(confirmation) = confirmation(post) {
        return Err(Refusal::Malformed(confirmation.to_string()));
    }
    let up: Up = post.json(EXPECTED)?;
    let lorawan = up.wireless_metadata.lorawan;
    let get = |name: &str| lorawan.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let text = |name| get(name).and_then(Value::as_str);
    let number = |name| get(name).and_then(|value| Number::deserialize(value).ok());
    let eui = fields::eui("WirelessMetadata.LoRaWAN.DevEui", text("DevEui").unwrap_or_default())?;
    let Some(data) = up.payload_data.filter(|data| !data.is_empty()) else { return Ok(Message::Other) };
    if get("FPort").is_some_and(|_| number("FPort").is_none()) {
        return Err(fields::malformed("`FPort` is not a number from 0 to 255"));
    }
    let gateways = get("Gateways").and_then(|list| Vec::<Value>::deserialize(list).ok()).unwrap_or_default();
    let gateways = gateways.into_iter().take(fields::RECEPTIONS_MAX).filter_map(|gateway| {
        let gateway: Gateway = serde_json::from_str(&gateway.to_string()).ok()?;
        Some(fields::reception(&gateway.gateway_eui, gateway.rssi.0, gateway.snr.0))
    });
    let frame = Frame {
        f_port: fields::f_port("FPort", number("FPort"))?,
        f_cnt: number("FCnt").and_then(Number::whole),
        payload: fields::payload("PayloadData", &data)?,
        frequency_hz: number("Frequency").and_then(Number::whole).unwrap_or_default(),
        data_rate: number("DataRate").and_then(Number::whole),
        receptions: gateways.collect(),
        fault: None,
    };
    let head = Head {
        eui,
        id: String::new(),
        sent_at: text("Timestamp").map(fields::timestamp),
        model_hints: Vec::new(),
        name: String::new(),
    };
    Ok(Message::Uplink(head.into_uplink(MessageKind::Uplink, source, received_at, frame)))
}

/// What the body asks to confirm, if that is what it is, and the address is one of AWS.
fn confirmation(post: &Post<'_>) -> Option<Confirmation> {
    const LENGTH_MAX: usize = 2_048;
    let asked: Confirmation = post.json("").ok()?;
    let host = asked.enable_url.strip_prefix("https://")?.split(['/', '?', '#', '\\']).next()?;
    let is_of_aws = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
    let is_plain = asked.enable_url.len() <= LENGTH_MAX && asked.enable_url.bytes().all(|byte| byte.is_ascii_graphic());
    (asked.message_type == "DestinationConfirmation" && is_of_aws && is_plain && !host.contains('@')).then_some(asked)
}

impl std::fmt::Display for Confirmation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AWS asks to confirm a destination; if you have just made it, open `{}`", self.enable_url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message_type: &str, url: &str, expected: bool) {
        let body = serde_json::json!({"messageType": message_type, "enableUrl": url}).to_string();
        let post = Post { body: body.as_bytes(), ..Post::default() };
        assert_eq!(confirmation(&post).is_some(), expected, "{url}");
    }

    #[test]
    fn only_an_address_of_aws_is_told_to_the_operator() {
        let good = "https://iot.us-east-1.amazonaws.com/confirmdestination/AY2c";
        check("DestinationConfirmation", good, true);
        check("Uplink", good, false);
        for url in [
            "http://iot.us-east-1.amazonaws.com/a",
            "https://evil.example/iot.us-east-1.amazonaws.com",
            "https://evil.example?.amazonaws.com",
            "https://evil.example\\.amazonaws.com",
            "https://evil.example#.amazonaws.com",
            "https://me@iot.amazonaws.com/a",
            "https://iot.amazonaws.com.evil.example/",
            "https://iot.amazonaws.com/a b",
        ] {
            check("DestinationConfirmation", url, false);
        }
    }
}
