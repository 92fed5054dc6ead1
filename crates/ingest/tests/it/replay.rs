//! Stored frames, decoded again.

use std::sync::Arc;

use ingest::{Difference, Listener, Replayed, replay};
use model::{
    ChannelIndex, ChannelMap, DedupKey, Device, Frame, MeasurementId, Reading, RowFlags, SeriesKey, Timestamp, Uplink,
    Value, Window,
};
use serde_json::json;
use store::{DeviceChange, RangeQuery, RowQuery, Select};
use store_embedded::{EmbeddedStore, Settings};

use crate::support::{App, EUI, ORG, UP, now, up_with};

/// What a replay said on its way.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    differences: Vec<Difference>,
    frames: u64,
    most: u64,
}

impl Listener for Heard {
    fn differs(&mut self, difference: &Difference) {
        self.differences.push(difference.clone());
    }

    fn decoded(&mut self, frames: u64) -> bool {
        assert_eq!(frames, self.frames + 1);
        self.frames = frames;
        self.most == 0 || frames < self.most
    }
}

async fn device(app: &App) -> Arc<Device> {
    app.store.find_device(ORG, EUI.parse().unwrap()).await.unwrap().unwrap()
}

async fn map(app: &App, map: &str) {
    let change = DeviceChange { channel_map: Some(map.parse().unwrap()), ..DeviceChange::default() };
    app.store.update_device(ORG, EUI.parse().unwrap(), change).await.unwrap();
}

async fn run(app: &App, is_dry: bool) -> (Replayed, Vec<Difference>) {
    let mut heard = Heard::default();
    let replayed =
        replay(&*app.store, &app.state.scripts, &*device(app).await, Window::ALL, is_dry, &mut heard).await.unwrap();
    assert_eq!(heard.frames, replayed.frames);
    (replayed, heard.differences)
}

/// What is served: time, channel, measurement and value.
async fn served(app: &App) -> Vec<(i64, u16, u32, Value)> {
    let query =
        RangeQuery { device: device(app).await.id, select: Select::READINGS, window: Window::ALL, limit: 10_000 };
    let series = app.store.range(ORG, query).await.unwrap();
    let points = series.into_iter().flat_map(|series| {
        let SeriesKey { channel, measurement } = series.key;
        let points = series.points.into_iter();
        points.map(move |point| (point.measured_at.as_millis(), channel.0, measurement.0, point.value))
    });
    points.collect()
}

const SENT_MS: i64 = 1_783_651_184_319;

#[tokio::test]
async fn another_channel_map_changes_what_is_served_exactly_as_the_dry_run_said() {
    let folder = tempfile::tempdir().unwrap();
    let app = App::on(EmbeddedStore::open(folder.path(), Settings::default()).unwrap()).await;
    app.up(UP).await;
    let before = [(SENT_MS, 1, 4097, Value::Number(21.4)), (SENT_MS, 1, 4098, Value::Number(31.4))];
    assert_eq!(served(&app).await, before);
    assert_eq!(run(&app, false).await, (Replayed { frames: 1, ..Replayed::default() }, vec![]), "nothing differs");

    map(&app, "1/4097=4102").await;
    let (dry, differences) = run(&app, true).await;
    assert_eq!(served(&app).await, before, "a dry run changes nothing");
    let expected = |id, was, becomes| {
        let number = |value: Option<f64>| value.map(Value::Number);
        let series = SeriesKey { channel: ChannelIndex(1), measurement: MeasurementId(id) };
        let (uplink, measured_at) = (differences[0].uplink, Timestamp::from_millis(SENT_MS));
        Difference { uplink, received_at: now(), measured_at, series, was: number(was), becomes: number(becomes) }
    };
    assert_eq!(differences, [expected(4097, Some(21.4), None), expected(4102, None, Some(21.4))]);
    assert_eq!(dry, Replayed { frames: 1, differing: 1, added: 1, gone: 1, ..Replayed::default() });

    assert_eq!(run(&app, false).await, (dry, differences));
    let after = [(SENT_MS, 1, 4098, Value::Number(31.4)), (SENT_MS, 1, 4102, Value::Number(21.4))];
    assert_eq!(served(&app).await, after);
    assert_eq!(app.rows(ORG, EUI).await.len(), 2, "what was served before is there yet");
    assert_eq!(app.store.count_um(ORG).await.unwrap(), 2, "nothing is counted twice");
    assert_eq!(run(&app, false).await.0.differing, 0, "it is as the map wants it now");

    map(&app, "").await;
    assert_eq!(run(&app, false).await.0.differing, 1);
    assert_eq!(served(&app).await, before);
    let rows = app.rows(ORG, EUI).await;
    assert_eq!((rows.len(), rows.iter().all(|row| row.measured_at.as_millis() == SENT_MS)), (3, true), "{rows:?}");
}

#[tokio::test]
async fn a_new_uplink_follows_the_map_at_once() {
    let app = App::new().await;
    map(&app, "1/4098=4103").await;
    app.up(UP).await;
    assert_eq!(app.readings().await, [Reading::new(1, 4097, 21.4), Reading::new(1, 4103, 31.4)]);
}

#[tokio::test]
async fn what_can_be_decoded_by_now_appears_and_what_cannot_any_more_stays() {
    let app = App::new().await;
    let model = async |model: &str| {
        let change = DeviceChange { model: Some(model.to_owned()), ..DeviceChange::default() };
        app.store.update_device(ORG, EUI.parse().unwrap(), change).await.unwrap();
    };
    model("Toaster").await;
    app.up(UP).await;
    assert_eq!((served(&app).await.len(), run(&app, false).await.0.undecodable), (0, 1));
    model("S2101").await;
    assert_eq!(run(&app, false).await.0, Replayed { frames: 1, differing: 1, added: 2, ..Replayed::default() });
    assert_eq!(served(&app).await[0].0, SENT_MS, "the network's time was not lost");
    model("Toaster").await;
    assert_eq!(run(&app, false).await.0, Replayed { frames: 1, undecodable: 1, ..Replayed::default() });
    assert_eq!(served(&app).await.len(), 2);
}

#[tokio::test]
async fn a_late_row_keeps_its_time_and_flags() {
    let app = App::new().await;
    let sent_at = Timestamp::from_millis(SENT_MS - 300 * 24 * 3_600_000);
    app.up(up_with(json!({"time": sent_at.to_string()}))).await;
    map(&app, "1/4097=4102").await;
    run(&app, false).await;
    let query = RowQuery { device: device(&app).await.id, window: Window::ALL, limit: 9, hidden: false };
    let rows = app.store.rows(ORG, query).await.unwrap();
    assert_eq!(rows.iter().map(|row| (row.measured_at, row.flags)).collect::<Vec<_>>(), [(sent_at, RowFlags::LATE)]);
}

/// Frames of the device, each received at a time.
async fn frames(app: &App, times_ms: impl Iterator<Item = i64>) {
    let source = app.store.list_sources(ORG).await.unwrap().remove(0);
    let payload = hex("01011098530000010210A87A0000AF51");
    let uplinks = times_ms.enumerate().map(|(number, ms)| Uplink {
        org: ORG,
        source: source.id,
        eui: EUI.parse().unwrap(),
        sent_at: Timestamp::from_millis(ms),
        received_at: Timestamp::from_millis(ms),
        dedup: DedupKey(number as u128),
        frame: Frame { f_port: 2, f_cnt: Some(number as u32), payload: payload.clone().into(), ..Frame::default() },
        model_hints: Vec::new(),
        name_hint: String::new(),
    });
    ingest::accept_all(&*app.store, &app.state.scripts, &source, uplinks.collect()).await.unwrap();
}

fn hex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

#[tokio::test]
async fn more_frames_than_are_held_at_once_are_each_decoded_once_oldest_first() {
    for step_ms in [0, 1, 60_000] {
        let app = App::new().await;
        frames(&app, (0..5_000).map(|number| SENT_MS + (number * 7_919 % 5_000) * step_ms)).await;
        map(&app, "1/4097=4102").await;
        let (replayed, differences) = run(&app, false).await;
        assert_eq!((replayed.frames, replayed.differing), (5_000, 5_000), "{step_ms}");
        assert!(differences.is_sorted_by_key(|difference| difference.received_at), "{step_ms}");
        assert_eq!(run(&app, true).await.0.differing, 0, "{step_ms}");
    }
}

#[tokio::test]
async fn it_keeps_to_its_window_and_stops_when_told() {
    let app = App::new().await;
    frames(&app, (0..10).map(|minute| SENT_MS + minute * 60_000)).await;
    map(&app, "1/4097=4102").await;
    let window = Window::new(Timestamp::from_millis(SENT_MS + 60_000), Timestamp::from_millis(SENT_MS + 3 * 60_000));
    let replayed = replay(&*app.store, &app.state.scripts, &*device(&app).await, window, false, &mut Heard::default())
        .await
        .unwrap();
    assert_eq!(replayed.differing, 2);
    let mut impatient = Heard { most: 3, ..Heard::default() };
    let stopped =
        replay(&*app.store, &app.state.scripts, &*device(&app).await, Window::ALL, false, &mut impatient).await;
    assert!(matches!(stopped, Err(store::Error::Unavailable(_))), "{stopped:?}");
    assert_eq!(run(&app, true).await.0.differing, 8, "nothing of the stretch was appended");
    assert_eq!(device(&app).await.channel_map, "1/4097=4102".parse::<ChannelMap>().unwrap());
}
