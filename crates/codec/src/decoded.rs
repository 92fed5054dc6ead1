use model::{ChannelIndex, MeasurementId, Reading, Timestamp, Value};

use crate::{Event, Version, Warning};

/// What a payload says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decoded {
    /// Readings and statuses, one row per instant, in the order of the frames; one more of an instant for every value
    /// that a series has besides.
    pub rows: Vec<DecodedRow>,
    /// What is no reading, in the order of the frames.
    pub events: Vec<Event>,
    /// What somebody should look at.
    pub warnings: Vec<Warning>,
}

/// The readings of one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct DecodedRow {
    /// The device's own clock; `None` is for devices without one, where the network's time counts.
    pub measured_at: Option<Timestamp>,
    /// Readings of channels and, on channel 0, statuses of the device; each series once.
    pub readings: Vec<Reading>,
}

impl Decoded {
    /// From here on a number stands for a broken sensor.
    const FAULT: f64 = 2_000_000.0;

    /// Adds what a channel measured now.
    pub(crate) fn number(&mut self, channel: u16, measurement: u32, number: f64) {
        self.number_at(None, channel, measurement, number);
    }

    /// Adds what a channel measured at a time of the device's clock.
    pub(crate) fn number_at(&mut self, at: Option<Timestamp>, channel: u16, measurement: u32, number: f64) {
        if number >= Self::FAULT {
            self.fault(channel, measurement);
        } else {
            self.put(at, Reading::new(channel, measurement, number));
        }
    }

    /// Notes that the sensor of a channel is broken.
    pub(crate) fn fault(&mut self, channel: u16, measurement: u32) {
        let (channel, measurement) = (ChannelIndex(channel), MeasurementId(measurement));
        self.events.push(Event::SensorFault { channel, measurement });
    }

    /// Notes that a channel has nothing to say about a measurement.
    pub(crate) fn no_value(&mut self, channel: u16, measurement: u32) {
        let (channel, measurement) = (ChannelIndex(channel), MeasurementId(measurement));
        self.events.push(Event::NoValue { channel, measurement });
    }

    /// Adds what a channel says in words.
    pub(crate) fn text(&mut self, channel: u16, measurement: u32, text: impl Into<Box<str>>) {
        self.put(None, Reading::new(channel, measurement, Value::text(text)));
    }

    /// Adds what channel 1 measured, or notes that it did not; no number stands for a broken sensor.
    pub(crate) fn number_or_none_at(&mut self, at: Option<Timestamp>, measurement: u32, number: Option<f64>) {
        match number {
            Some(number) => self.put_at(at, measurement, Value::Number(number)),
            None => self.no_value(1, measurement),
        }
    }

    /// Adds what channel 1 says as a JSON array.
    pub(crate) fn json_at(&mut self, at: Option<Timestamp>, measurement: u32, json: String) {
        self.put_at(at, measurement, Value::Json(json.into()));
    }

    /// Adds what channel 1 says.
    pub(crate) fn put_at(&mut self, at: Option<Timestamp>, measurement: u32, value: Value) {
        self.put(at, Reading::new(1, measurement, value));
    }

    /// Adds a status that the device had at a time of its clock.
    pub(crate) fn status_at(&mut self, at: Option<Timestamp>, status: MeasurementId, value: impl Into<Value>) {
        self.put(at, Reading::status(status.0, value));
    }

    /// Adds a status of the device.
    pub(crate) fn status(&mut self, status: MeasurementId, value: impl Into<Value>) {
        self.put(None, Reading::status(status.0, value));
    }

    /// Adds both versions of the device as statuses.
    pub(crate) fn versions(&mut self, hardware: Version, firmware: Version) {
        self.status(MeasurementId::HARDWARE_VERSION, Value::text(hardware.to_string()));
        self.status(MeasurementId::FIRMWARE_VERSION, Value::text(firmware.to_string()));
    }

    /// Adds a reading to the row of its time. Where that has another value of the same series there is one more row of
    /// that time: both are kept, and the last is what is served.
    pub(crate) fn put(&mut self, at: Option<Timestamp>, reading: Reading) {
        let mut begin = 0;
        for (place, row) in self.rows.iter_mut().enumerate().rev().filter(|(_, row)| row.measured_at == at) {
            let Some(known) = row.readings.iter_mut().find(|known| known.series == reading.series) else { continue };
            match (&mut known.value, &reading.value) {
                // Two lists of one instant are served as one: an SOS is one of them.
                (Value::Json(before), Value::Json(more)) => return *before = joined(before, more),
                (before, value) if before == value => return,
                _ => begin = place + 1,
            }
            break;
        }
        if let Some(row) = self.rows.iter_mut().skip(begin).find(|row| row.measured_at == at) {
            return row.readings.push(reading);
        }
        let mut readings = Vec::with_capacity(12);
        readings.push(reading);
        self.rows.push(DecodedRow { measured_at: at, readings });
    }
}

/// Two JSON arrays as one; what is not an array gives way.
fn joined(before: &str, more: &str) -> Box<str> {
    let inside = |array: &str| array.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).map(str::to_owned);
    match (inside(before), inside(more)) {
        (Some(before), Some(more)) if before.is_empty() || before == more => format!("[{more}]").into(),
        (Some(before), Some(more)) if more.is_empty() => format!("[{before}]").into(),
        (Some(before), Some(more)) => format!("[{before},{more}]").into(),
        _ => more.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_an_instant_is_kept_and_the_last_is_behind_the_others() {
        let mut decoded = Decoded::default();
        for number in [1.0, 1.0, 2.0, 1.0] {
            decoded.number(1, 4097, number);
        }
        decoded.number(1, 4098, 50.0);
        let row = |readings: &[(u32, f64)]| DecodedRow {
            measured_at: None,
            readings: readings.iter().map(|(id, number)| Reading::new(1, *id, *number)).collect(),
        };
        assert_eq!(decoded.rows, [row(&[(4097, 1.0), (4098, 50.0)]), row(&[(4097, 2.0)]), row(&[(4097, 1.0)])]);
    }
}
