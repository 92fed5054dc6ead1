//! Readings out of files: every line has a fate, and nothing is taken twice.

use ingest::import::{Columns, Counts, Fate, ImportError, Manner, Whose, import, read_csv, read_lines, read_table};
use jiff::tz::TimeZone;
use model::{ChannelIndex, MeasurementId, Position, SeriesKey, Window};
use proptest::prelude::*;
use store::{
    Reference, Scope, Store, Telemetry,
    conformance::fixtures::{Probe, eui, org},
};

const HEADINGS: &str = "device_eui,channel,measurement_id,measured_at,value,type,received_at,position,codec,flags\n";

fn manner(replaces: bool) -> Manner {
    Manner { org: org(1), is_dry: false, replaces }
}

async fn take(store: &dyn Store, manner: Manner, text: &str) -> (Counts, Vec<(u64, Fate, String)>) {
    let mut fates = Vec::new();
    let mut told = |line, fate, why: &str| {
        fates.push((line, fate, why.to_owned()));
        true
    };
    let counts = if text.starts_with('{') {
        import(store, manner, read_lines(text.as_bytes()), &mut told).await
    } else {
        import(store, manner, read_csv(text.as_bytes()), &mut told).await
    };
    (counts.unwrap(), fates)
}

fn line(minute: u32, measurement: u32, value: &str, kind: &str, position: u64) -> String {
    let at = format!("2026-07-10T00:{minute:02}:00.000Z");
    format!("{},1,{measurement},{at},{value},{kind},{at},{position},3,4\n", eui(1))
}

#[tokio::test]
async fn readings_of_one_uplink_come_back_as_one_with_what_was_known_of_it() {
    let store = Reference::new();
    let probe = Probe::bind(&store).await;
    let text = [
        HEADINGS,
        &line(1, 4097, "21.5", "number", 7),
        &line(1, 4098, "40", "number", 7),
        &line(1, 4102, "1", "number", 8),
        &line(2, 5003, "\"[{\"\"id\"\":1}]\"", "json", 9),
        &line(2, 4200, "\"a, b\"", "text", 9),
        "#end,5,0\n",
    ];
    let (counts, fates) = take(&store, manner(false), &text.concat()).await;
    assert_eq!(counts, Counts { new: 5, ..Counts::default() });
    assert_eq!(fates.iter().map(|(line, ..)| *line).collect::<Vec<_>>(), [2, 3, 4, 5, 6]);
    let mut rows = probe.whole_rows(Window::ALL, 10, true).await;
    rows.reverse();
    assert_eq!(rows.iter().map(|row| row.readings.len()).collect::<Vec<_>>(), [2, 1, 2]);
    assert_eq!((rows[0].codec.0, rows[0].flags.0, rows[0].received_at), (3, 4, rows[0].measured_at));
    assert_eq!(rows[2].readings[1].value, model::Value::Json("[{\"id\":1}]".into()));
    let followed = store.follow(Scope::All, Position::START, 10).await.unwrap();
    assert!(followed.entries.iter().all(|entry| match &entry.entry {
        store::Entry::Uplink(uplink) => uplink.source == model::SourceId::HISTORY,
        _ => false,
    }));

    let (again, _) = take(&store, manner(false), &text.concat()).await;
    assert_eq!(again, Counts { same: 5, ..Counts::default() });
    assert_eq!(store.head().await.unwrap(), followed.next, "nothing is stored twice");
}

#[tokio::test]
async fn another_value_stays_unless_it_is_told_to_give_way() {
    let store = Reference::new();
    let probe = Probe::bind(&store).await;
    let [first, second] = ["21.5", "22"].map(|value| format!("{HEADINGS}{}", line(1, 4097, value, "number", 7)));
    take(&store, manner(false), &first).await;
    assert_eq!(take(&store, manner(false), &second).await.0, Counts { differs: 1, ..Counts::default() });
    assert_eq!(probe.range(Window::ALL, 10).await, ["1/4097 1m=21.5"]);
    assert_eq!(take(&store, manner(true), &second).await.0, Counts { replaced: 1, ..Counts::default() });
    assert_eq!(probe.range(Window::ALL, 10).await, ["1/4097 1m=22"]);
    let dry = Manner { is_dry: true, ..manner(true) };
    assert_eq!(take(&store, dry, &first).await.0, Counts { replaced: 1, ..Counts::default() });
    assert_eq!(probe.range(Window::ALL, 10).await, ["1/4097 1m=22"], "a dry run takes nothing");
}

#[tokio::test]
async fn what_is_no_reading_is_refused_with_its_line_and_the_rest_is_taken() {
    let store = Reference::new();
    Probe::bind(&store).await;
    let good = line(1, 4097, "21.5", "number", 7);
    for (bad, words) in [
        (good.replace("21.5", "warm"), "`warm` is no number"),
        (good.replace("21.5", "NaN"), "`NaN` is no number"),
        (good.replace("number", "colour"), "not `colour`"),
        (good.replace("2026-07-10T00:01", "yesterday"), "is no time"),
        (good.replace("number", "json").replace("21.5", "[1"), "no JSON"),
        (good.replace(&eui(1).to_string(), "2CF7"), "16 hex digits"),
        (good.replace(&eui(1).to_string(), "2CF7F12004109999"), "no device `2CF7F12004109999`"),
        (good.replace(",1,4097,", ",70000,4097,"), "number too large"),
        ("1,2,3\n".to_owned(), "end of row"),
    ] {
        let text = [HEADINGS, &bad, &good].concat();
        let (counts, fates) = take(&store, manner(false), &text).await;
        assert_eq!((counts.refused, counts.new + counts.same), (1, 1), "{bad}");
        let (line, _, why) = fates.into_iter().find(|(_, fate, _)| *fate == Fate::Refused).unwrap();
        assert!(line == 2 && why.contains(words), "line {line}: {why}");
    }
    let good = format!(
        "{{\"device_eui\":\"{}\",\"channel\":1,\"measurement_id\":\"4097\",\"measured_at\":\"2026-07-10T00:01:00Z\",\
         \"value\":21.5,\"received_at\":\"2026-07-10T00:01:00Z\",\"position\":\"7\",\"codec\":3,\"flags\":4}}\n",
        eui(1)
    );
    for (bad, words) in [
        (good.replace("21.5", "true"), "`true` is no number"),
        (good.replace("21.5", "1e999"), "`1e999` is no number"),
        (good.replace("\"4097\"", "\"x\""), "named by its number"),
        (good.replace("\"7\"", "\"x\""), "whole number"),
        ("{\n".to_owned(), "EOF"),
    ] {
        let (counts, fates) = take(&store, manner(false), &[bad.as_str(), good.as_str()].concat()).await;
        assert_eq!(counts.refused, 1, "{bad}");
        assert!(fates.iter().any(|(line, _, why)| *line == 1 && why.contains(words)), "{fates:?}");
    }
}

#[tokio::test]
async fn whoever_wants_no_more_is_heard() {
    let store = Reference::new();
    Probe::bind(&store).await;
    let text = format!("{HEADINGS}{}", line(1, 4097, "1", "number", 7));
    let stopped = import(&store, manner(false), read_csv(text.as_bytes()), &mut |_, _, _| false).await;
    assert!(matches!(stopped, Err(ImportError::Stopped)));
}

fn columns(whose: Whose) -> Columns {
    let series = SeriesKey { channel: ChannelIndex(1), measurement: MeasurementId(4097) };
    let values = vec![("temp".to_owned(), series)];
    Columns { whose, time: "at".to_owned(), zone: TimeZone::get("Europe/Zurich").unwrap(), values }
}

#[test]
fn times_of_tables_are_read_in_every_usual_form() {
    let read = |time: &str| {
        let text = format!("temp,at\n1,{time}\n");
        let mut records = read_table(text.as_bytes(), columns(Whose::One(eui(1)))).unwrap();
        records.next().unwrap().unwrap().map(|record| record.measured_at.as_millis())
    };
    let expected = 1_783_641_600_000;
    for time in [
        "2026-07-10T00:00:00Z",
        "2026-07-10 02:00:00",
        "2026-07-10T02:00",
        "2026-07-09T20:00:00-04:00",
        "1783641600",
        "1783641600000",
        "1783641600.0",
    ] {
        assert_eq!(read(time), Ok(expected), "{time}");
    }
    assert_eq!(read("2026-01-10 01:00:00"), Ok(1_768_003_200_000), "in winter");
    assert!(read("10.7.2026").unwrap_err().why.contains("is no time"));
}

#[test]
fn a_table_names_the_devices_that_it_is_of() {
    let text = format!("who,at,temp\n{},1783641600,1.5\nnobody,1783641600,2\n", eui(2));
    let records: Vec<_> =
        read_table(text.as_bytes(), columns(Whose::Column("who".to_owned()))).unwrap().map(Result::unwrap).collect();
    assert_eq!(records[0].as_ref().unwrap().eui, eui(2));
    assert!(records[1].as_ref().unwrap_err().why.contains("`nobody` is no EUI"));
    let missing = read_table("a,b\n".as_bytes(), columns(Whose::One(eui(1)))).err().unwrap();
    assert_eq!(missing.to_string(), "there is no column `at`; there are a, b");
}

#[cfg(feature = "parquet")]
mod parquet_files {
    use std::{io::Cursor, sync::Arc};

    use bytes::Bytes;
    use ingest::import::{Ended, ParquetReadings, check_parquet_end, open_parquet};
    use parquet::{
        data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type},
        file::{
            metadata::KeyValue,
            properties::{EnabledStatistics, WriterProperties},
            writer::SerializedFileWriter,
        },
        schema::parser::parse_message_type,
    };
    use sha2::{Digest, Sha256};

    use super::*;

    const SCHEMA: &str = "message readings {
        required binary device_eui (string); required int32 channel; required int32 measurement_id;
        required int64 measured_at (timestamp(millis,true)); optional double value; optional binary text (string);
        optional binary json (json); required int64 received_at (timestamp(millis,true)); required int64 position;
        required int32 codec; required int32 flags;
    }";

    /// A reading as the columns have it: EUI, measurement, number, text, JSON, flags.
    type Cells = (&'static str, i32, Option<f64>, Option<&'static str>, Option<&'static str>, i32);

    const GOOD: Cells = ("2CF7F12000000001", 4097, Some(21.5), None, None, 4);

    fn file(schema: &str, cells: &[Cells]) -> Vec<u8> {
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let mut writer = SerializedFileWriter::new(
            Vec::new(),
            schema,
            Arc::new(
                WriterProperties::builder()
                    .set_offset_index_disabled(true)
                    .set_statistics_enabled(EnabledStatistics::Chunk)
                    .build(),
            ),
        )
        .unwrap();
        let bytes = |text: &str| ByteArray::from(text.as_bytes().to_vec());
        let n = cells.len();
        let mut group = writer.next_row_group().unwrap();
        macro_rules! put {
            ($kind:ty, $values:expr) => {
                put!($kind, $values, None)
            };
            ($kind:ty, $values:expr, $levels:expr) => {{
                let mut column = group.next_column().unwrap().unwrap();
                column.typed::<$kind>().write_batch(&$values, $levels, None).unwrap();
                column.close().unwrap();
            }};
        }
        let levels = |is_there: &dyn Fn(&Cells) -> bool| -> Vec<i16> {
            cells.iter().map(|cells| i16::from(is_there(cells))).collect()
        };
        put!(ByteArrayType, cells.iter().map(|c| bytes(c.0)).collect::<Vec<_>>());
        put!(Int32Type, vec![1; n]);
        put!(Int32Type, cells.iter().map(|c| c.1).collect::<Vec<_>>());
        put!(Int64Type, (0..n as i64).map(|n| 1_783_641_600_000 + n * 60_000).collect::<Vec<_>>());
        put!(DoubleType, cells.iter().filter_map(|c| c.2).collect::<Vec<_>>(), Some(&levels(&|c| c.2.is_some())));
        put!(
            ByteArrayType,
            cells.iter().filter_map(|c| c.3.map(bytes)).collect::<Vec<_>>(),
            Some(&levels(&|c| c.3.is_some()))
        );
        put!(
            ByteArrayType,
            cells.iter().filter_map(|c| c.4.map(bytes)).collect::<Vec<_>>(),
            Some(&levels(&|c| c.4.is_some()))
        );
        put!(Int64Type, (0..n as i64).map(|n| 1_783_641_600_000 + n * 60_000).collect::<Vec<_>>());
        put!(Int64Type, (0..n as i64).collect::<Vec<_>>());
        put!(Int32Type, vec![3; n]);
        put!(Int32Type, cells.iter().map(|c| c.5).collect::<Vec<_>>());
        group.close().unwrap();
        writer.flush().unwrap();
        let sum: Vec<_> = Sha256::digest(writer.inner()).iter().map(|byte| format!("{byte:02x}")).collect();
        writer.append_key_value_metadata(KeyValue::new("senstation.sha256".to_owned(), sum.concat()));
        writer.append_key_value_metadata(KeyValue::new("senstation.rows".to_owned(), n.to_string()));
        writer.finish().unwrap();
        std::mem::take(writer.inner_mut())
    }

    /// How a file ends; `None` if it is none.
    fn ended(file: &[u8]) -> Option<Ended> {
        let footer = open_parquet(Bytes::copy_from_slice(file)).ok()?;
        check_parquet_end(&mut Cursor::new(file), &footer).ok()
    }

    #[tokio::test]
    async fn readings_of_all_kinds_are_taken_and_odd_ones_told() {
        let store = Reference::new();
        let probe = Probe::bind(&store).await;
        let eui: &'static str = Box::leak(eui(1).to_string().into_boxed_str());
        let good = Cells::from((eui, 4097, Some(21.5), None, None, 4));
        let cells = [
            good,
            (eui, 4200, None, Some("a, b"), None, 4),
            (eui, 5003, None, None, Some("[{\"id\":1}]"), 4),
            (eui, 4097, Some(f64::NAN), None, None, 4),
            (eui, 4097, None, None, None, 4),
            (eui, 4097, Some(1.0), Some("1"), None, 4),
            (eui, 4097, None, None, Some("[1"), 4),
            (eui, -1, Some(1.0), None, None, 4),
            (eui, 4097, Some(1.0), None, None, 256),
            ("2CF7", 4097, Some(1.0), None, None, 4),
        ];
        let file = file(SCHEMA, &cells);
        assert_eq!(ended(&file), Some(Ended::Whole));
        let readings = ParquetReadings::new(open_parquet(Bytes::from(file)).unwrap()).unwrap();
        assert_eq!(readings.total(), 10);
        let mut refused = Vec::new();
        let counts = import(&store, manner(false), readings, &mut |line, fate, why| {
            if fate == Fate::Refused {
                refused.push(format!("{line} {why}"));
            }
            true
        })
        .await;
        assert_eq!(counts.unwrap(), Counts { new: 3, refused: 7, ..Counts::default() });
        refused.sort_by_key(|told| told.split(' ').next().unwrap().parse::<u64>().unwrap());
        for (told, words) in refused.iter().zip([
            "4 `NaN` is no number",
            "5 a reading has one value",
            "6 a reading has one value",
            "7 the value is no JSON",
            "8 a measurement is named by its number",
            "9 `256` is no set of flags",
            "10 ",
        ]) {
            assert!(told.starts_with(words), "{told}");
        }
        assert_eq!(probe.range(Window::ALL, 10).await, ["1/4097 0m=21.5", "1/4200 1m=a, b", "1/5003 2m=[{\"id\":1}]"]);
    }

    #[test]
    fn a_file_that_is_not_as_it_was_written_is_told() {
        let whole = file(SCHEMA, &[GOOD; 3]);
        assert_eq!(ended(&whole), Some(Ended::Whole));
        for len in 0..whole.len() {
            assert_ne!(ended(&whole[..len]), Some(Ended::Whole), "cut at {len}");
        }
        let footer = u32::from_le_bytes(whole[whole.len() - 8..whole.len() - 4].try_into().unwrap()) as usize;
        for at in 0..whole.len() - 8 - footer {
            let mut altered = whole.clone();
            altered[at] ^= 1;
            assert_eq!(ended(&altered), Some(Ended::Altered), "at {at}");
        }
        let other = SCHEMA.replace("required int32 flags", "required int32 colour");
        let other = open_parquet(Bytes::from(file(&other, &[GOOD]))).unwrap();
        let refused = ParquetReadings::new(other).err().unwrap().to_string();
        assert_eq!(refused, "the table does not have the columns of an export");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn no_parquet_is_too_strange(at: prop::sample::Index, bytes in prop::collection::vec(any::<u8>(), 1..9)) {
            let mut file = file(SCHEMA, &[GOOD; 3]);
            let at = at.index(file.len() - bytes.len());
            file[at..at + bytes.len()].copy_from_slice(&bytes);
            let _end = ended(&file);
            if let Ok(readings) = open_parquet(Bytes::from(file)).and_then(ParquetReadings::new) {
                for reading in readings.take(1_000) {
                    let _ = reading;
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn no_file_is_too_strange(bytes: Vec<u8>) {
        let lines = [HEADINGS.as_bytes(), &bytes].concat();
        for record in read_csv(lines.as_slice()).take(1_000) {
            let _ = record;
        }
        for record in read_lines(bytes.as_slice()).take(1_000) {
            let _ = record;
        }
        let table = [b"at,temp\n".as_slice(), &bytes].concat();
        for record in read_table(table.as_slice(), columns(Whose::One(eui(1)))).unwrap().take(1_000) {
            let _ = record;
        }
    }
}
