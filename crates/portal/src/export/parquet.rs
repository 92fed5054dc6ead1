//! An export as Parquet, without arrow: one table, a row group at a time.
//!
//! **Shape**: the columns below, none of them nested; a number stands in `value`, anything else in
//! `text` or `json`. Times are milliseconds in UTC. The footer names the number of readings and the
//! SHA-256 of everything before it, which only a whole file has.

use std::{io, sync::Arc};

use model::{DeviceEui, Reading, Row, Value};
use parquet::{
    basic::{Compression, Encoding},
    data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties},
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::{parser::parse_message_type, types::ColumnPath},
};
use store::Error;

use super::{ExportQuery, each_reading};

/// Readings of one row group: some megabytes while they are gathered.
const GROUP: usize = 1 << 16;

const SCHEMA: &str = "message readings {
    required binary device_eui (string);
    required int32 channel;
    required int32 measurement_id;
    required int64 measured_at (timestamp(millis,true));
    optional double value;
    optional binary text (string);
    optional binary json (json);
    required int64 received_at (timestamp(millis,true));
    required int64 position;
    required int32 codec;
    required int32 flags;
}";

/// Columns whose neighbours differ by little.
const STEADY: [&str; 3] = ["measured_at", "received_at", "position"];

/// Gathers readings, and writes them when there are enough.
#[derive(Debug)]
pub(super) struct Table {
    writer: SerializedFileWriter<Vec<u8>>,
    gathered: Gathered,
}

#[derive(Debug, Default)]
struct Gathered {
    device_eui: Vec<ByteArray>,
    channel: Vec<i32>,
    measurement_id: Vec<i32>,
    measured_at: Vec<i64>,
    value: Optional<f64>,
    text: Optional<ByteArray>,
    json: Optional<ByteArray>,
    received_at: Vec<i64>,
    position: Vec<i64>,
    codec: Vec<i32>,
    flags: Vec<i32>,
}

/// A column that not every reading has a value in.
#[derive(Debug)]
struct Optional<T> {
    values: Vec<T>,
    /// 1 where there is one.
    levels: Vec<i16>,
}

impl<T> Default for Optional<T> {
    fn default() -> Self {
        Self { values: Vec::new(), levels: Vec::new() }
    }
}

impl<T> Optional<T> {
    fn push(&mut self, value: Option<T>) {
        self.levels.push(i16::from(value.is_some()));
        self.values.extend(value);
    }
}

impl Table {
    pub(super) fn begin() -> Result<Self, Error> {
        let mut properties = WriterProperties::builder()
            .set_created_by(format!("senstation {}", env!("CARGO_PKG_VERSION")))
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_column_statistics_enabled(ColumnPath::from("measured_at"), EnabledStatistics::Chunk)
            .set_offset_index_disabled(true)
            .set_max_row_group_row_count(Some(GROUP));
        for name in STEADY {
            properties = properties
                .set_column_dictionary_enabled(ColumnPath::from(name), false)
                .set_column_encoding(ColumnPath::from(name), Encoding::DELTA_BINARY_PACKED);
        }
        let schema = Arc::new(parse_message_type(SCHEMA).map_err(failed)?);
        let writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties.build())).map_err(failed)?;
        Ok(Self { writer, gathered: Gathered::default() })
    }

    /// Gathers rows of one device, instant by instant, and writes as many readings as fill row groups.
    pub(super) fn rows<'a>(
        &mut self,
        out: &mut Vec<u8>,
        query: &ExportQuery,
        eui: DeviceEui,
        instants: impl Iterator<Item = &'a [Row]>,
    ) -> Result<u64, Error> {
        let eui = ByteArray::from(eui.to_string().into_bytes());
        let (mut count, mut written) = (0, Ok(()));
        for instant in instants {
            each_reading(instant, query, |row, reading| {
                count += 1;
                self.gathered.push(&eui, row, reading);
                // Always as many, however they come in: the same query is to give the same bytes.
                if self.gathered.channel.len() == GROUP && written.is_ok() {
                    written = self.write();
                }
            });
        }
        written.map_err(failed)?;
        self.take(out)?;
        Ok(count)
    }

    /// Writes the last row group.
    pub(super) fn rest(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.write().map_err(failed)?;
        self.take(out)
    }

    /// Writes what stands behind the last reading.
    pub(super) fn end(&mut self, out: &mut Vec<u8>, readings: u64, sum: &str) -> Result<(), Error> {
        for (key, value) in [("senstation.rows", readings.to_string()), ("senstation.sha256", sum.to_owned())] {
            self.writer.append_key_value_metadata(KeyValue::new(key.to_owned(), value));
        }
        self.writer.finish().map_err(failed)?;
        self.take(out)
    }

    fn take(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.writer.flush().map_err(Error::internal)?;
        out.append(self.writer.inner_mut());
        Ok(())
    }

    /// The gathered readings, as a row group.
    fn write(&mut self) -> Result<(), ParquetError> {
        let it = std::mem::take(&mut self.gathered);
        if it.channel.is_empty() {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        column::<ByteArrayType>(&mut group, &it.device_eui, None)?;
        column::<Int32Type>(&mut group, &it.channel, None)?;
        column::<Int32Type>(&mut group, &it.measurement_id, None)?;
        column::<Int64Type>(&mut group, &it.measured_at, None)?;
        column::<DoubleType>(&mut group, &it.value.values, Some(&it.value.levels))?;
        column::<ByteArrayType>(&mut group, &it.text.values, Some(&it.text.levels))?;
        column::<ByteArrayType>(&mut group, &it.json.values, Some(&it.json.levels))?;
        column::<Int64Type>(&mut group, &it.received_at, None)?;
        column::<Int64Type>(&mut group, &it.position, None)?;
        column::<Int32Type>(&mut group, &it.codec, None)?;
        column::<Int32Type>(&mut group, &it.flags, None)?;
        group.close().map(drop)
    }
}

impl Gathered {
    fn push(&mut self, eui: &ByteArray, row: &Row, reading: &Reading) {
        self.device_eui.push(eui.clone());
        self.channel.push(reading.series.channel.0.into());
        self.measurement_id.push(reading.series.measurement.0.cast_signed());
        self.measured_at.push(row.measured_at.as_millis());
        let bytes = |text: &str| ByteArray::from(text.as_bytes().to_vec());
        let (mut number, mut text, mut json) = (None, None, None);
        match &reading.value {
            Value::Number(value) => number = Some(*value),
            Value::Text(value) => text = Some(bytes(value)),
            Value::Json(value) => json = Some(bytes(value)),
        }
        self.value.push(number);
        self.text.push(text);
        self.json.push(json);
        self.received_at.push(row.received_at.as_millis());
        self.position.push(row.position.get().cast_signed());
        self.codec.push(row.codec.0.into());
        self.flags.push(row.flags.0.into());
    }
}

fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else { return Err(ParquetError::General("too few columns".into())) };
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()
}

fn failed(error: ParquetError) -> Error {
    Error::internal(io::Error::other(error))
}
