use std::io::Write;

use jiff::tz::TimeZone;
use model::{DeviceEui, Reading, Row, SeriesKey, Timestamp, Value, write_decimal};

use super::{ExportQuery, each_reading};

const HEADINGS: &str = "device_eui,channel,measurement_id,measured_at,value,type,received_at,position,codec,flags\n";

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Csv,
    JsonLines,
}

/// Writes what stands before the first reading.
pub(super) fn head(out: &mut Vec<u8>, style: Style) {
    match style {
        Style::Csv => out.extend_from_slice(HEADINGS.as_bytes()),
        Style::JsonLines => {}
    }
}

/// Writes what stands behind the last.
pub(super) fn end(out: &mut Vec<u8>, style: Style, readings: u64, sum: &str) {
    let line = match style {
        Style::Csv => format!("#end,{readings},{sum}\n"),
        Style::JsonLines => format!("{{\"end\":true,\"rows\":{readings},\"sha256\":\"{sum}\"}}\n"),
    };
    out.extend_from_slice(line.as_bytes());
}

/// Writes the readings of one device.
pub(super) struct Lines<'a> {
    out: &'a mut Vec<u8>,
    query: &'a ExportQuery,
    style: Style,
    eui: String,
    /// What stands before the time of each series, in the order that rows have them.
    heads: Vec<(SeriesKey, Vec<u8>)>,
    /// From the time on to the value: what all readings of one time have in common.
    middle: Vec<u8>,
    /// What all readings of one row have in common, behind their values.
    tail: Vec<u8>,
    pub(super) count: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>, query: &'a ExportQuery, style: Style, eui: DeviceEui) -> Self {
        let (heads, middle, tail) = (Vec::new(), Vec::new(), Vec::new());
        Self { out, query, style, eui: eui.to_string(), heads, middle, tail, count: 0 }
    }

    /// Writes what was measured at one time, by rows of ascending position.
    pub(super) fn instant(&mut self, rows: &[Row]) {
        let Some(first) = rows.first() else { return };
        self.middle.clear();
        time(&mut self.middle, &self.query.zone, first.measured_at);
        self.middle.extend_from_slice(match self.style {
            Style::Csv => b",",
            Style::JsonLines => br#"","value":"#,
        });
        let (query, mut told, mut nth) = (self.query, None::<&Row>, 0);
        each_reading(rows, query, |row, reading| {
            if !told.is_some_and(|told| std::ptr::eq(told, row)) {
                self.put_tail(row);
                told = Some(row);
            }
            self.reading(nth, reading);
            nth += 1;
        });
    }

    /// Writes the `nth` reading of its time.
    fn reading(&mut self, nth: usize, reading: &Reading) {
        // One row mostly has the series that the one before it had.
        if self.heads.get(nth).is_none_or(|(series, _)| *series != reading.series) {
            let head = (reading.series, self.head(reading.series));
            match self.heads.get_mut(nth) {
                Some(known) => *known = head,
                None => self.heads.push(head),
            }
        }
        self.count += 1;
        let Self { out, heads, middle, tail, .. } = self;
        out.extend_from_slice(&heads[nth].1);
        out.extend_from_slice(middle);
        match self.style {
            Style::Csv => csv_value(out, &reading.value),
            Style::JsonLines => json_value(out, &reading.value),
        }
        out.extend_from_slice(tail);
    }

    fn head(&self, SeriesKey { channel, measurement }: SeriesKey) -> Vec<u8> {
        let eui = &self.eui;
        let head = match self.style {
            Style::Csv => format!("{eui},{},{},", channel.0, measurement.0),
            Style::JsonLines => format!(
                r#"{{"device_eui":"{eui}","channel":{},"measurement_id":"{}","measured_at":""#,
                channel.0, measurement.0
            ),
        };
        head.into_bytes()
    }

    fn put_tail(&mut self, row: &Row) {
        let tail = &mut self.tail;
        tail.clear();
        let names: [&[u8]; 5] = match self.style {
            Style::Csv => [b",", b",", b",", b",", b"\n"],
            Style::JsonLines => {
                [br#","received_at":""#, br#"","position":""#, br#"","codec":"#, br#","flags":"#, b"}\n"]
            }
        };
        tail.extend_from_slice(names[0]);
        time(tail, &self.query.zone, row.received_at);
        let mut digits = itoa::Buffer::new();
        for (name, number) in names[1..].iter().zip([row.position.get(), row.codec.0.into(), row.flags.0.into()]) {
            tail.extend_from_slice(name);
            tail.extend_from_slice(digits.format(number).as_bytes());
        }
        tail.extend_from_slice(names[4]);
    }
}

/// Writes a time with the offset of a zone.
fn time(out: &mut Vec<u8>, zone: &TimeZone, at: Timestamp) {
    let known = (*zone != TimeZone::UTC).then(|| jiff::Timestamp::from_millisecond(at.as_millis()).ok());
    let Some(instant) = known.flatten() else {
        out.extend_from_slice(&at.iso());
        return;
    };
    let offset = zone.to_offset(instant).seconds() / 60;
    let local = at.plus_ms(i64::from(offset) * 60_000).iso();
    out.extend_from_slice(local.strip_suffix(b"Z").unwrap_or(&local));
    let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
    let sign = if offset < 0 { '-' } else { '+' };
    // Writing into a vector does not fail.
    let _written = write!(out, "{sign}{hours:02}:{minutes:02}");
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
    use model::{CodecVersion, MeasurementId, OrgId, Position, RowFlags, Window};

    use super::{super::Format, *};

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

    fn lines(style: Style, zone: &str, measurements: &[u32], rows: &[Row]) -> String {
        let query = ExportQuery {
            org: OrgId::from_raw(1),
            devices: Vec::new(),
            measurements: measurements.iter().map(|id| MeasurementId(*id)).collect(),
            window: Window::ALL,
            zone: TimeZone::get(zone).unwrap(),
            format: Format::Csv,
            as_of: None,
        };
        let mut out = Vec::new();
        let mut lines = Lines::new(&mut out, &query, style, DeviceEui::from_raw(0x2CF7_F120_0410_0005));
        lines.instant(rows);
        String::from_utf8(out).unwrap()
    }

    const AT: i64 = 1_783_651_184_319;

    #[test]
    fn a_reading_is_a_line() {
        let readings = [Reading::new(1, 4097, 21.5), Reading::new(1, 4098, 40.0)];
        assert_eq!(
            lines(Style::Csv, "UTC", &[], &[row(7, AT, &readings)]),
            "2CF7F12004100005,1,4097,2026-07-10T02:39:44.319Z,21.5,number,2026-07-10T02:39:45.319Z,7,3,4\n\
             2CF7F12004100005,1,4098,2026-07-10T02:39:44.319Z,40,number,2026-07-10T02:39:45.319Z,7,3,4\n"
        );
        assert_eq!(
            lines(Style::JsonLines, "UTC", &[4098], &[row(7, AT, &readings)]),
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
        let text = lines(Style::Csv, "UTC", &[], &rows);
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
            |zone, ms| lines(Style::Csv, zone, &[], &[row(1, ms, &readings)]).split(',').nth(3).unwrap().to_owned();
        assert_eq!(at("Europe/Berlin", AT), "2026-07-10T04:39:44.319+02:00");
        assert_eq!(at("Europe/Berlin", AT - 180 * 86_400_000), "2026-01-11T03:39:44.319+01:00");
        assert_eq!(at("America/St_Johns", AT), "2026-07-10T00:09:44.319-02:30");
    }

    #[test]
    fn values_that_are_no_numbers_read_back() {
        let text = |value: Value| {
            let csv = lines(Style::Csv, "UTC", &[], &[row(1, AT, &[Reading::new(0, 3502, value.clone())])]);
            let json = lines(Style::JsonLines, "UTC", &[], &[row(1, AT, &[Reading::new(0, 3502, value)])]);
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
