//! Rows one after the other, uncompressed.

use model::{ChannelIndex, CodecVersion, MeasurementId, Position, Reading, Row, RowFlags, SeriesKey, Timestamp, Value};

use crate::{
    Error, Summary,
    varint::{Input, put, put_signed},
};

pub(crate) fn put_row(out: &mut Vec<u8>, row: &Row) {
    put_signed(out, row.measured_at.as_millis());
    put_signed(out, row.received_at.as_millis());
    put(out, row.position.get());
    put(out, u64::from(row.replaces.is_some()));
    put(out, row.replaces.map_or(0, Position::get));
    put(out, u64::from(row.codec.0));
    out.push(row.flags.0);
    let mut readings: Vec<&Reading> = row.readings.iter().collect();
    readings.sort_by_key(|reading| reading.series);
    readings.reverse();
    readings.dedup_by_key(|reading| reading.series);
    readings.reverse();
    put(out, readings.len() as u64);
    for reading in readings {
        put(out, u64::from(reading.series.channel.0));
        put(out, u64::from(reading.series.measurement.0));
        match &reading.value {
            Value::Number(number) => {
                out.push(0);
                out.extend_from_slice(&number.to_bits().to_le_bytes());
            }
            Value::Text(text) => put_text(out, 1, text),
            Value::Json(text) => put_text(out, 2, text),
        }
    }
}

fn put_text(out: &mut Vec<u8>, kind: u8, text: &str) {
    out.push(kind);
    put(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn row(input: &mut Input<'_>) -> Result<Row, Error> {
    let measured_at = Timestamp::from_millis(input.signed()?);
    let received_at = Timestamp::from_millis(input.signed()?);
    let position = Position::from_raw(input.number()?);
    let is_replacement = input.number()? == 1;
    let replaced = Position::from_raw(input.number()?);
    let codec = CodecVersion(input.count(65_535)? as u16);
    let flags = RowFlags(input.byte()?);
    let readings = (0..input.count(input.rest().len())?).map(|_| reading(input)).collect::<Result<_, _>>()?;
    let replaces = is_replacement.then_some(replaced);
    Ok(Row { measured_at, received_at, position, replaces, codec, flags, readings })
}

fn reading(input: &mut Input<'_>) -> Result<Reading, Error> {
    let channel = ChannelIndex(input.count(65_535)? as u16);
    let measurement = MeasurementId(u32::try_from(input.number()?).map_err(|_| input.malformed())?);
    let value = match input.byte()? {
        0 => Value::Number(f64::from_bits(u64::from_le_bytes(input.array()?))),
        1 => Value::text(text(input)?),
        2 => Value::Json(text(input)?.into()),
        _ => return Err(input.malformed()),
    };
    Ok(Reading { series: SeriesKey { channel, measurement }, value })
}

fn text<'a>(input: &mut Input<'a>) -> Result<&'a str, Error> {
    let bytes = input.count(input.rest().len())?;
    std::str::from_utf8(input.take(bytes)?).map_err(|_| input.malformed())
}

pub(crate) fn close(out: &mut Vec<u8>) {
    let sum = crc32fast::hash(out);
    out.extend_from_slice(&sum.to_le_bytes());
}

pub(crate) fn rows(bytes: &[u8]) -> Result<Vec<Row>, Error> {
    let (body, sum) = bytes.split_last_chunk().ok_or(Error::Checksum)?;
    if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
        return Err(Error::Checksum);
    }
    let mut input = Input::new(body, "rows");
    if input.byte()? != 0 {
        return Err(Error::Version(body[0]));
    }
    let rows = (0..input.count(body.len())?).map(|_| row(&mut input)).collect::<Result<_, _>>()?;
    input.finish().map(|()| rows)
}

pub(crate) fn summary(rows: &[Row]) -> Option<Summary> {
    Some(Summary {
        rows: rows.len(),
        first_measured_at: rows.iter().map(|row| row.measured_at).min()?,
        last_measured_at: rows.iter().map(|row| row.measured_at).max()?,
        lowest_position: rows.iter().map(|row| row.position).min()?,
        highest_position: rows.iter().map(|row| row.position).max()?,
        has_replacements: rows.iter().any(|row| row.replaces.is_some()),
    })
}
