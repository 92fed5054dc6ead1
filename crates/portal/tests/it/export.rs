//! History given out whole: complete, in order, the same again, and as it was.

use std::sync::Arc;

use jiff::tz::TimeZone;
use model::{Position, Reading, Role, Window};
use portal::export::{AsOf, Export, ExportQuery, Format};
use sha2::{Digest, Sha256};
use store::{
    Store, Telemetry,
    conformance::fixtures::{DAY, Probe, at as minute_at, org, row},
};
use store_embedded::{Chore, EmbeddedStore, Settings};

use crate::{
    scene::{bind, uplink},
    support::{App, MINUTE_MS, NOW_MS, at, scopes},
};

fn query(as_of: Option<AsOf>) -> ExportQuery {
    ExportQuery {
        org: org(1),
        devices: Vec::new(),
        measurements: Vec::new(),
        window: Window::ALL,
        zone: TimeZone::UTC,
        format: Format::Csv,
        as_of,
    }
}

async fn export(store: &dyn Store, query: ExportQuery) -> String {
    let mut export = Export::begin(store, query).await.unwrap();
    let mut text = Vec::new();
    while let Some(piece) = export.next(store).await.unwrap() {
        assert!(piece.len() < 1 << 20, "it comes bit by bit");
        text.extend(piece);
    }
    assert_eq!(export.manifest()["bytes"], text.len());
    assert!(export.next(store).await.unwrap().is_none());
    String::from_utf8(text).unwrap()
}

/// Device, minute, series and value of each line but headings and end.
fn short(text: &str) -> Vec<String> {
    let lines: Vec<_> = text.lines().collect();
    let cells = |line: &str| {
        let cells: Vec<_> = line.split(',').collect();
        format!("{} {} {}/{}={}", &cells[0][14..], &cells[3][8..16], cells[1], cells[2], cells[4])
    };
    lines[1..lines.len() - 1].iter().map(|line| cells(line)).collect()
}

async fn embedded(folder: &tempfile::TempDir) -> Arc<EmbeddedStore> {
    EmbeddedStore::open(folder.path(), Settings::default()).unwrap()
}

#[tokio::test]
async fn every_reading_comes_once_and_the_end_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = embedded(&folder).await;
    // More rows than are asked for at once, some of one instant, sealed and not.
    for number in [2, 1] {
        let probe = Probe::bind_in(&*store, 1, number).await;
        for batch in 0..10 {
            let uplinks = (0..1_000).map(|n| {
                let minute = if number == 1 { batch * 1_000 + n } else { n / 500 };
                probe.uplink(minute, [Reading::new(1, 4097, (batch * 1_000 + n) as f64), Reading::new(1, 4098, 1.0)])
            });
            probe.append(uplinks.collect::<Vec<_>>()).await;
        }
        store.chore(Chore::SealAll).await.unwrap();
    }
    let text = export(&*store, query(None)).await;
    let lines = short(&text);
    assert_eq!(lines.len(), 20_000 + 4, "of what was measured twice at one time the last");
    assert_eq!(&lines[..3], ["01 10T00:00 1/4097=0", "01 10T00:00 1/4098=1", "01 10T00:01 1/4097=1"]);
    assert_eq!(
        &lines[20_000..],
        ["02 10T00:00 1/4097=9499", "02 10T00:00 1/4098=1", "02 10T00:01 1/4097=9999", "02 10T00:01 1/4098=1"]
    );
    let (before, end) = text.trim_end().rsplit_once('\n').unwrap();
    let sum: Vec<_> = Sha256::digest(format!("{before}\n")).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(end, format!("#end,20004,{}", sum.concat()));
    assert_eq!(export(&*store, query(None)).await, text, "the same again");
}

#[tokio::test]
async fn as_of_a_position_it_is_what_it_was_then() {
    let folder = tempfile::tempdir().unwrap();
    let store = embedded(&folder).await;
    let probe = Probe::bind(&*store).await;
    let mut then: Vec<(Position, String)> = Vec::new();
    let first = probe.append_one(probe.uplink(0, [Reading::new(1, 4097, 1.0), Reading::new(1, 4098, 2.0)])).await;
    let mut keep = async || then.push((store.head().await.unwrap(), export(&*store, query(None)).await));
    keep().await;
    probe.append_one(probe.late(0, 9, [Reading::new(1, 4097, 3.0)])).await;
    keep().await;
    // Moves what was measured to another year, and takes a cell away.
    probe.append_one(probe.redecode(first, 0, [row(300 * DAY, [Reading::new(1, 4097, 4.0)])])).await;
    keep().await;
    store.chore(Chore::SealAll).await.unwrap();
    probe.append_one(probe.redecode(first, 0, [row(1, [Reading::new(1, 4097, 5.0)])])).await;
    keep().await;
    assert_eq!(short(&then[0].1), ["01 10T00:00 1/4097=1", "01 10T00:00 1/4098=2"]);
    assert_eq!(short(&then[1].1), ["01 10T00:00 1/4097=3", "01 10T00:00 1/4098=2"]);
    assert_eq!(short(&then[2].1), ["01 10T00:00 1/4097=3", "01 06T00:00 1/4097=4"]);
    assert_eq!(short(&then[3].1), ["01 10T00:00 1/4097=3", "01 10T00:01 1/4097=5"]);
    for chore in [None, Some(Chore::SealAll), Some(Chore::MergeAll)] {
        if let Some(chore) = chore {
            store.chore(chore).await.unwrap();
        }
        for (position, text) in &then {
            assert_eq!(export(&*store, query(Some(AsOf::Position(*position)))).await, *text, "as of {position}");
        }
    }
    let received = export(&*store, query(Some(AsOf::Received(minute_at(8))))).await;
    assert_eq!(short(&received), ["01 10T00:01 1/4097=5"], "what came until then, as it is decoded now");
}

#[cfg(feature = "parquet")]
#[tokio::test]
async fn as_parquet_it_has_the_same_readings_and_the_same_bytes_again() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let folder = tempfile::tempdir().unwrap();
    let store = embedded(&folder).await;
    // More readings than a row group has, of all kinds, sealed and not.
    let probe = Probe::bind(&*store).await;
    for batch in 0..12 {
        let uplinks = (0..1_000).map(|n| {
            let minute = batch * 1_000 + n;
            let mut readings: Vec<_> =
                (0..6).map(|id| Reading::new(1, 4097 + id, (minute + i64::from(id)) as f64)).collect();
            let series = Reading::status(3502, 0.0).series;
            let json = n % 2 == 0;
            let value = if json { model::Value::Json("[1,2]".into()) } else { model::Value::text("a \"b\"") };
            readings.insert(0, Reading { series, value });
            probe.uplink(minute, readings)
        });
        probe.append(uplinks.collect::<Vec<_>>()).await;
        if batch == 9 {
            store.chore(Chore::SealAll).await.unwrap();
        }
    }
    let position = store.head().await.unwrap();
    let whole = async |as_of| {
        let mut export = Export::begin(&*store, ExportQuery { format: Format::Parquet, ..query(as_of) }).await.unwrap();
        let (mut bytes, mut longest) = (Vec::new(), 0);
        while let Some(piece) = export.next(&*store).await.unwrap() {
            longest = longest.max(piece.len());
            bytes.extend(piece);
        }
        assert!(longest < 4 << 20, "it comes bit by bit: {longest}");
        let sum: Vec<_> = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(export.manifest()["sha256"], sum.concat());
        assert_eq!(
            (export.manifest()["bytes"].as_u64(), &export.manifest()["rows"]),
            (Some(bytes.len() as u64), &84_000.into())
        );
        bytes
    };
    let first = whole(None).await;
    let file = SerializedFileReader::new(bytes::Bytes::from(first.clone())).unwrap();
    assert_eq!((file.num_row_groups(), file.metadata().file_metadata().num_rows()), (2, 84_000));
    let text = export(&*store, query(None)).await;
    let mut lines = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
    for ((row, line), number) in file.get_row_iter(None).unwrap().zip(lines.records()).zip(0..) {
        use parquet::record::Field;
        let row = row.unwrap();
        let of = |field: &Field| match field {
            Field::Str(text) => text.clone(),
            Field::Double(number) => number.to_string(),
            Field::TimestampMillis(ms) => at(*ms).to_string(),
            other => other.to_string(),
        };
        let fields: Vec<&Field> = row.get_column_iter().map(|(_, field)| field).collect();
        let value = fields[4..7].iter().find(|field| !matches!(field, Field::Null)).unwrap();
        let cells = [fields[0], fields[1], fields[2], fields[3], value, fields[7], fields[8], fields[9], fields[10]];
        let cells: Vec<String> = cells.into_iter().map(of).collect();
        let line = line.unwrap();
        let expected: Vec<&str> = line.iter().enumerate().filter(|(at, _)| *at != 5).map(|(_, cell)| cell).collect();
        assert_eq!(cells, expected, "reading {number}");
    }
    // What comes later moves where the store's pages end, and must not move where row groups do.
    probe.append((0..3_000).map(|n| probe.late(n * 3, 13_000, [Reading::new(9, 4097, 1.0)]))).await;
    store.chore(Chore::MergeAll).await.unwrap();
    assert!(whole(Some(AsOf::Position(position))).await == first, "the same again");
}

#[tokio::test]
async fn a_program_gets_it_over_http_and_nobody_elses() {
    let app = App::new();
    let org = app.organization().await;
    app.member(org, Role::Owner, false).await;
    let caller = app.program(org, scopes(false, false, true)).await;
    let other = app.organization().await;
    let (ours, theirs) = ("2CF7F12004100005", "2CF7F12004100006");
    for (org, eui) in [(org, ours), (other, theirs)] {
        let device = bind(&app, org, u64::from_str_radix(eui, 16).unwrap(), "Roof", None).await;
        for n in 0..3 {
            let readings = vec![Reading::new(1, 4097, 20.0 + f64::from(n)), Reading::new(2, 4102, 1.5)];
            uplink(&app, &device, at(NOW_MS - i64::from(n) * MINUTE_MS), readings).await;
        }
    }
    let answer = caller.get("/api/export").await;
    assert_eq!(answer.code(), 200);
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    assert!(answer.header("content-disposition").ends_with(".csv\""));
    assert_eq!(answer.body.lines().count(), 1 + 6 + 1);
    assert!(answer.body.contains(ours) && !answer.body.contains(theirs));

    let asked =
        "measurement=4097&from=2026-07-10T11:59:00Z&to=2026-07-10T12:00:00Z&time_zone=Asia/Shanghai&format=jsonl";
    let answer = caller.get(&format!("/api/export?device={ours}&{asked}")).await;
    let lines: Vec<serde_json::Value> = answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["measured_at"], &lines[0]["value"]), (&"2026-07-10T19:59:00.000+08:00".into(), &21.into()));
    assert_eq!((&lines[1]["end"], &lines[1]["rows"]), (&true.into(), &1.into()));

    let manifest = caller.get(&format!("/api/export/manifest?{asked}")).await.json();
    assert_eq!(manifest["devices"][0]["eui"], ours);
    assert_eq!(manifest["position"], answer.header("senstation-position"));
    for (odd, status, code) in [
        ("device=xyz", 422, "invalid"),
        ("measurement=warmth", 422, "invalid"),
        ("from=yesterday", 422, "invalid"),
        ("from=2026-07-10T12:00:00Z&to=2026-07-10T12:00:00Z", 422, "invalid"),
        ("time_zone=Mars/Olympus", 422, "invalid"),
        ("format=xls", 422, "invalid"),
        ("as_of=once", 422, "invalid"),
        ("as_of=99999999999999999999999", 422, "invalid"),
        (&format!("device={theirs}"), 404, "not_found"),
    ] {
        for path in ["/api/export", "/api/export/manifest"] {
            caller.get(&format!("{path}?{odd}")).await.problem(status, code);
        }
    }
    let none = caller.get("/api/export?measurement=5003").await;
    assert!(none.body.ends_with(&none.body.lines().last().map(|line| format!("{line}\n")).unwrap()));
    assert!(none.body.lines().last().unwrap().starts_with("#end,0,"));
}
