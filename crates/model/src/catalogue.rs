use std::{fmt, str::FromStr, sync::LazyLock};

/// Names a kind of quantity, such as 4097 for air temperature; below 4000, a status of a device.
///
/// **Shape**: the list is open: an id that the catalogue does not know is kept and served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MeasurementId(pub u32);

impl MeasurementId {
    /// Battery charge in percent.
    pub const BATTERY: Self = Self(3000);
    /// Hardware version as text.
    pub const HARDWARE_VERSION: Self = Self(3001);
    /// Network signal level.
    pub const SIGNAL: Self = Self(3009);
    /// Firmware version as text.
    pub const FIRMWARE_VERSION: Self = Self(3502);
    /// Report interval in minutes.
    pub const REPORT_INTERVAL: Self = Self(3900);
    /// Degrees east, WGS 84, of a tracker.
    pub const LONGITUDE: Self = Self(4197);
    /// Degrees north, WGS 84, of a tracker.
    pub const LATITUDE: Self = Self(4198);

    /// Whether it is a status of the device rather than something measured.
    pub const fn is_status(self) -> bool {
        self.0 < 4000
    }
}

impl fmt::Display for MeasurementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for MeasurementId {
    type Err = InvalidMeasurementId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| InvalidMeasurementId)
    }
}

/// The text is no measurement id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidMeasurementId;

impl fmt::Display for InvalidMeasurementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a measurement id is a number such as `4097`")
    }
}

impl std::error::Error for InvalidMeasurementId {}

/// A kind of quantity.
///
/// **Source**: SenseCAP's published list of measurement ids, completed from its clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measurement {
    /// Its id.
    pub id: MeasurementId,
    /// Its English name.
    pub name: &'static str,
    /// Its unit, empty where it has none.
    pub unit: &'static str,
    /// The range that the list states, as text.
    pub value_range: &'static str,
    /// What is odd about it.
    pub remark: &'static str,
}

/// A kind of sensor, as the platform names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SensorType {
    /// Its id, such as `1001` or `100A`.
    pub id: &'static str,
    /// Its English name.
    pub name: &'static str,
    /// What it measures.
    pub measurements: Vec<MeasurementId>,
}

/// A kind of device status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its id, below 4000.
    pub id: MeasurementId,
    /// Its English name.
    pub name: &'static str,
    /// Its unit, empty where it has none.
    pub unit: &'static str,
    /// What its values mean.
    pub meaning: &'static str,
}

static MEASUREMENTS: LazyLock<Vec<Measurement>> = LazyLock::new(|| {
    table(include_str!("../data/measurements.tsv"), |[id, name, unit, value_range, remark]| {
        Some(Measurement { id: id.parse().ok()?, name, unit, value_range, remark })
    })
});

static SENSOR_TYPES: LazyLock<Vec<SensorType>> = LazyLock::new(|| {
    table(include_str!("../data/sensor_types.tsv"), |[id, name, measurements]| {
        let measurements = measurements.split(' ').map(|id| id.parse().ok()).collect::<Option<_>>()?;
        Some(SensorType { id, name, measurements })
    })
});

static STATUSES: LazyLock<Vec<Status>> = LazyLock::new(|| {
    table(include_str!("../data/status_ids.tsv"), |[id, name, unit, meaning, _kinds]| {
        Some(Status { id: id.parse().ok()?, name, unit, meaning })
    })
});

/// Every known measurement, by ascending id.
pub fn measurements() -> &'static [Measurement] {
    &MEASUREMENTS
}

/// Every known sensor type, by ascending id.
pub fn sensor_types() -> &'static [SensorType] {
    &SENSOR_TYPES
}

/// Every known status, by ascending id.
pub fn statuses() -> &'static [Status] {
    &STATUSES
}

/// The measurement of an id, if the catalogue knows it.
pub fn measurement(id: MeasurementId) -> Option<&'static Measurement> {
    MEASUREMENTS.binary_search_by_key(&id, |known| known.id).ok().map(|at| &MEASUREMENTS[at])
}

/// The sensor type of an id, if the catalogue knows it.
pub fn sensor_type(id: &str) -> Option<&'static SensorType> {
    SENSOR_TYPES.iter().find(|known| known.id == id)
}

/// The status of an id, if the catalogue knows it.
pub fn status(id: MeasurementId) -> Option<&'static Status> {
    STATUSES.binary_search_by_key(&id, |known| known.id).ok().map(|at| &STATUSES[at])
}

/// Reads a table of tab-separated lines under one heading line; lines that do not fit are left
/// out, and a test counts that there are none.
fn table<T, const N: usize>(text: &'static str, row: impl Fn([&'static str; N]) -> Option<T>) -> Vec<T> {
    text.lines()
        .skip(1)
        .filter_map(|line| {
            let cells: Vec<_> = line.split('\t').collect();
            row(cells.try_into().ok()?)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_every_table_is_read() {
        assert_eq!(measurements().len(), include_str!("../data/measurements.tsv").lines().count() - 1);
        assert_eq!(sensor_types().len(), include_str!("../data/sensor_types.tsv").lines().count() - 1);
        assert_eq!(statuses().len(), include_str!("../data/status_ids.tsv").lines().count() - 1);
    }

    #[test]
    fn the_tables_are_sorted_so_that_look_ups_find() {
        assert!(measurements().windows(2).all(|two| two[0].id < two[1].id));
        assert!(statuses().windows(2).all(|two| two[0].id < two[1].id));
        assert_eq!(
            measurement(MeasurementId(4097)).map(|known| (known.name, known.unit)),
            Some(("Air Temperature", "℃"))
        );
        assert_eq!(measurement(MeasurementId(4114)), None);
        assert_eq!(status(MeasurementId::BATTERY).map(|known| known.name), Some("Battery"));
        assert_eq!(sensor_type("100A").map(|known| known.measurements.clone()), Some(vec![MeasurementId(4106)]));
    }

    #[test]
    fn sensor_types_name_only_known_measurements() {
        for kind in sensor_types() {
            for id in &kind.measurements {
                assert!(measurement(*id).is_some(), "{} names {id}", kind.id);
            }
        }
    }
}
