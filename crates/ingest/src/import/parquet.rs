use std::{
    collections::VecDeque,
    io::{self, Read, Seek, SeekFrom},
    panic::{AssertUnwindSafe, catch_unwind},
};

use model::{ChannelIndex, MeasurementId, SeriesKey, Timestamp, Value};
use parquet::{
    basic::Type,
    column::reader::{ColumnReaderImpl, get_typed_column_reader},
    data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type},
    errors::ParquetError,
    file::{
        FOOTER_SIZE,
        reader::{ChunkReader, FileReader, RowGroupReader, SerializedFileReader},
    },
};
use sha2::{Digest, Sha256};

use super::{Ended, Odd, Origin, Record, ours::json};

/// What a file of Parquet begins and ends with.
pub const PARQUET_MAGIC: &[u8; 4] = b"PAR1";

/// Readings taken out of the file at once.
const BATCH: usize = 4_096;

/// The columns of an export, in their order, and whether every reading has a value there.
const COLUMNS: [(&str, Type, bool); 11] = [
    ("device_eui", Type::BYTE_ARRAY, true),
    ("channel", Type::INT32, true),
    ("measurement_id", Type::INT32, true),
    ("measured_at", Type::INT64, true),
    ("value", Type::DOUBLE, false),
    ("text", Type::BYTE_ARRAY, false),
    ("json", Type::BYTE_ARRAY, false),
    ("received_at", Type::INT64, true),
    ("position", Type::INT64, true),
    ("codec", Type::INT32, true),
    ("flags", Type::INT32, true),
];

/// Reads an export as Parquet to its end, and holds the sum and the number in its footer against what stands
/// before it.
///
/// **Errors**: the file cannot be read.
pub fn check_parquet_end<R: Read + Seek>(input: &mut R, footer: &impl FileReader) -> io::Result<Ended> {
    let about = footer.metadata().file_metadata();
    let said = |name: &str| {
        let pairs = about.key_value_metadata().into_iter().flatten();
        pairs.filter(|pair| pair.key == name).find_map(|pair| pair.value.clone())
    };
    let Some((sum, rows)) = said("senstation.sha256").zip(said("senstation.rows")) else { return Ok(Ended::Open) };
    let end = input.seek(SeekFrom::End(-(FOOTER_SIZE as i64)))?;
    let mut tail = [0; 4];
    input.read_exact(&mut tail)?;
    let before = end.saturating_sub(u32::from_le_bytes(tail).into());
    input.rewind()?;
    let mut hasher = Hasher(Sha256::new());
    io::copy(&mut input.take(before), &mut hasher)?;
    let found: [u8; 32] = hasher.0.finalize().into();
    let found: String = found.iter().map(|byte| format!("{byte:02x}")).collect();
    let is_whole = found == sum && rows.parse() == Ok(about.num_rows());
    Ok(if is_whole { Ended::Whole } else { Ended::Altered })
}

struct Hasher(Sha256);

impl io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens a file of Parquet.
///
/// **Errors**: it is none, or was cut off.
pub fn open_parquet<R: ChunkReader + 'static>(input: R) -> io::Result<SerializedFileReader<R>> {
    guarded(|| SerializedFileReader::new(input))
}

/// The readings of an export as Parquet. The line of a reading is its number in the file.
#[derive(Debug)]
pub struct ParquetReadings<R: ChunkReader + 'static> {
    file: Held<R>,
    next_group: usize,
    group: Option<Group>,
    batch: VecDeque<Result<Record, Odd>>,
    line: u64,
}

/// A reader that does not print itself.
struct Held<R: ChunkReader + 'static>(SerializedFileReader<R>);

impl<R: ChunkReader + 'static> std::fmt::Debug for Held<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Held")
    }
}

impl<R: ChunkReader + 'static> ParquetReadings<R> {
    /// **Errors**: it is no export.
    pub fn new(file: SerializedFileReader<R>) -> io::Result<Self> {
        let schema = file.metadata().file_metadata().schema_descr();
        let found = schema.columns().iter().map(|column| {
            let is_flat = column.max_rep_level() == 0 && column.max_def_level() <= 1;
            (column.path().string(), column.physical_type(), column.max_def_level() == 0, is_flat)
        });
        let expected = COLUMNS.map(|(name, kind, is_required)| (name.to_owned(), kind, is_required, true));
        if !found.eq(expected) {
            return Err(io::Error::other("the table does not have the columns of an export"));
        }
        Ok(Self { file: Held(file), next_group: 0, group: None, batch: VecDeque::new(), line: 0 })
    }

    /// How many readings the file says to have.
    pub fn total(&self) -> u64 {
        u64::try_from(self.file.0.metadata().file_metadata().num_rows()).unwrap_or_default()
    }

    fn fill(&mut self) -> Result<(), ParquetError> {
        while self.batch.is_empty() {
            let group = match &mut self.group {
                Some(group) => group,
                None if self.next_group == self.file.0.num_row_groups() => return Ok(()),
                None => {
                    let reader = self.file.0.get_row_group(self.next_group)?;
                    self.next_group += 1;
                    self.group.insert(Group::open(&*reader)?)
                }
            };
            let cells = group.read()?;
            if cells.euis.is_empty() {
                self.group = None;
                continue;
            }
            for at in 0..cells.euis.len() {
                self.line += 1;
                let record = cells.record(self.line, at).map_err(|why| Odd { line: self.line, why });
                self.batch.push_back(record);
            }
        }
        Ok(())
    }
}

impl<R: ChunkReader + 'static> Iterator for ParquetReadings<R> {
    type Item = Result<Result<Record, Odd>, io::Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Err(error) = guarded(|| self.fill()) {
            // Nothing behind it can be found.
            (self.group, self.next_group) = (None, self.file.0.num_row_groups());
            return Some(Err(error));
        }
        self.batch.pop_front().map(Ok)
    }
}

/// The columns of a row group, each read as far as the others.
struct Group {
    euis: ColumnReaderImpl<ByteArrayType>,
    /// Channel, measurement, codec and flags.
    small: [ColumnReaderImpl<Int32Type>; 4],
    /// Both times and the position.
    large: [ColumnReaderImpl<Int64Type>; 3],
    numbers: ColumnReaderImpl<DoubleType>,
    /// Texts and JSON.
    texts: [ColumnReaderImpl<ByteArrayType>; 2],
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Group")
    }
}

impl Group {
    fn open(reader: &dyn RowGroupReader) -> Result<Self, ParquetError> {
        fn column<T: DataType>(reader: &dyn RowGroupReader, at: usize) -> Result<ColumnReaderImpl<T>, ParquetError> {
            Ok(get_typed_column_reader(reader.get_column_reader(at)?))
        }
        Ok(Self {
            euis: column(reader, 0)?,
            small: [column(reader, 1)?, column(reader, 2)?, column(reader, 9)?, column(reader, 10)?],
            large: [column(reader, 3)?, column(reader, 7)?, column(reader, 8)?],
            numbers: column(reader, 4)?,
            texts: [column(reader, 5)?, column(reader, 6)?],
        })
    }

    fn read(&mut self) -> Result<Cells, ParquetError> {
        let euis = required(&mut self.euis)?;
        let [channels, measurements, codecs, flags] = &mut self.small;
        let [measured, received, positions] = &mut self.large;
        let [texts, json] = &mut self.texts;
        let cells = Cells {
            channels: required(channels)?,
            measurements: required(measurements)?,
            measured: required(measured)?,
            numbers: optional(&mut self.numbers)?,
            texts: optional(texts)?,
            json: optional(json)?,
            received: required(received)?,
            positions: required(positions)?,
            codecs: required(codecs)?,
            flags: required(flags)?,
            euis,
        };
        let lengths = [
            cells.channels.len(),
            cells.measurements.len(),
            cells.measured.len(),
            cells.numbers.len(),
            cells.texts.len(),
            cells.json.len(),
            cells.received.len(),
            cells.positions.len(),
            cells.codecs.len(),
            cells.flags.len(),
        ];
        if lengths.iter().any(|length| *length != cells.euis.len()) {
            return Err(ParquetError::General("its columns are of different lengths".to_owned()));
        }
        Ok(cells)
    }
}

fn required<T: DataType>(column: &mut ColumnReaderImpl<T>) -> Result<Vec<T::T>, ParquetError> {
    let mut values = Vec::with_capacity(BATCH);
    column.read_records(BATCH, None, None, &mut values)?;
    Ok(values)
}

fn optional<T: DataType>(column: &mut ColumnReaderImpl<T>) -> Result<Vec<Option<T::T>>, ParquetError> {
    let (mut values, mut levels) = (Vec::new(), Vec::with_capacity(BATCH));
    column.read_records(BATCH, Some(&mut levels), None, &mut values)?;
    let mut values = values.into_iter();
    Ok(levels.iter().map(|level| if *level == 1 { values.next() } else { None }).collect())
}

/// Some readings, column by column.
struct Cells {
    euis: Vec<ByteArray>,
    channels: Vec<i32>,
    measurements: Vec<i32>,
    measured: Vec<i64>,
    numbers: Vec<Option<f64>>,
    texts: Vec<Option<ByteArray>>,
    json: Vec<Option<ByteArray>>,
    received: Vec<i64>,
    positions: Vec<i64>,
    codecs: Vec<i32>,
    flags: Vec<i32>,
}

impl Cells {
    fn record(&self, line: u64, at: usize) -> Result<Record, String> {
        let text = |bytes: &ByteArray| bytes.as_utf8().map(str::to_owned).map_err(|error| error.to_string());
        let value = match (self.numbers[at], &self.texts[at], &self.json[at]) {
            (Some(number), None, None) if number.is_finite() => Value::Number(number),
            (Some(number), None, None) => return Err(format!("`{number}` is no number")),
            (None, Some(words), None) => Value::text(text(words)?),
            (None, None, Some(words)) => json(text(words)?)?,
            _ => return Err("a reading has one value: a number, a text or json".to_owned()),
        };
        fn small<T: TryFrom<i32>>(name: &str, number: i32) -> Result<T, String> {
            T::try_from(number).map_err(|_| format!("`{number}` is no {name}"))
        }
        let measurement = u32::try_from(self.measurements[at]);
        Ok(Record {
            line,
            eui: text(&self.euis[at])?.parse().map_err(|error: model::InvalidEui| error.to_string())?,
            series: SeriesKey {
                channel: ChannelIndex(small("channel", self.channels[at])?),
                measurement: MeasurementId(measurement.map_err(|_| "a measurement is named by its number")?),
            },
            measured_at: Timestamp::from_millis(self.measured[at]),
            value,
            origin: Origin {
                received_at: Some(Timestamp::from_millis(self.received[at])),
                position: u64::try_from(self.positions[at]).map_err(|_| "a position is a whole number")?,
                codec: small("version of a codec", self.codecs[at])?,
                flags: small("set of flags", self.flags[at])?,
            },
        })
    }
}

/// Reads with a library that gives up on some bytes by a panic, which is to be no more than a file that cannot be read.
fn guarded<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> io::Result<T> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(read) => read.map_err(failed),
        Err(_) => Err(io::Error::other("it cannot be read as Parquet: its metadata contradicts itself")),
    }
}

fn failed(error: ParquetError) -> io::Error {
    io::Error::other(format!("it cannot be read as Parquet: {error}"))
}
