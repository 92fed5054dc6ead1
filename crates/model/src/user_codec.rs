use std::{collections::BTreeMap, fmt, str::FromStr};

use crate::{ChannelIndex, CodecVersion, MeasurementId, OrgId, Reading, SeriesKey, Timestamp, Value};

/// A codec that an organization wrote itself, in JavaScript, for a model of device that is not built in.
#[derive(Debug, Clone, PartialEq)]
pub struct UserCodec {
    /// Whose it is.
    pub org: OrgId,
    /// The model whose devices it decodes, in any case; unique within the organization.
    pub model: String,
    /// Raised with every change, and never used again, also after a removal.
    pub version: CodecVersion,
    /// The program: at most [`SOURCE_BYTES_MAX`](Self::SOURCE_BYTES_MAX) bytes.
    pub source: String,
    /// What becomes of what it answers.
    pub table: CodecTable,
    /// What it has to answer.
    pub examples: CodecExamples,
    /// When this version came.
    pub changed_at: Timestamp,
}

impl UserCodec {
    /// Most bytes of a program.
    pub const SOURCE_BYTES_MAX: usize = 256 * 1024;
    /// Most characters of a model's name.
    pub const MODEL_CHARS_MAX: usize = 64;
}

/// Where a path of a codec's answer goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CodecField {
    /// The series that the value belongs to.
    pub series: SeriesKey,
    /// What a number is multiplied by to be in the measurement's unit.
    pub factor: f64,
}

/// Which measurement each path of a codec's answer is.
///
/// **Shape**: a line for each, `path = channel/measurement` or `path = channel/measurement * factor`; printed by
/// ascending path. A path is as in JavaScript: `temperature`, `battery.volts`, `sensors[0].value`. Blank lines and
/// those that begin with `#` are passed over.
///
/// **Errors**: [`InvalidCodecLine`].
///
/// **Example**
/// ```
/// let table: model::CodecTable = "TempC_SHT = 1/4097\nBatV = 1/4161 * 1000".parse()?;
/// assert_eq!(table.get("BatV").map(|field| field.factor), Some(1000.0));
/// # Ok::<(), model::InvalidCodecLine>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CodecTable(BTreeMap<String, CodecField>);

impl CodecTable {
    /// Most paths of a table.
    pub const PATHS_MAX: usize = 256;
    const PATH_BYTES_MAX: usize = 256;

    /// What a path is, if the table has it.
    pub fn get(&self, path: &str) -> Option<CodecField> {
        self.0.get(path).copied()
    }

    /// Its paths, ascending, and what they are.
    pub fn iter(&self) -> impl Iterator<Item = (&str, CodecField)> {
        self.0.iter().map(|(path, field)| (path.as_str(), *field))
    }

    /// Whether it has no paths.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add(&mut self, line: &str) -> Result<(), &'static str> {
        let (path, to) = line.rsplit_once('=').ok_or("write it as `path = channel/measurement`")?;
        let (to, factor) = match to.split_once('*') {
            Some((to, factor)) => (to, factor.trim().parse().map_err(|_| "the factor is no number")?),
            None => (to, 1.0),
        };
        let series = series(to).ok_or("write a channel and a measurement, such as `1/4097`")?;
        let path = path.trim();
        if path.is_empty() || path.len() > Self::PATH_BYTES_MAX {
            return Err("a path has 1 to 256 bytes");
        }
        if !f64::is_finite(factor) || factor == 0.0 {
            return Err("a factor is a number other than 0");
        }
        if self.0.values().any(|field| field.series == series) {
            return Err("another path is this channel and measurement already");
        }
        if self.0.insert(path.to_owned(), CodecField { series, factor }).is_some() {
            return Err("the path stands there twice");
        }
        if self.0.len() > Self::PATHS_MAX { Err("a table has at most 256 paths") } else { Ok(()) }
    }
}

impl fmt::Display for CodecTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (path, CodecField { series, factor }) in self.iter() {
            write!(f, "{path} = {}/{}", series.channel, series.measurement)?;
            if factor != 1.0 {
                write!(f, " * {factor}")?;
            }
            f.write_str("\n")?;
        }
        Ok(())
    }
}

impl FromStr for CodecTable {
    type Err = InvalidCodecLine;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut table = Self::default();
        for (number, line) in lines(text) {
            table.add(line).map_err(|trouble| InvalidCodecLine { number, trouble })?;
        }
        Ok(table)
    }
}

/// A payload, and the readings that a codec has to make of it: these and no others.
#[derive(Debug, Clone, PartialEq)]
pub struct CodecExample {
    /// The port it comes on.
    pub f_port: u8,
    /// The payload, at least a byte.
    pub payload: Vec<u8>,
    /// The readings, by ascending series, each once.
    pub readings: Vec<Reading>,
}

impl CodecExample {
    /// Whether readings are those that are expected, numbers but for what arithmetic with doubles adds or takes.
    pub fn fits(&self, readings: &[Reading]) -> bool {
        let same = |expected: &Reading| {
            let found = readings.iter().find(|reading| reading.series == expected.series);
            found.is_some_and(|found| match (&found.value, &expected.value) {
                (Value::Number(found), Value::Number(expected)) => {
                    (found - expected).abs() <= 1e-9 * expected.abs().max(1.0)
                }
                (found, expected) => found == expected,
            })
        };
        readings.len() == self.readings.len() && self.readings.iter().all(same)
    }
}

/// The examples of a codec.
///
/// **Shape**: a line for each: the port, the payload as hex digits, an arrow, and readings separated by commas, such as
/// `2 CBF60B0D0376 -> 1/4097=27.65, 1/4098=55.2`. Text stands in quotation marks and has none in it. Blank lines and
/// those that begin with `#` are passed over.
///
/// **Errors**: [`InvalidCodecLine`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CodecExamples(Vec<CodecExample>);

impl CodecExamples {
    /// Most examples of a codec.
    pub const EXAMPLES_MAX: usize = 32;
    const PAYLOAD_BYTES_MAX: usize = 255;

    /// The examples, in their order.
    pub fn as_slice(&self) -> &[CodecExample] {
        &self.0
    }

    fn add(&mut self, line: &str) -> Result<(), &'static str> {
        let (sent, readings) = line.split_once("->").ok_or("write it as `port hex -> channel/measurement=value, …`")?;
        let (f_port, hex) =
            sent.trim().split_once(char::is_whitespace).ok_or("write a port, a blank and hex digits")?;
        let f_port = f_port.parse().map_err(|_| "a port is a number from 0 to 255")?;
        let payload = bytes(hex).ok_or("the payload is no even number of hex digits")?;
        if payload.is_empty() || payload.len() > Self::PAYLOAD_BYTES_MAX {
            return Err("a payload has 1 to 255 bytes");
        }
        let mut readings = self::readings(readings)?;
        readings.sort_by_key(|reading| reading.series);
        if readings.windows(2).any(|pair| pair[0].series == pair[1].series) {
            return Err("a channel and measurement stands there twice");
        }
        self.0.push(CodecExample { f_port, payload, readings });
        if self.0.len() > Self::EXAMPLES_MAX { Err("a codec has at most 32 examples") } else { Ok(()) }
    }
}

impl fmt::Display for CodecExamples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for CodecExample { f_port, payload, readings } in &self.0 {
            write!(f, "{f_port} ")?;
            payload.iter().try_for_each(|byte| write!(f, "{byte:02X}"))?;
            f.write_str(" ->")?;
            for (number, Reading { series, value }) in readings.iter().enumerate() {
                let comma = if number > 0 { "," } else { "" };
                write!(f, "{comma} {}/{}=", series.channel, series.measurement)?;
                match value {
                    Value::Number(value) => write!(f, "{value}")?,
                    Value::Text(text) | Value::Json(text) => write!(f, "\"{text}\"")?,
                }
            }
            f.write_str("\n")?;
        }
        Ok(())
    }
}

impl FromStr for CodecExamples {
    type Err = InvalidCodecLine;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut examples = Self::default();
        for (number, line) in lines(text) {
            examples.add(line).map_err(|trouble| InvalidCodecLine { number, trouble })?;
        }
        Ok(examples)
    }
}

/// A line of a codec's table or examples that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidCodecLine {
    /// Which line, counted from 1.
    pub number: usize,
    /// What is wrong with it.
    pub trouble: &'static str,
}

impl fmt::Display for InvalidCodecLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.number, self.trouble)
    }
}

impl std::error::Error for InvalidCodecLine {}

/// The lines that say something, counted from 1.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// `1/4097`; a status is always the device's own.
fn series(text: &str) -> Option<SeriesKey> {
    let (channel, measurement) = text.split_once('/')?;
    let (channel, measurement) = (channel.trim().parse().ok()?, measurement.trim().parse().ok()?);
    let series = SeriesKey { channel: ChannelIndex(channel), measurement: MeasurementId(measurement) };
    (series.measurement.is_status() == (series.channel == ChannelIndex::DEVICE)).then_some(series)
}

fn readings(text: &str) -> Result<Vec<Reading>, &'static str> {
    let mut readings = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (to, value) = rest.split_once('=').ok_or("write readings as `channel/measurement=value`")?;
        let series = series(to).ok_or("write a channel and a measurement, such as `1/4097`, a status as `0/3000`")?;
        let value = value.trim_start();
        let (value, more) = match value.strip_prefix('"') {
            Some(quoted) => {
                let (text, more) = quoted.split_once('"').ok_or("a text has no end")?;
                (Value::text(text), more.trim_start())
            }
            None => {
                let end = value.find(',').unwrap_or(value.len());
                let number: f64 = value[..end].trim().parse().map_err(|_| "a value is a number, or text in \"…\"")?;
                if !number.is_finite() {
                    return Err("a value is a number that is finite");
                }
                (Value::Number(number), &value[end..])
            }
        };
        readings.push(Reading { series, value });
        rest = match more.strip_prefix(',') {
            Some(more) => more.trim_start(),
            None if more.is_empty() => more,
            None => return Err("readings are separated by commas"),
        };
    }
    Ok(readings)
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = hex.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(digits.chunks_exact(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_reads_back_as_it_is_printed() {
        let text = "# of the manual\n\nsensors[0].value=1/4097\n battery.volts = 1/4161*0.001 \nfirmware = 0/3502\n";
        let table: CodecTable = text.parse().unwrap();
        let printed = "battery.volts = 1/4161 * 0.001\nfirmware = 0/3502\nsensors[0].value = 1/4097\n";
        assert_eq!(table.to_string(), printed);
        assert_eq!(printed.parse(), Ok(table));
    }

    #[test]
    fn examples_read_back_as_they_are_printed() {
        let text = "2 cbf6 0b0d -> 1/4098=55.2,1/4097=-27.65\n5 00 -> 0/3502=\"1.0, or so\", 1/4097=1e-7\n1 FF ->";
        let examples: CodecExamples = text.parse().unwrap();
        let printed =
            "2 CBF60B0D -> 1/4097=-27.65, 1/4098=55.2\n5 00 -> 0/3502=\"1.0, or so\", 1/4097=0.0000001\n1 FF ->\n";
        assert_eq!(examples.to_string(), printed);
        assert_eq!(printed.parse(), Ok(examples));
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        let table = |text: &str| text.parse::<CodecTable>().unwrap_err().number;
        for line in [
            "a",
            "= 1/4097",
            "a = 4097",
            "a = 1/x",
            "a = 0/4097",
            "a = 1/3000",
            "a = 1/4097 * x",
            "a = 1/4097 * inf",
            "a = 1/4097 * 0",
            "a = -1/4097",
        ] {
            assert_eq!(table(&format!("b = 1/4098\n{line}")), 2, "{line}");
        }
        assert_eq!(table("a = 1/4097\n\na = 1/4098"), 3);
        assert_eq!(table("a = 1/4097\nb = 1/4097"), 2);
        let example = |text: &str| text.parse::<CodecExamples>().unwrap_err().number;
        for line in [
            "2 00",
            "00 -> ",
            "256 00 -> ",
            "2 0 -> ",
            "2 0g -> ",
            "2 00 -> 1/4097",
            "2 00 -> 1/4097=x",
            "2 00 -> 1/4097=nan",
            "2 00 -> 1/4097=1 1/4098=2",
            "2 00 -> 0/3502=\"1",
            "2 00 -> 1/4097=1,1/4097=2",
        ] {
            assert_eq!(example(line), 1, "{line}");
        }
    }

    #[test]
    fn an_example_fits_these_readings_and_no_others() {
        let examples: CodecExamples = "2 00 -> 1/4097=21.4".parse().unwrap();
        let example = &examples.as_slice()[0];
        assert!(example.fits(&[Reading::new(1, 4097, 21.400000000000002)]));
        assert!(!example.fits(&[Reading::new(1, 4097, 21.41)]));
        assert!(!example.fits(&[]));
        assert!(!example.fits(&[Reading::new(2, 4097, 21.4)]));
        assert!(!example.fits(&[Reading::new(1, 4097, 21.4), Reading::new(1, 4098, 1.0)]));
        assert!(!example.fits(&[Reading::new(1, 4097, Value::text("21.4"))]));
    }
}
