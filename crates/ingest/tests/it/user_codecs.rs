//! Devices that are decoded by codecs of their organization's own.

use axum::http::StatusCode;
use base64::{Engine, engine::general_purpose::STANDARD};
use ingest::replay;
use model::{CodecVersion, Reading, UserCodec, Window};
use serde_json::json;
use store::{ModelRule, RowQuery};

use crate::support::{Answer, App, EUI, NEIGHBOUR, ORG, now, up_with};

const PROBE: &str = "2CF7F12004100099";
const TABLE: &str = "t = 1/4097";
const GOOD: &str = "function Decoder(b) { return { t: b[0] / 10, other: 1 } }";

fn codec(org: model::OrgId, model: &str, source: &str) -> UserCodec {
    UserCodec {
        org,
        model: model.to_owned(),
        version: CodecVersion(0),
        source: source.to_owned(),
        table: TABLE.parse().unwrap(),
        examples: "2 D6 -> 1/4097=21.4".parse().unwrap(),
        changed_at: now(),
    }
}

/// An uplink of a device: its bytes, and a number that no other one has.
async fn send(app: &App, eui: &str, payload: &[u8], number: u32) -> Answer {
    let device = json!({ "devEui": eui, "deviceName": "probe", "deviceProfileName": "Probe profile" });
    let id = format!("00000000-0000-0000-0000-{number:012}");
    let data = STANDARD.encode(payload);
    app.up(up_with(json!({ "deviceInfo": device, "deduplicationId": id, "fCnt": number, "data": data }))).await
}

#[tokio::test]
async fn a_device_is_decoded_by_its_organizations_codec_in_the_version_that_holds() {
    let app = App::new().await;
    let device = app.bind(ORG, PROBE, "probe").await;
    app.store.set_user_codec(codec(ORG, "Probe", GOOD)).await.unwrap();
    let answer = send(&app, PROBE, &[0xD6], 1).await;
    assert_eq!((answer.status, &answer.body["stored"]), (StatusCode::OK, &json!(1)));
    let rows = app.rows(ORG, PROBE).await;
    assert_eq!(
        (rows[0].readings.as_slice(), rows[0].codec),
        ([Reading::new(1, 4097, 21.4)].as_slice(), CodecVersion(1))
    );

    // A corrected codec is another version, and what was decoded before follows by a replay.
    let mended = "function Decoder(b) { return { t: b[0] / 10 - 40 } }";
    app.store.set_user_codec(codec(ORG, "Probe", mended)).await.unwrap();
    let mut heard = crate::replay::Heard::default();
    let scripts = &app.state.scripts;
    let replayed = replay(&*app.store, scripts, &device, Window::ALL, true, &mut heard).await.unwrap();
    assert_eq!((replayed.frames, replayed.changed), (1, 1));
    assert_eq!(app.rows(ORG, PROBE).await[0].codec, CodecVersion(1), "a dry run changes nothing");
    let mut heard = crate::replay::Heard::default();
    replay(&*app.store, scripts, &device, Window::ALL, false, &mut heard).await.unwrap();
    let query = RowQuery { device: device.id, window: Window::ALL, limit: 9, hidden: false };
    let rows = app.store.rows(ORG, query).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].codec, rows[0].readings[0].value.as_number().map(f64::round)), (CodecVersion(2), Some(-19.0)));
}

#[tokio::test]
async fn another_organizations_codec_decodes_nothing_here() {
    let app = App::new().await;
    app.bind(ORG, PROBE, "Probe").await;
    app.store.set_user_codec(codec(NEIGHBOUR, "Probe", GOOD)).await.unwrap();
    let answer = send(&app, PROBE, &[0xD6], 1).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body["error"].as_str().unwrap().contains("no codec for model `Probe`"), "{}", answer.body);
    assert!(app.rows(ORG, PROBE).await[0].readings.is_empty(), "its frame is kept");
}

#[tokio::test]
async fn a_codec_that_fails_costs_its_own_uplink_and_says_why() {
    let app = App::new().await;
    let device = app.bind(ORG, PROBE, "Probe").await;
    for (number, (source, words)) in [
        ("function Decoder(b) { throw new Error('no such port') }", "no such port"),
        ("function Decoder(b) { while (true); }", "took more than `100` ms"),
        ("function Decoder(b) { const a = []; for (;;) a.push(new Array(1000).fill(1)) }", "took more than `16` MiB"),
        ("function decodeUplink() { return { errors: ['too short'] } }", "too short"),
        ("function Decoder() {", "SyntaxError"),
    ]
    .into_iter()
    .enumerate()
    {
        app.store.set_user_codec(codec(ORG, "Probe", source)).await.unwrap();
        let answer = send(&app, PROBE, &[0xD6], number as u32).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        let error = answer.body["error"].as_str().unwrap();
        assert!(error.contains(words), "{error}");
        let query = store::FrameQuery { device: device.id, window: Window::ALL, limit: 1 };
        let kept = app.store.frames(ORG, query).await.unwrap();
        assert!(kept[0].frame.fault.as_ref().unwrap().contains(words), "{:?}", kept[0].frame.fault);
    }
    assert!(app.rows(ORG, PROBE).await.iter().all(|row| row.readings.is_empty()));
}

#[tokio::test]
async fn while_a_codec_loops_others_are_acknowledged() {
    let app = App::new().await;
    app.bind(ORG, PROBE, "Probe").await;
    app.store.set_user_codec(codec(ORG, "Probe", "function Decoder(b) { while (true); }")).await.unwrap();
    // On one thread: had the codec run on it, its uplink would be answered first.
    let looping = std::pin::pin!(send(&app, PROBE, &[0xD6], 1));
    let normal = std::pin::pin!(async {
        tokio::task::yield_now().await;
        app.up(crate::support::UP).await
    });
    let first = tokio::select! {
        biased;
        answer = normal => answer,
        answer = looping => answer,
    };
    assert_eq!(first.status, StatusCode::OK, "{}", first.body);
    assert!(app.rows(ORG, EUI).await.iter().any(|row| !row.readings.is_empty()));
}

#[tokio::test]
async fn a_rule_may_name_a_codec_of_the_organizations_own() {
    let app = App::new().await;
    app.store.set_user_codec(codec(ORG, "Probe", GOOD)).await.unwrap();
    let source = app.store.list_sources(ORG).await.unwrap();
    let source = source.into_iter().find(|source| source.kind == model::SourceKind::ChirpStack).unwrap();
    let change = store::SourceChange { auto_add: Some(true), ..Default::default() };
    app.store.update_source(ORG, source.id, change).await.unwrap();
    let rule = ModelRule { hint: "Probe profile".to_owned(), model: "probe".to_owned() };
    app.store.set_model_rules(ORG, source.id, vec![rule]).await.unwrap();
    assert_eq!(send(&app, PROBE, &[0xD6], 1).await.body["stored"], 1);
    let device = app.store.find_device(ORG, PROBE.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(device.model, "Probe");
}

#[tokio::test]
async fn a_codec_is_taken_if_its_examples_fit() {
    let scripts = ingest::Scripts::here();
    let check = async |change: &dyn Fn(&mut UserCodec)| {
        let mut codec = codec(ORG, "Probe", GOOD);
        change(&mut codec);
        scripts.check(&codec).await
    };
    assert_eq!(check(&|_| ()).await, Ok(()));
    let refused = async |change: &dyn Fn(&mut UserCodec), words: &str| {
        let why = check(change).await.unwrap_err();
        assert!(why.contains(words), "{why}");
    };
    refused(&|codec| codec.examples = "2 D6 -> 1/4097=21.5".parse().unwrap(), "example 1 gives 1/4097=21.4").await;
    refused(&|codec| codec.examples = "2 D6 ->".parse().unwrap(), "example 1 gives 1/4097=21.4").await;
    refused(&|codec| codec.table = "x = 1/4097".parse().unwrap(), "example 1 gives no readings").await;
    refused(&|codec| codec.examples = Default::default(), "at least one example").await;
    refused(&|codec| codec.table = Default::default(), "the table is empty").await;
    refused(&|codec| codec.model = "s2101".to_owned(), "`S2101` is built in").await;
    refused(&|codec| codec.model = " ".to_owned(), "1 to 64 characters").await;
    refused(&|codec| codec.model = "x".repeat(65), "1 to 64 characters").await;
    refused(&|codec| codec.source = "function decode() {}".to_owned(), "defines none of").await;
    refused(&|codec| codec.source = "while (true);".to_owned(), "took more than `100` ms").await;
    refused(&|codec| codec.source = "function Decoder() { throw 'no' }".to_owned(), "example 1: the codec fails: no")
        .await;
}

/// The two ends of a pipe between a station and a program that runs its codecs.
#[test]
fn a_program_that_runs_codecs_answers_line_by_line() {
    let ask = |source: &str, call: serde_json::Value| json!({ "source": source, "call": call }).to_string() + "\n";
    let call = json!({ "f_port": 2, "payload": [0xD6], "received_ms": 0 });
    let lines = [
        ask(GOOD, call.clone()),
        ask("function Decoder() { throw 'no' }", call.clone()),
        ask("function Decoder() { return { s: 'x' } }", call),
        ask(GOOD, json!(null)),
    ];
    let mut said = Vec::new();
    ingest::run_scripts(lines.concat().as_bytes(), &mut said).unwrap();
    let said: Vec<serde_json::Value> =
        String::from_utf8(said).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let answer = |numbers, texts| json!({ "Answer": { "numbers": numbers, "texts": texts, "warnings": [] } });
    assert_eq!(
        said,
        [
            answer(json!([["other", 1.0], ["t", 21.4]]), json!([])),
            json!({ "Threw": "no" }),
            answer(json!([]), json!([["s", "x"]])),
            answer(json!([]), json!([])),
        ]
    );
    assert!(ingest::run_scripts(b"{}\n".as_slice(), &mut Vec::new()).is_err());
}
