//! One reading's way out: a webhook carries it in, a reader of the stream hears of it.

use serde_json::Value;

use crate::{
    mqtt_client::Client,
    support::{EUI, Farm, Station, UP},
};

/// When the next uplink was measured, by both of its readings.
fn next_uplink(reader: &mut Client, farm: &Farm) -> i64 {
    let (temperature, humidity) = (reader.message(), reader.message());
    let below = format!("/{}/{EUI}/1/vs/", farm.org);
    assert!(temperature.0.ends_with(&format!("{below}4097")), "{temperature:?}");
    assert!(humidity.0.ends_with(&format!("{below}4098")), "{humidity:?}");
    assert_eq!((&temperature.1["value"], &humidity.1["value"]), (&Value::from(21.4), &Value::from(31.4)));
    assert_eq!(temperature.1["timestamp"], humidity.1["timestamp"]);
    temperature.1["timestamp"].as_i64().unwrap()
}

/// Sends uplinks, one for each second.
fn send(station: &Station, farm: &Farm, seconds: std::ops::Range<u32>) {
    for second in seconds {
        let mut body: Value = serde_json::from_str(UP).unwrap();
        body["deduplicationId"] = format!("{second}").into();
        body["time"] = format!("2026-07-10T02:39:{second:02}.000+00:00").into();
        assert_eq!(station.uplink(&farm.token, body.to_string().as_bytes()).status, 200);
    }
}

#[test]
fn a_reader_that_was_away_while_the_station_was_killed_receives_everything() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let farm = Farm::set_up(folder);
    let (mut reader, was_known) = Client::reader(&station, &farm, "bridge");
    assert!(!was_known);
    reader.subscribe(&::stream::every_reading(farm.org.parse().unwrap()));
    send(&station, &farm, 0..3);
    let first = next_uplink(&mut reader, &farm);
    assert_eq!([next_uplink(&mut reader, &farm), next_uplink(&mut reader, &farm)].map(|at| at - first), [1_000, 2_000]);
    drop(reader);
    send(&station, &farm, 3..20);
    station.kill();
    let station = Station::serve(farm.path());
    send(&station, &farm, 20..30);
    let (mut reader, was_known) = Client::reader(&station, &farm, "bridge");
    assert!(was_known);
    // What was acknowledged in the second before the station was killed may come again.
    let mut next = (next_uplink(&mut reader, &farm) - first) / 1_000;
    assert!(next <= 3, "{next}");
    while next < 29 {
        let at = (next_uplink(&mut reader, &farm) - first) / 1_000;
        assert_eq!(at, next + 1);
        next = at;
    }
    station.terminate();
    assert!(station.wait().success());
}
