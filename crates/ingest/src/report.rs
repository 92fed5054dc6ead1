//! Readings that come as such, without a payload to decode.

use std::sync::Arc;

use model::{
    ChannelIndex, Device, DeviceEui, DeviceKind, Frame, MeasurementId, Reading, RowFlags, Source, SourceId, SourceKind,
    Timestamp, Uplink, Value, measurement, status,
};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use store::{Binding, NewRow, Store};

use crate::{
    Accepted, MessageKind, Refusal, StatusReport, dedup_key,
    pipeline::{append, believable, find_device, origin, stored_uplink},
};

/// What a device without a codec is called among the models.
const MODEL: &str = "blank_device";

/// How many measurements that nobody knows are named in one warning.
const NAMED_MAX: usize = 16;

/// What one device measured at one time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    pub(crate) eui: DeviceEui,
    pub(crate) at: Timestamp,
    pub(crate) readings: Vec<Reading>,
}

impl Report {
    /// The report as a source brought it. The same readings at the same time are the same report.
    pub(crate) fn by(self, source: &Source, received_at: Timestamp) -> StatusReport {
        self.from(source.org, source.id, received_at)
    }

    /// The report as its device brought it.
    pub(crate) fn of(self, device: &Device, received_at: Timestamp) -> StatusReport {
        self.from(device.org, SourceId::DEVICES, received_at)
    }

    fn from(self, org: model::OrgId, source: SourceId, received_at: Timestamp) -> StatusReport {
        let Self { eui, at, readings } = self;
        let mut content = Sha256::new();
        content.update(eui.get().to_be_bytes());
        content.update(at.as_millis().to_be_bytes());
        for reading in &readings {
            content.update(format!("{} {} {:?};", reading.series.channel, reading.series.measurement, reading.value));
        }
        let id = content.finalize().iter().fold(String::new(), |id, byte| id + &format!("{byte:02x}"));
        let uplink = Uplink {
            org,
            source,
            eui,
            sent_at: at,
            received_at,
            dedup: dedup_key(source, MessageKind::Uplink, Some(&id), eui, None, at),
            frame: Frame::default(),
            model_hints: Vec::new(),
            name_hint: String::new(),
        };
        StatusReport { uplink, statuses: readings }
    }
}

/// Takes readings into the store, all in one commit or none.
///
/// **Errors**: nothing of any is stored, for the reason that the first one gave.
pub async fn accept_reports(
    store: &dyn Store,
    source: &Source,
    reports: Vec<StatusReport>,
) -> Result<Accepted, Refusal> {
    let mut found = Vec::with_capacity(reports.len());
    for report in reports {
        found.push((find_or_bind(store, source, &report.uplink).await?, report));
    }
    store_reports(store, origin(source), found).await
}

/// As [`accept_reports`], for devices that are known already.
pub(crate) async fn store_reports(
    store: &dyn Store,
    flags: RowFlags,
    reports: Vec<(Arc<Device>, StatusReport)>,
) -> Result<Accepted, Refusal> {
    let mut ready = Vec::with_capacity(reports.len());
    let mut warnings = Vec::new();
    let mut unknown: Vec<MeasurementId> = Vec::new();
    for (device, StatusReport { uplink, statuses: readings }) in reports {
        let (measured_at, clock) = believable(uplink.sent_at, uplink.received_at);
        if clock.has(RowFlags::CLAMPED) {
            warnings.push(format!(
                "the time `{}` of device `{}` cannot be right; the time of receipt was taken instead",
                uplink.sent_at, device.eui
            ));
        }
        unknown.extend(readings.iter().map(|reading| reading.series.measurement).filter(|id| !is_known(*id)));
        let rows = vec![NewRow { measured_at, flags: clock.with(flags), readings }];
        let stored = stored_uplink(&device, uplink, model::CodecVersion::default(), rows);
        ready.push((store::StoredUplink { frame: None, ..stored }, Vec::new()));
    }
    warnings.truncate(NAMED_MAX);
    unknown.sort_unstable();
    unknown.dedup();
    if !unknown.is_empty() {
        let ids = unknown.iter().take(NAMED_MAX).map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
        warnings.push(format!("stored, but without a name or a unit: nobody knows measurement {ids}"));
    }
    let each = append(store, ready).await?;
    Ok(Accepted {
        stored: each.iter().map(|accepted| accepted.stored).sum(),
        duplicate: !each.is_empty() && each.iter().all(|accepted| accepted.duplicate),
        kept: false,
        warnings,
    })
}

fn is_known(id: MeasurementId) -> bool {
    if id.is_status() { status(id).is_some() } else { measurement(id).is_some() }
}

/// The bound device, or a newly bound one if the source may add devices. What comes over plain HTTP
/// needs no codec, so that no model has to be known there.
async fn find_or_bind(store: &dyn Store, source: &Source, uplink: &Uplink) -> Result<Arc<Device>, Refusal> {
    if let Some(device) = find_device(store, source, uplink, |_| true).await? {
        return Ok(device);
    }
    let unknown = || Refusal::UnknownDevice(uplink.eui);
    if !source.auto_add || source.kind != SourceKind::Http {
        return Err(unknown());
    }
    let binding = Binding {
        org: source.org,
        eui: uplink.eui,
        kind: DeviceKind::Node,
        model: MODEL.to_owned(),
        name: String::new(),
        group: None,
        place: None,
        frequency: String::new(),
        code: String::new(),
        bound_at: uplink.received_at,
    };
    match store.bind_device(binding).await {
        Ok(device) => {
            tracing::info!(org = %device.org, eui = %device.eui, model = device.model, "added a device");
            Ok(device)
        }
        // Somebody else was quicker.
        Err(store::Error::Conflict(_)) => store.find_device(source.org, uplink.eui).await?.ok_or_else(unknown),
        Err(error) => Err(error.into()),
    }
}

/// A value as others write it: numbers may be text, but for versions, which may look like numbers.
/// `None` for what is no value, such as `null`, an empty text and `nan`.
pub(crate) fn measured(id: MeasurementId, json: &Json) -> Option<Value> {
    const VERSIONS: [MeasurementId; 2] = [MeasurementId(3001), MeasurementId(3502)];
    match json {
        Json::Null => None,
        Json::Bool(is_on) => Some(Value::Number(f64::from(u8::from(*is_on)))),
        Json::Number(number) => number.as_f64().filter(|number| number.is_finite()).map(Value::Number),
        Json::String(text) if text.trim().is_empty() => None,
        Json::String(text) => match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() && !VERSIONS.contains(&id) => Some(Value::Number(number)),
            Ok(number) if !number.is_finite() => None,
            _ => Some(Value::text(text.as_str())),
        },
        Json::Array(_) | Json::Object(_) => Some(Value::Json(json.to_string().into())),
    }
}

/// The series of a reading: a status is the device's own, whatever the channel.
pub(crate) fn series(channel: u16, measurement: MeasurementId) -> model::SeriesKey {
    let channel = if measurement.is_status() { ChannelIndex::DEVICE } else { ChannelIndex(channel) };
    model::SeriesKey { channel, measurement }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_may_be_a_number_a_text_or_json_but_not_nothing() {
        let value = |id, json| measured(MeasurementId(id), &json);
        assert_eq!(value(4097, json!(21.4)), Some(Value::Number(21.4)));
        assert_eq!(value(4097, json!(" -3.5 ")), Some(Value::Number(-3.5)));
        assert_eq!(value(4097, json!(true)), Some(Value::Number(1.0)));
        assert_eq!(value(4097, json!("rain")), Some(Value::text("rain")));
        assert_eq!(value(3502, json!("1.10")), Some(Value::text("1.10")));
        assert_eq!(value(5004, json!([{"tn": 1}])), Some(Value::Json(r#"[{"tn":1}]"#.into())));
        for nothing in [json!(null), json!(""), json!(" "), json!("nan"), json!("-inf"), json!("1e999")] {
            assert_eq!(value(4097, nothing.clone()), None, "{nothing}");
        }
    }
}
