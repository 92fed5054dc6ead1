use std::{collections::BTreeMap, io::Write};

use model::{DeviceEui, MeasurementId, Reading, Row, SeriesKey, Timestamp, Value, write_decimal};

use super::{ExportQuery, Format};

const HEADINGS: &str = "device_eui,channel,measurement_id,measured_at,value,type,received_at,position,codec,flags\n";

/// Writes what stands before the first reading.
pub(super) fn head(out: &mut Vec<u8>, format: Format) {
    match format {
        Format::Csv => out.extend_from_slice(HEADINGS.as_bytes()),
        Format::JsonLines => {}
    }
}

/// Writes what stands behind the last.
pub(super) fn end(out: &mut Vec<u8>, format: Format, readings: u64, sum: &str) {
    let line = match format {
        Format::Csv => format!("#end,{readings},{sum}\n"),
        Format::JsonLines => format!("{{\"end\":true,\"rows\":{readings},\"sha256\":\"{sum}\"}}\n"),
    };
    out.extend_from_slice(line.as_bytes());
}

/// Writes the readings of one device.
pub(super) struct Lines<'a> {
    out: &'a mut Vec<u8>,
    query: &'a ExportQuery,
    eui: String,
    /// What all readings of one row have in common, behind their values.
    tail: Vec<u8>,
    pub(super) count: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>, query: &'a ExportQuery, eui: DeviceEui) -> Self {
        Self { out, query, eui: eui.to_string(), tail: Vec::new(), count: 0 }
    }

    /// Writes what was measured at one time, by rows of ascending position: of each series the last.
    pub(super) fn instant(&mut self, rows: &[Row]) {
        let Some(first) = rows.first() else { return };
        let measured_at = self.time(first.measured_at);
        if let [row] = rows
            && row.readings.is_sorted_by(|a, b| a.series < b.series)
        {
            self.tail(row);
            for reading in &row.readings {
                self.reading(&measured_at, reading);
            }
            return;
        }
        let mut last: BTreeMap<SeriesKey, (&Row, &Reading)> = BTreeMap::new();
        for row in rows {
            last.extend(row.readings.iter().map(|reading| (reading.series, (row, reading))));
        }
        for (row, reading) in last.into_values() {
            self.tail(row);
            self.reading(&measured_at, reading);
        }
    }

    fn reading(&mut self, measured_at: &str, reading: &Reading) {
        let SeriesKey { channel, measurement } = reading.series;
        if !is_meant(&self.query.measurements, measurement) {
            return;
        }
        self.count += 1;
        let Self { out, eui, tail, .. } = self;
        let mut digits = itoa::Buffer::new();
        match self.query.format {
            Format::Csv => {
                out.extend_from_slice(eui.as_bytes());
                out.push(b',');
                out.extend_from_slice(digits.format(channel.0).as_bytes());
                out.push(b',');
                out.extend_from_slice(digits.format(measurement.0).as_bytes());
                out.push(b',');
                out.extend_from_slice(measured_at.as_bytes());
                out.push(b',');
                csv_value(out, &reading.value);
            }
            Format::JsonLines => {
                out.extend_from_slice(br#"{"device_eui":""#);
                out.extend_from_slice(eui.as_bytes());
                out.extend_from_slice(br#"","channel":"#);
                out.extend_from_slice(digits.format(channel.0).as_bytes());
                out.extend_from_slice(br#","measurement_id":""#);
                out.extend_from_slice(digits.format(measurement.0).as_bytes());
                out.extend_from_slice(br#"","measured_at":""#);
                out.extend_from_slice(measured_at.as_bytes());
                out.extend_from_slice(br#"","value":"#);
                json_value(out, &reading.value);
            }
        }
        out.extend_from_slice(tail);
    }

    fn tail(&mut self, row: &Row) {
        let (received_at, position, codec, flags) =
            (self.time(row.received_at), row.position, row.codec.0, row.flags.0);
        self.tail.clear();
        let _written = match self.query.format {
            Format::Csv => writeln!(self.tail, ",{received_at},{position},{codec},{flags}"),
            Format::JsonLines => writeln!(
                self.tail,
                ",\"received_at\":\"{received_at}\",\"position\":\"{position}\",\"codec\":{codec},\"flags\":{flags}}}"
            ),
        };
    }

    /// A time with the offset of the zone.
    fn time(&self, at: Timestamp) -> String {
        let zone = &self.query.zone;
        let known = (*zone != jiff::tz::TimeZone::UTC).then(|| jiff::Timestamp::from_millisecond(at.as_millis()).ok());
        match known.flatten() {
            None => at.to_string(),
            Some(instant) => {
                let offset = zone.to_offset(instant).seconds() / 60;
                let local = at.plus_ms(i64::from(offset) * 60_000).to_string();
                let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
                let sign = if offset < 0 { '-' } else { '+' };
                format!("{}{sign}{hours:02}:{minutes:02}", local.trim_end_matches('Z'))
            }
        }
    }
}

fn is_meant(meant: &[MeasurementId], measurement: MeasurementId) -> bool {
    meant.is_empty() || meant.contains(&measurement)
}

fn csv_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Number(value) => {
            number(out, *value);
            out.extend_from_slice(b",number");
        }
        Value::Text(text) => {
            csv_text(out, text);
            out.extend_from_slice(b",text");
        }
        Value::Json(json) => {
            csv_text(out, json);
            out.extend_from_slice(b",json");
        }
    }
}

/// The shortest decimal that reads back as the same number, to the last bit.
fn number(out: &mut Vec<u8>, number: f64) {
    if number.is_finite() && (number != 0.0 || number.is_sign_positive()) {
        write_decimal(out, number);
    } else {
        out.extend_from_slice(zmij::Buffer::new().format(number).as_bytes());
    }
}

/// A text, in quotes where it would be read as something else.
fn csv_text(out: &mut Vec<u8>, text: &str) {
    if text.contains([',', '"', '\n', '\r', '#']) || text.trim() != text {
        out.push(b'"');
        out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

fn json_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Number(value) if value.is_finite() => number(out, *value),
        Value::Number(_) => out.extend_from_slice(b"null"),
        Value::Json(json) if serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok() => {
            // On one line, as every JSON can be.
            let line: String = json.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
            out.extend_from_slice(line.as_bytes());
        }
        Value::Text(text) | Value::Json(text) => {
            out.extend_from_slice(serde_json::to_string(text).unwrap_or_default().as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use model::{CodecVersion, OrgId, Position, RowFlags, Window};

    use super::*;

    fn row(position: u64, ms: i64, readings: &[Reading]) -> Row {
        Row {
            measured_at: Timestamp::from_millis(ms),
            received_at: Timestamp::from_millis(ms + 1_000),
            position: Position::from_raw(position),
            replaces: None,
            codec: CodecVersion(3),
            flags: RowFlags::LATE,
            readings: readings.to_vec(),
        }
    }

    fn lines(format: Format, zone: &str, measurements: &[u32], rows: &[Row]) -> String {
        let query = ExportQuery {
            org: OrgId::from_raw(1),
            devices: Vec::new(),
            measurements: measurements.iter().map(|id| MeasurementId(*id)).collect(),
            window: Window::ALL,
            zone: TimeZone::get(zone).unwrap(),
            format,
            as_of: None,
        };
        let mut out = Vec::new();
        let mut lines = Lines::new(&mut out, &query, DeviceEui::from_raw(0x2CF7_F120_0410_0005));
        lines.instant(rows);
        String::from_utf8(out).unwrap()
    }

    const AT: i64 = 1_783_651_184_319;

    #[test]
    fn a_reading_is_a_line() {
        let readings = [Reading::new(1, 4097, 21.5), Reading::new(1, 4098, 40.0)];
        assert_eq!(
            lines(Format::Csv, "UTC", &[], &[row(7, AT, &readings)]),
            "2CF7F12004100005,1,4097,2026-07-10T02:39:44.319Z,21.5,number,2026-07-10T02:39:45.319Z,7,3,4\n\
             2CF7F12004100005,1,4098,2026-07-10T02:39:44.319Z,40,number,2026-07-10T02:39:45.319Z,7,3,4\n"
        );
        assert_eq!(
            lines(Format::JsonLines, "UTC", &[4098], &[row(7, AT, &readings)]),
            "{\"device_eui\":\"2CF7F12004100005\",\"channel\":1,\"measurement_id\":\"4098\",\
             \"measured_at\":\"2026-07-10T02:39:44.319Z\",\"value\":40,\"received_at\":\"2026-07-10T02:39:45.319Z\",\
             \"position\":\"7\",\"codec\":3,\"flags\":4}\n"
        );
    }

    #[test]
    fn of_one_instant_the_last_of_each_series_counts() {
        let rows = [
            row(7, AT, &[Reading::new(1, 4098, 1.0), Reading::new(1, 4097, 2.0)]),
            row(9, AT, &[Reading::new(1, 4097, 3.0)]),
        ];
        let text = lines(Format::Csv, "UTC", &[], &rows);
        let short: Vec<_> = text
            .lines()
            .map(|line| {
                let cells: Vec<_> = line.split(',').collect();
                (cells[2], cells[4], cells[7])
            })
            .collect();
        assert_eq!(short, [("4097", "3", "9"), ("4098", "1", "7")]);
    }

    #[test]
    fn times_have_the_offset_of_their_zone_then() {
        let readings = [Reading::new(1, 4097, 1.0)];
        let at =
            |zone, ms| lines(Format::Csv, zone, &[], &[row(1, ms, &readings)]).split(',').nth(3).unwrap().to_owned();
        assert_eq!(at("Europe/Berlin", AT), "2026-07-10T04:39:44.319+02:00");
        assert_eq!(at("Europe/Berlin", AT - 180 * 86_400_000), "2026-01-11T03:39:44.319+01:00");
        assert_eq!(at("America/St_Johns", AT), "2026-07-10T00:09:44.319-02:30");
    }

    #[test]
    fn values_that_are_no_numbers_read_back() {
        let text = |value: Value| {
            let csv = lines(Format::Csv, "UTC", &[], &[row(1, AT, &[Reading::new(0, 3502, value.clone())])]);
            let json = lines(Format::JsonLines, "UTC", &[], &[row(1, AT, &[Reading::new(0, 3502, value)])]);
            let json: serde_json::Value = serde_json::from_str(&json).unwrap();
            (csv.split_once("319Z,").unwrap().1.split_once(",2026").unwrap().0.to_owned(), json["value"].to_string())
        };
        for number in [0.1 + 0.2, -0.0, 1e300, 5e-324, -123_456.75] {
            let (csv, json) = text(Value::Number(number));
            for read in [csv.trim_end_matches(",number"), &json] {
                assert_eq!(read.parse::<f64>().map(f64::to_bits), Ok(number.to_bits()), "{read}");
            }
        }
        assert_eq!(text(Value::text("1.2")), ("1.2,text".to_owned(), "\"1.2\"".to_owned()));
        assert_eq!(
            text(Value::text("a \"b\", c")),
            ("\"a \"\"b\"\", c\",text".to_owned(), r#""a \"b\", c""#.to_owned())
        );
        let json = Value::Json("[{\"mac\":\"00\",\n\"rssi\":-5}]".into());
        assert_eq!(text(json).1, r#"[{"mac":"00","rssi":-5}]"#);
    }
}
