//! What a program answered, as values under paths.

use model::{CodecField, MeasurementId, Value, measurement, status};

/// Most values of an answer.
pub(super) const VALUES_MAX: usize = 1_000;
/// Most levels of objects within objects.
pub(super) const DEPTH_MAX: usize = 16;
/// Most bytes of all paths and texts.
pub(super) const BYTES_MAX: usize = 64 * 1024;

/// What a program answered.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// Every number (finite), truth value (0 or 1) and text, by ascending path: `temperature`, `sensors[0].value`.
    pub values: Vec<(String, Value)>,
    /// What it warns of.
    pub warnings: Vec<String>,
}

/// A value as one of a measurement: numbers may be text; only what has no unit may be text.
pub(super) fn measured(field: CodecField, value: &Value) -> Option<Value> {
    const VERSIONS: [MeasurementId; 2] = [MeasurementId::HARDWARE_VERSION, MeasurementId::FIRMWARE_VERSION];
    let id = field.series.measurement;
    let scaled = |number: f64| Some(number * field.factor).filter(|number| number.is_finite()).map(Value::Number);
    match value {
        Value::Text(text) if VERSIONS.contains(&id) => Some(Value::Text(text.clone())),
        Value::Text(text) => match text.trim().parse::<f64>() {
            Ok(number) => scaled(number),
            Err(_) if takes_text(id) => Some(Value::Text(text.clone())),
            Err(_) => None,
        },
        Value::Number(number) => scaled(*number),
        Value::Json(_) => None,
    }
}

fn takes_text(id: MeasurementId) -> bool {
    let unit = measurement(id).map(|known| known.unit).or_else(|| status(id).map(|known| known.unit));
    unit.unwrap_or_default().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_of_its_measurement_or_none() {
        let value = |id, factor, value: Value| {
            let series = model::Reading::new(1, id, 0.0).series;
            measured(CodecField { series, factor }, &value)
        };
        assert_eq!(value(4097, 1.0, Value::Number(21.4)), Some(Value::Number(21.4)));
        assert_eq!(value(4101, 100.0, Value::Number(1013.0)), Some(Value::Number(101_300.0)));
        assert_eq!(value(4097, 1.0, Value::text(" 21.4 ")), Some(Value::Number(21.4)));
        assert_eq!(value(4097, 1.0, Value::text("warm")), None);
        assert_eq!(value(4097, 1.0, Value::text("inf")), None);
        assert_eq!(value(4097, 1e300, Value::Number(1e300)), None);
        assert_eq!(value(3502, 1.0, Value::text("1.10")), Some(Value::text("1.10")));
        assert_eq!(value(60_001, 1.0, Value::text("open")), Some(Value::text("open")));
    }
}
