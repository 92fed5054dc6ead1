use std::{collections::BTreeMap, fmt, str::FromStr};

use crate::{ChannelIndex, MeasurementId, SeriesKey, measurement};

/// What the measurements of a device stand for, where that is not what its codec says: a probe of another kind on a
/// data logger's channel, for example. It holds for what is decoded from now on; a new decoding applies it to the past.
///
/// **Shape**: printed and read as `1/4165=4102`, channel, measurement and what it stands for; several are separated
/// by commas and printed by ascending channel and measurement. Empty text is the map that changes nothing.
///
/// **Errors**: [`InvalidChannelMap`].
///
/// **Example**
/// ```
/// let map: model::ChannelMap = "1/4165=4102".parse()?;
/// assert_eq!(map.series(model::Reading::new(1, 4165, 0.0).series).measurement, model::MeasurementId(4102));
/// # Ok::<(), model::InvalidChannelMap>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChannelMap(BTreeMap<SeriesKey, MeasurementId>);

impl ChannelMap {
    /// Most entries of a map.
    pub const ENTRIES_MAX: usize = 256;

    /// The series that a reading of the codec's series belongs to.
    pub fn series(&self, series: SeriesKey) -> SeriesKey {
        match self.0.get(&series) {
            Some(measurement) => SeriesKey { measurement: *measurement, ..series },
            None => series,
        }
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its entries, by ascending series.
    pub fn iter(&self) -> impl Iterator<Item = (SeriesKey, MeasurementId)> {
        self.0.iter().map(|(from, to)| (*from, *to))
    }
}

impl fmt::Display for ChannelMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (from, to)) in self.iter().enumerate() {
            let comma = if number > 0 { "," } else { "" };
            write!(f, "{comma}{}/{}={to}", from.channel, from.measurement)?;
        }
        Ok(())
    }
}

impl FromStr for ChannelMap {
    type Err = InvalidChannelMap;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut map = BTreeMap::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let (from, to) = read(entry).ok_or_else(|| InvalidChannelMap::Syntax(entry.chars().take(40).collect()))?;
            if from.measurement.is_status() {
                return Err(InvalidChannelMap::Status(from.measurement));
            }
            if measurement(to).is_none() {
                return Err(InvalidChannelMap::Unknown(to));
            }
            if map.insert(from, to).is_some() {
                return Err(InvalidChannelMap::Twice(from));
            }
        }
        if map.len() > Self::ENTRIES_MAX { Err(InvalidChannelMap::Many) } else { Ok(Self(map)) }
    }
}

fn read(entry: &str) -> Option<(SeriesKey, MeasurementId)> {
    let (from, to) = entry.split_once('=')?;
    let (channel, measurement) = from.split_once('/')?;
    let channel = ChannelIndex(channel.trim().parse().ok()?);
    let measurement = measurement.trim().parse().ok()?;
    Some((SeriesKey { channel, measurement }, to.trim().parse().ok()?))
}

/// The text is no map of channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidChannelMap {
    /// An entry is not as it is to be.
    Syntax(String),
    /// Statuses are the device's own and stand for nothing else.
    Status(MeasurementId),
    /// Nobody knows the measurement that one is to stand for.
    Unknown(MeasurementId),
    /// A series has two entries.
    Twice(SeriesKey),
    /// There are too many entries.
    Many,
}

impl fmt::Display for InvalidChannelMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(entry) => write!(f, "`{entry}` is no entry of a channel map; one is `1/4165=4102`"),
            Self::Status(id) => write!(f, "`{id}` is a status of the device and stands for nothing else"),
            Self::Unknown(id) => write!(f, "there is no measurement `{id}`"),
            Self::Twice(SeriesKey { channel, measurement }) => {
                write!(f, "`{channel}/{measurement}` stands for two measurements")
            }
            Self::Many => write!(f, "a channel map has at most {} entries", ChannelMap::ENTRIES_MAX),
        }
    }
}

impl std::error::Error for InvalidChannelMap {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_map_reads_back_in_its_order() {
        let map: ChannelMap = " 2/4165=4103, 1/4165=4102 ,".parse().unwrap();
        assert_eq!(map.to_string(), "1/4165=4102,2/4165=4103");
        assert_eq!(map.to_string().parse(), Ok(map.clone()));
        assert!(!map.is_empty() && "".parse() == Ok(ChannelMap::default()));
        let other = SeriesKey { channel: ChannelIndex(3), measurement: MeasurementId(4165) };
        assert_eq!(map.series(other), other);
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, words) in [
            ("1/4165", "`1/4165` is no entry"),
            ("1/4165=x", "is no entry"),
            ("70000/4165=4102", "is no entry"),
            ("0/3000=4102", "`3000` is a status"),
            ("1/4165=9", "no measurement `9`"),
            ("1/4165=4102,1/4165=4103", "`1/4165` stands for two"),
        ] {
            let said = text.parse::<ChannelMap>().unwrap_err().to_string();
            assert!(said.contains(words), "{text}: {said}");
        }
        let many: Vec<String> = (0..=ChannelMap::ENTRIES_MAX).map(|channel| format!("{channel}/4165=4102")).collect();
        assert_eq!(many.join(",").parse::<ChannelMap>(), Err(InvalidChannelMap::Many));
    }

    proptest! {
        #[test]
        fn any_text_is_a_map_that_reads_back_or_refused(text in "[0-9/=, ]{0,40}|.{0,20}") {
            if let Ok(map) = text.parse::<ChannelMap>() {
                prop_assert_eq!(map.to_string().parse(), Ok(map));
            }
        }
    }
}
