use std::sync::LazyLock;

use bytes::Bytes;
use model::{MeasurementId, measurement, sensor_types};

use crate::{auth::Caller, envelope::Answer, json};

/// The catalogue never changes while the station runs.
static REFERENCE: LazyLock<Bytes> = LazyLock::new(|| {
    Answer::written(16 * 1_024, |out| {
        json::list(out, sensor_types(), |out, sensor| {
            out.extend_from_slice(br#"{"sensor_type":"#);
            json::text(out, sensor.id);
            out.extend_from_slice(br#","sensor_name":"#);
            json::text(out, sensor.name);
            out.extend_from_slice(br#","sensor_measurement":"#);
            json::list(out, &sensor.measurements, |out, id| write_measurement(out, *id));
            out.push(b'}');
        });
    })
    .into_body()
});

/// Every sensor type with what it measures.
pub(crate) async fn list_measurement_reference(_: Caller) -> Answer {
    Answer::ready(REFERENCE.clone())
}

fn write_measurement(out: &mut Vec<u8>, id: MeasurementId) {
    let (name, unit) = measurement(id).map_or(("", ""), |known| (known.name, known.unit));
    out.extend_from_slice(br#"{"measurement_id":"#);
    json::text(out, &id.to_string());
    out.extend_from_slice(br#","measurement_name":"#);
    json::text(out, name);
    out.extend_from_slice(br#","measurement_unit":"#);
    json::text(out, unit);
    out.push(b'}');
}
