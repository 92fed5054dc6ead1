//! Which sensor sits on a channel, where nobody said so.

use model::{MeasurementId, sensor_types};

/// What the products with one kind of sensor are, by model.
const BY_MODEL: [(&str, &str); 11] = [
    ("S2100", "2025"),
    ("S2101", "1001"),
    ("S2102", "1003"),
    ("S2103", "1016"),
    ("S2104", "1006"),
    ("S2105", "2035"),
    ("S2106", "2043"),
    ("S2107", "2049"),
    ("S2120", "2040"),
    ("A1101", "2036"),
    ("A1102", "2036"),
];

/// The type of a sensor by its device's model, else by what it measures: the type that measures
/// exactly that, else the smallest one that measures all of it; empty if there is none.
pub(crate) fn infer(model: &str, measurements: &[MeasurementId]) -> &'static str {
    if let Some((_, id)) = BY_MODEL.iter().find(|(known, _)| known.eq_ignore_ascii_case(model)) {
        return id;
    }
    let covers = |known: &&model::SensorType| measurements.iter().all(|id| known.measurements.contains(id));
    let covering = sensor_types().iter().filter(covers).filter(|_| !measurements.is_empty());
    covering.min_by_key(|known| known.measurements.len()).map_or("", |known| known.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(model: &str, measurements: &[u32], expected: &str) {
        let measurements: Vec<_> = measurements.iter().copied().map(MeasurementId).collect();
        assert_eq!(infer(model, &measurements), expected, "{model} {measurements:?}");
    }

    #[test]
    fn the_model_decides_where_it_has_one_kind_of_sensor() {
        check("S2101", &[], "1001");
        check("s2120", &[4097], "2040");
        check("S2107", &[4203], "2049");
    }

    #[test]
    fn else_what_it_measures_decides() {
        check("Gen1", &[4097, 4098], "1001");
        check("Gen1", &[4102, 4103], "1006");
        check("Gen1", &[4103, 4102], "1006");
        check("Gen1", &[4106], "100A");
        check("Gen1", &[4110, 4108, 4102], "100E");
        check("T1000-A", &[4097, 4199], "");
        check("T1000-A", &[], "");
    }

    #[test]
    fn every_type_of_the_table_is_in_the_catalogue() {
        for (model, id) in BY_MODEL {
            assert!(model::sensor_type(id).is_some(), "{model}");
        }
    }
}
