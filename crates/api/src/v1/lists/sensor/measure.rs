use model::sensor_types;

use crate::{auth::Caller, envelope::Answer, json, v1::Watch};

/// Every sensor type with what it measures.
pub(crate) async fn measure(_: Caller, watch: Watch) -> Answer {
    watch.stop(Answer::written(16 * 1_024, |out| {
        json::list(out, sensor_types(), |out, sensor| {
            out.extend_from_slice(br#"{"sensor_id":"#);
            json::text(out, sensor.id);
            out.extend_from_slice(br#","sensor_name":"#);
            json::text(out, sensor.name);
            out.extend_from_slice(br#","sensor_measure":"#);
            json::list(out, &sensor.measurements, |out, id| {
                let (name, unit) = model::measurement(*id).map_or(("", ""), |known| (known.name, known.unit));
                out.extend_from_slice(br#"{"measure_id":"#);
                json::text(out, &id.to_string());
                out.extend_from_slice(br#","measure_name":"#);
                json::text(out, name);
                out.extend_from_slice(br#","measure_unit":"#);
                json::text(out, unit);
                out.push(b'}');
            });
            out.push(b'}');
        });
    }))
}
