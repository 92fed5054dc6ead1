use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
};
use serde::Serialize;

use super::{auth::authenticate, envelope::Fault};
use crate::IngestState;

/// How long a device is told that its token is good; it then asks for the same one again.
const GOOD_FOR_MS: i64 = 30 * 24 * 3_600_000;

/// The one answer of the contract whose code is a number.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    code: u8,
    data: Login,
}

/// Where and with what a device signs in to the broker; every value is text.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Login {
    server_url: String,
    mqtt_port: String,
    mqtts_port: String,
    token: String,
    expires_in: String,
}

/// `GET /deviceapi/hardware/iotjoin/requestMqttToken`
pub(crate) async fn mqtt_token(
    State(state): State<Arc<IngestState>>,
    headers: HeaderMap,
) -> Result<Json<Answer>, Fault> {
    let device = authenticate(state.store.as_ref(), &state.devices.station_key, &headers).await?;
    let port = |port: Option<u16>| port.map(|port| port.to_string()).unwrap_or_default();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let data = Login {
        server_url: without_port(host).to_owned(),
        mqtt_port: port(state.devices.mqtt_port),
        mqtts_port: port(state.devices.mqtts_port),
        token: state.devices.station_key.mqtt_token(device.org, device.eui, device.generation),
        expires_in: (state.now)().plus_ms(GOOD_FOR_MS).as_millis().to_string(),
    };
    Ok(Json(Answer { code: 0, data }))
}

/// The host that the device reached the station by, which it reaches the broker by as well.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_http_is_left_out() {
        for (host, name) in [
            ("station.farm:8080", "station.farm"),
            ("station.farm", "station.farm"),
            ("[::1]:8080", "[::1]"),
            ("[::1]", "[::1]"),
            ("", ""),
        ] {
            assert_eq!(without_port(host), name);
        }
    }
}
