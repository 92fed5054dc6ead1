use std::{collections::BTreeMap, sync::LazyLock};

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use model::{measurements, sensor_types};
use serde::Serialize;

/// The catalogue as one static file, which clients fetch without a key to learn names and units.
#[derive(Debug, Serialize)]
struct Definitions {
    en: Names,
    /// The catalogue has English names only.
    #[serde(rename = "zh-cn")]
    zh_cn: Names,
    /// What each sensor type measures.
    sm: BTreeMap<&'static str, Vec<String>>,
    /// The range of each measurement that has one.
    rg: BTreeMap<String, &'static str>,
}

#[derive(Debug, Clone, Serialize)]
struct Names {
    #[serde(rename = "sensorType")]
    sensor_type: BTreeMap<&'static str, &'static str>,
    /// Name and unit.
    #[serde(rename = "measurementId")]
    measurement_id: BTreeMap<String, [&'static str; 2]>,
}

static DEFINITIONS: LazyLock<Bytes> = LazyLock::new(|| {
    let names = Names {
        sensor_type: sensor_types().iter().map(|kind| (kind.id, kind.name)).collect(),
        measurement_id: measurements().iter().map(|known| (known.id.to_string(), [known.name, known.unit])).collect(),
    };
    let measured = |ids: &[model::MeasurementId]| ids.iter().map(ToString::to_string).collect();
    let ranged = measurements().iter().filter(|known| !known.value_range.is_empty());
    let definitions = Definitions {
        en: names.clone(),
        zh_cn: names,
        sm: sensor_types().iter().map(|kind| (kind.id, measured(&kind.measurements))).collect(),
        rg: ranged.map(|known| (known.id.to_string(), known.value_range)).collect(),
    };
    // Maps of texts cannot fail to be written.
    serde_json::to_vec(&definitions).unwrap_or_default().into()
});

pub(crate) async fn sensor() -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")];
    (headers, DEFINITIONS.clone()).into_response()
}
