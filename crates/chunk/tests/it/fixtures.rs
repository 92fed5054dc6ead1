//! Bytes of the released forms. When one of these fails, the form has changed: add a version that
//! reads the old bytes as well, and new fixtures beside the old ones.

use std::{fs, path::PathBuf};

use chunk::{Chunk, OpenRows, seal};
use model::{CodecVersion, Position, Reading, Row, RowFlags, Timestamp, Value};

use crate::arbitrary::assert_same;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// 300 rows with everything in them that a form distinguishes.
///
/// `scans` adds a text long enough to be deflated, whose bytes depend on the deflate library.
fn rows(scans: bool) -> Vec<Row> {
    let row = |tick: i64| {
        let at = 1_783_651_184_000 + tick * 300_000 + tick * tick * 7_919 % 4_001;
        let temperature = (214 + tick * tick % 7 - tick % 5) as f64 / 10.0;
        let mut readings = vec![
            Reading::new(1, 4_097, temperature),
            Reading::new(1, 4_098, (tick * 31 % 97) as f64 / 1_024.0 + 1.0 / 3.0),
            Reading::new(1, 4_101, (101_320 + tick % 9 * 10) as f64),
            Reading::new(2, 4_113, if tick == 77 { f64::NAN } else { -0.0 }),
        ];
        if tick % 12 == 0 {
            readings.insert(0, Reading::status(3_502, Value::text(if tick < 150 { "2.0" } else { "2.1" })));
        }
        if tick % 3 != 1 {
            readings.push(Reading::new(3, 4_105, (tick % 17) as f64));
        }
        if scans && tick % 50 == 0 {
            let scan =
                format!(r#"[{{"mac":"C0:FF:EE:00:00:01","rssi":-{tick}}},{{"mac":"C0:FF:EE:00:00:02","rssi":-9}}]"#);
            readings.push(Reading::new(3, 5_001, Value::Json(scan.into())));
        }
        if tick % 100 == 42 {
            readings.clear();
        }
        let late = if tick == 200 { 7_200_000 } else { 0 };
        Row {
            measured_at: Timestamp::from_millis(at),
            received_at: Timestamp::from_millis(at + 50 + tick * 37 % 1_400 + late),
            position: Position::from_raw((1_000_000 + tick * 1_250 + tick % 11 + late / 240) as u64),
            replaces: (tick % 90 == 89).then(|| Position::from_raw((1_000_000 + tick * 1_250 - 400_000) as u64)),
            codec: CodecVersion(if tick < 250 { 1 } else { 2 }),
            flags: if late > 0 { RowFlags::LATE } else { RowFlags::NONE },
            readings,
        }
    };
    (0..300).map(row).collect()
}

#[track_caller]
fn check(name: &str, written: &[u8]) -> Vec<u8> {
    if std::env::var_os("WRITE_FIXTURES").is_some() {
        fs::write(fixture(name), written).unwrap();
    }
    fs::read(fixture(name)).unwrap()
}

#[test]
fn version_1_of_a_chunk_is_read_and_written() {
    let rows = rows(false);
    let written = seal(&rows);
    let bytes = check("v1.bin", &written);
    assert_same(&Chunk::open(&bytes).unwrap().rows().unwrap(), &rows);
    assert!(written == bytes, "`seal` writes other bytes than it did");
}

#[test]
fn version_1_of_a_chunk_with_deflated_text_is_read() {
    let rows = rows(true);
    let bytes = check("v1-deflated.bin", &seal(&rows));
    assert_same(&Chunk::open(&bytes).unwrap().rows().unwrap(), &rows);
}

#[test]
fn version_1_of_open_rows_is_read_and_written() {
    let rows = rows(true);
    let mut open = OpenRows::new();
    rows.iter().for_each(|row| open.push(row));
    let bytes = check("open-rows-v1.bin", &open.encode());
    assert_same(&OpenRows::decode(&bytes).unwrap().rows(), &rows);
    assert!(open.encode() == bytes, "`encode` writes other bytes than it did");
}
