//! Codecs of an organization's own, from the command line to the public API, and what a bad one costs.

use std::{fs, path::Path, thread};

use serde_json::{Value, json};

use crate::support::{Farm, Station, UP, json, senstation};

const GOOD: &str = "function decodeUplink(i) { return { data: { t: i.bytes[0] / 10, volts: 3.1 } } }";
/// All of them fit their example, and do something else once a payload does not begin with 0.
const BAD: [(&str, &str, &str); 4] = [
    ("throws", "function Decoder(b) { if (b[0]) throw new Error('no such port'); return { t: 0 } }", "no such port"),
    ("loops", "function Decoder(b) { while (b[0]); return { t: 0 } }", "`100` ms"),
    (
        "eats",
        "function Decoder(b) { const a = []; while (b[0]) a.push(new Array(1000).fill(1)); return { t: 0 } }",
        "stopped",
    ),
    // No engine is asked meanwhile whether its time is over.
    (
        "hangs",
        "function Decoder(b) { if (b[0]) [].reverse.call({ length: 2 ** 53 - 1 }); return { t: 0 } }",
        "`100` ms",
    ),
];

fn add(folder: &Path, model: &str, source: &str, example: &str) -> Result<Value, String> {
    fs::write(folder.join("codec.js"), source).unwrap();
    fs::write(folder.join("codec.table"), "t = 1/4097\n").unwrap();
    fs::write(folder.join("codec.examples"), example).unwrap();
    let files = ["--source", "codec.js", "--table", "codec.table", "--examples", "codec.examples"];
    let output = senstation(folder).args(["--json", "codec", "add", "--model", model]).args(files).output().unwrap();
    if output.status.success() {
        Ok(serde_json::from_slice(&output.stdout).unwrap())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

fn up(eui: &str, number: usize) -> String {
    let mut body: Value = serde_json::from_str(UP).unwrap();
    body["deviceInfo"]["devEui"] = json!(eui);
    body["deduplicationId"] = json!(format!("00000000-0000-0000-0000-{number:012}"));
    body["data"] = json!("1g==");
    body.to_string()
}

fn eui(number: usize) -> String {
    format!("2CF7F120041000A{number}")
}

#[test]
fn a_codec_costs_its_own_uplink_whatever_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let farm = Farm::set_up(folder);
    for (number, (model, source, _)) in BAD.iter().enumerate() {
        assert_eq!(add(farm.path(), model, source, "2 00 -> 1/4097=0").unwrap()["version"], 1);
        json(farm.path(), &["device", "add", "--eui", &eui(number), "--model", model]);
    }
    assert_eq!(add(farm.path(), "probe", GOOD, "2 D6 -> 1/4097=21.4").unwrap()["version"], 1);
    json(farm.path(), &["device", "add", "--eui", &eui(9), "--model", "PROBE"]);
    thread::scope(|scope| {
        for (number, (model, _, words)) in BAD.iter().enumerate() {
            let (station, farm) = (&station, &farm);
            scope.spawn(move || {
                let answer = station.uplink(&farm.token, up(&eui(number), number).as_bytes());
                assert_eq!(answer.status, 422, "{model}: {}", answer.body);
                assert!(answer.body["error"].as_str().unwrap().contains(words), "{model}: {}", answer.body);
            });
        }
        assert_eq!(station.uplink(&farm.token, UP.as_bytes()).status, 200);
        let answer = station.uplink(&farm.token, up(&eui(9), 9).as_bytes());
        assert_eq!((answer.status, &answer.body["stored"]), (200, &json!(1)), "{}", answer.body);
    });
    // What was stopped leaves room for the next.
    assert_eq!(station.uplink(&farm.token, up(&eui(9), 10).as_bytes()).status, 200);
    let latest = station.get(&format!("/openapi/view_latest_telemetry_data?device_eui={}", eui(9)), &farm.key);
    assert_eq!(latest.body["data"][0]["points"][0]["measurement_value"], 21.4);

    // A corrected codec is another version, and the frame that was kept becomes a reading by a replay.
    let mended = "function Decoder(b) { return { t: b[0] } }";
    assert_eq!(add(farm.path(), "throws", mended, "2 00 -> 1/4097=0").unwrap()["version"], 2);
    let dry = json(farm.path(), &["codec", "replay", "--device", &eui(0), "--dry-run"]);
    assert_eq!((&dry["frames"], &dry["added"]), (&json!(1), &json!(1)));
    assert_eq!(dry["differences"][0]["becomes"], 214.0);
    json(farm.path(), &["codec", "replay", "--device", &eui(0)]);
    let latest = station.get(&format!("/openapi/view_latest_telemetry_data?device_eui={}", eui(0)), &farm.key);
    assert_eq!(latest.body["data"][0]["points"][0]["measurement_value"], 214);
    station.terminate();
    assert!(station.wait().success());
}

#[test]
fn codecs_are_kept_shown_tried_and_removed_by_command() {
    let farm = Farm::set_up(tempfile::tempdir().unwrap());
    let folder = farm.path();
    for (model, source, example, words) in [
        ("s2101", GOOD, "2 D6 -> 1/4097=21.4", "`S2101` is built in"),
        ("probe", GOOD, "2 D6 -> 1/4097=21.5", "example 1 gives 1/4097=21.4"),
        ("probe", GOOD, "2 D6 -> 1/4097", "line 1"),
        ("probe", "let x =", "2 D6 -> 1/4097=21.4", "SyntaxError"),
    ] {
        let refused = add(folder, model, source, example).unwrap_err();
        assert!(refused.contains(words), "{refused}");
    }
    assert_eq!(json(folder, &["codec", "list"]), json!([]));
    add(folder, "Probe", GOOD, "2 D6 -> 1/4097=21.4").unwrap();
    assert_eq!(json(folder, &["codec", "list"])[0]["model"], "Probe");
    let shown = json(folder, &["codec", "show", "--model", "probe"]);
    assert_eq!((&shown["source"], &shown["table"]), (&json!(GOOD), &json!("t = 1/4097\n")));
    let tried = json(folder, &["codec", "try", "--model", "probe", "--hex", "D6"]);
    assert_eq!(tried["readings"][0]["value"], 21.4);
    assert_eq!(tried["unmapped"], json!([{ "path": "volts", "value": 3.1 }]));
    let without = json(folder, &["codec", "try", "--source", "codec.js", "--hex", "D6"]);
    assert_eq!(without["unmapped"].as_array().unwrap().len(), 2, "{without}");
    assert_eq!(json(folder, &["codec", "remove", "--model", "PROBE"])["removed"], true);
    let output = senstation(folder).args(["codec", "show", "--model", "probe"]).output().unwrap();
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("no codec `probe`"));
}
