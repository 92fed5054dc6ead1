//! Any bytes as a file of readings: an export as CSV, as JSON lines and as Parquet, a table from elsewhere.

#![no_main]

use std::io::Cursor;

use bytes::Bytes;
use ingest::import::{
    Columns, ParquetReadings, Whose, check_end, check_parquet_end, open_parquet, read_csv, read_lines, read_table,
};
use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;
use model::{ChannelIndex, DeviceEui, MeasurementId, SeriesKey};

const HEADINGS: &[u8] = b"device_eui,channel,measurement_id,measured_at,value,type,received_at,position,codec,flags\n";

fuzz_target!(|bytes: &[u8]| {
    let _end = check_end(bytes);
    let lines = [HEADINGS, bytes].concat();
    read_csv(lines.as_slice()).take(1_000).for_each(drop);
    read_lines(bytes).take(1_000).for_each(drop);
    if let Ok(footer) = open_parquet(Bytes::copy_from_slice(bytes)) {
        let _end = check_parquet_end(&mut Cursor::new(bytes), &footer);
        if let Ok(readings) = ParquetReadings::new(footer) {
            readings.take(1_000).for_each(drop);
        }
    }
    let series = SeriesKey { channel: ChannelIndex(1), measurement: MeasurementId(4097) };
    let columns = Columns {
        whose: Whose::One(DeviceEui::from_raw(1)),
        time: "at".to_owned(),
        zone: TimeZone::UTC,
        values: vec![("temp".to_owned(), series)],
    };
    let table = [b"at,temp\n".as_slice(), bytes].concat();
    if let Ok(records) = read_table(table.as_slice(), columns) {
        records.take(1_000).for_each(drop);
    }
});
