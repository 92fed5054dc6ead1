//! What a station has that scenarios ask about: `{node}`, `{gateway}`, `{channel}`, `{measurement}`,
//! `{group}`, `{now}`, `{day_ago}`, and `{unknown}`, which it does not have.

use std::{collections::BTreeMap, time::SystemTime};

use anyhow::ensure;
use client::{Client, DeviceType};
use serde_json::Value;

use super::Target;
use crate::{
    connection::Connection,
    station::{Station, uplink},
};

const NODE: u64 = 0x2CF7_F120_0410_0005;
const DAY_MS: i64 = 86_400_000;

/// What stands for what.
pub(super) struct Places(BTreeMap<&'static str, String>);

/// Puts a node with a few uplinks and a group into a station.
pub(super) fn furnish(station: &Station, target: &Target) -> anyhow::Result<()> {
    let made = target.ask("POST", "/openapi/create_group?name=Field", &[], "")?;
    ensure!(made.body["code"] == "0", "no group can be made: {}", made.body);
    let mut connection = Connection::open(station.address)?;
    for number in 0..3 {
        let body = uplink(NODE, number, now_ms()? - 600_000 + 60_000 * number as i64);
        let answer = connection.ask(&station.post(&body))?;
        ensure!(answer.status == 200, "an uplink is refused with {}", answer.status);
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a chore reads the clock itself")]
fn now_ms() -> anyhow::Result<i64> {
    Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis().try_into()?)
}

impl Places {
    /// Asks a station what it has.
    pub(super) fn find(client: &Client) -> anyhow::Result<Self> {
        let mut found = BTreeMap::from([("unknown", "5EFFFFFFFFFFFFFE".to_owned())]);
        let now_ms = now_ms()?;
        found.insert("now", now_ms.to_string());
        found.insert("day_ago", (now_ms - DAY_MS).to_string());
        let gateways = client.list_devices(DeviceType::Gateway, None)?.data;
        found.extend(gateways.first().map(|gateway| ("gateway", gateway.device_eui.to_string())));
        // The first is the default group.
        let groups = client.list_groups()?.data;
        found.extend(groups.get(1).map(|group| ("group", group.group_uuid.clone())));
        for node in client.list_devices(DeviceType::Node, None)?.data {
            let latest = client.view_latest_telemetry_data(node.device_eui, None, None)?.data;
            let first = latest.iter().find_map(|of| Some((of.channel_index, of.points.first()?.measurement)));
            if let Some((channel, measurement)) = first {
                let eui = node.device_eui.to_string();
                found.insert("node_lower", eui.to_ascii_lowercase());
                found.insert("node", eui);
                found.insert("channel", channel.to_string());
                found.insert("measurement", measurement.to_string());
                break;
            }
        }
        Ok(Self(found))
    }

    /// A text with what it names filled in; `None` if the station has no such thing.
    pub(super) fn fill(&self, text: &str) -> Option<String> {
        let mut filled = text.to_owned();
        for (name, value) in &self.0 {
            filled = filled.replace(&format!("{{{name}}}"), value);
        }
        let names = ["node", "node_lower", "gateway", "group", "channel", "measurement"];
        let is_missing = names.iter().any(|name| filled.contains(&format!("{{{name}}}")));
        (!is_missing).then_some(filled)
    }

    /// As [`Places::fill`], everywhere in a value; a text that is a number's place becomes a number
    /// where it is written `"{{name}}"`.
    pub(super) fn fill_value(&self, value: &Value) -> Option<Value> {
        Some(match value {
            Value::String(text) => match text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}")) {
                Some(name) => self.0.get(name)?.parse::<i64>().ok()?.into(),
                None => self.fill(text)?.into(),
            },
            Value::Array(items) => items.iter().map(|item| self.fill_value(item)).collect::<Option<_>>()?,
            Value::Object(fields) => {
                fields.iter().map(|(key, value)| Some((key.clone(), self.fill_value(value)?))).collect::<Option<_>>()?
            }
            other => other.clone(),
        })
    }
}
