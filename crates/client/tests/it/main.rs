//! What a client makes of a station that answers well, late, badly, or not at all.

#![allow(clippy::unwrap_used)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::Duration,
};

use client::{Client, Code, DeviceType, Error, History, Manners, SeriesAsked, Station};
use model::{ChannelIndex, DeviceEui, MeasurementId, SeriesKey, Timestamp, Value};
use proptest::prelude::*;

const EUI: &str = "2CF7F12004100005";

fn eui() -> DeviceEui {
    EUI.parse().unwrap()
}

/// A station that gives the answers that it was told to, one to each request, and notes what it was
/// asked.
struct Told {
    url: String,
    asked: JoinHandle<Vec<String>>,
}

impl Told {
    fn to_answer(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = std::thread::spawn(move || {
            let mut asked = Vec::new();
            for answer in answers {
                let (socket, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(socket);
                let (mut head, mut length) = (String::new(), 0);
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    if line.trim().is_empty() {
                        break;
                    }
                    head.push_str(&line);
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                asked.push(head + &String::from_utf8(body).unwrap());
                // A client that has seen enough may be gone.
                let _sent = reader.into_inner().write_all(&answer);
            }
            asked
        });
        Self { url, asked }
    }

    /// What it was asked, each as method and path.
    fn lines(self) -> Vec<String> {
        let line = |asked: &String| asked.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
        self.asked.join().unwrap().iter().map(line).collect()
    }
}

fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}", body.len())
        .into_bytes()
}

fn ok(data: &str) -> Vec<u8> {
    let headers = "api-gateway-excute-second: 0.25\r\napi-gateway-mpuo-consume: 7\r\n";
    answer("200 OK", headers, &format!("{{\"code\":\"0\",\"data\":{data}}}"))
}

/// A client that waits for nothing, and notes for how long it would have.
fn client(url: &str, calls_per_minute: u32) -> (Client, Arc<Mutex<Vec<u64>>>) {
    let waited = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&waited);
    let manners = Manners { calls_per_minute, tries: 4, timeout: Duration::from_secs(20), ..Manners::default() };
    let client = Client::new(&Station::At(url.to_owned()), "0123456789ABCDEF", "KEY").unwrap();
    let client =
        client.with_manners(manners).with_wait(move |time| noted.lock().unwrap().push(time.as_millis() as u64));
    (client, waited)
}

#[test]
fn answers_come_with_what_the_gateway_says() {
    let told = Told::to_answer(vec![ok(r#"[{"device_eui":"2cf7f12004100005","device_name":"Roof"}]"#)]);
    let (client, _) = client(&told.url, 0);
    let answer = client.list_devices(DeviceType::Node, Some("")).unwrap();
    assert_eq!((answer.data[0].device_eui, answer.data[0].device_name.as_str()), (eui(), "Roof"));
    assert_eq!((answer.gateway.dm, answer.gateway.execute_second), (Some(7), Some(0.25)));
    let asked = told.asked.join().unwrap().remove(0);
    assert!(asked.starts_with("GET /openapi/list_devices?device_type=2&group_uuid= HTTP/1.1"), "{asked}");
    let lower = asked.to_ascii_lowercase();
    assert!(lower.contains("authorization: basic mdeymzq1njc4oufcq0rfrjplrvk="), "{asked}");
    assert!(lower.contains("api-version: 2"), "{asked}");
}

#[test]
fn every_shape_that_stations_answer_with_is_understood() {
    let told = Told::to_answer(vec![
        ok(
            r#"[{"channel_index":1,"points":[{"measurement_value":26.52,"measurement_id":"4097","time":"2026-07-10T02:39:44.319Z"},
            {"measurement_value":[{"mac":"00","rssi":"-5"}],"measurement_id":5001,"time":"2026-07-10T02:39:44.319Z"}]}]"#,
        ),
        ok(r#"{"list":[[[1,"4102"],[1,4108]],[[[25.1,"2026-08-01T02:44:45.303Z"]],[]]]}"#),
        ok(r#"{"list":[]}"#),
        ok(
            r#"[{"channel":1,"lists":[{"time":"2026-07-10T02:00:00.000Z","measurement_id":"4097","average_value":26.1}]},{"channel":2,"lists":[]}]"#,
        ),
        ok(
            r#"[{"device_eui":"2CF7F12004100005","device_name":"","channels":[{"channel_index":1,"sensor_id":"","sensor_status":1,
            "sensor_type":"1001","channel_name":"Air","measurement_ids":["4097",4098]}]}]"#,
        ),
        ok(r#"[{"device_eui":"2CF7F12004100005","latest_message_time":"1970-01-01T00:00:00.000Z","online_status":1,
            "battery_status":1,"battery_digit":"98","report_frequency":-1,"expired_time":"","be_quota":0}]"#),
        ok(r#"{"org_id":"919136109886","orgId":"919136109886"}"#),
        ok(r#"[{"group_name":"Default","group_uuid":""}]"#),
        ok("{}"),
    ]);
    let (client, _) = client(&told.url, 0);
    let latest = client.view_latest_telemetry_data(eui(), None, None).unwrap().data;
    assert_eq!(latest[0].points[0].value, Value::Number(26.52));
    assert_eq!(latest[0].points[1].value, Value::Json(r#"[{"mac":"00","rssi":"-5"}]"#.into()));
    let asked =
        SeriesAsked { device: eui(), channel: None, measurement: None, start: Timestamp::EPOCH, end: Timestamp::EPOCH };
    let series = client.list_telemetry_data(asked).unwrap().data;
    assert_eq!((series.len(), series[0].points.len(), series[1].points.len()), (2, 1, 0));
    assert_eq!(series[1].key, SeriesKey { channel: ChannelIndex(1), measurement: MeasurementId(4108) });
    assert_eq!(client.list_telemetry_data(asked).unwrap().data, []);
    let averages = client.aggregate_chart_points(asked, 60).unwrap().data;
    assert_eq!((averages.len(), averages[0].points[0].1), (1, 26.1));
    let channels = client.list_device_channels(&[eui()]).unwrap().data;
    assert_eq!(channels[0].channels[0].measurement_ids, [MeasurementId(4097), MeasurementId(4098)]);
    let status = client.view_device_running_status(&[eui()]).unwrap().data;
    assert_eq!((status[0].latest_message_time, status[0].battery_digit), (None, 98));
    assert_eq!(client.view_organization().unwrap().data, "919136109886");
    assert_eq!(client.list_groups().unwrap().data[0].group_name, "Default");
    client.delete_group("223E75BC14B4111D").unwrap();
    assert_eq!(told.lines().len(), 9);
}

#[test]
fn a_refusal_is_told_by_its_code_and_not_asked_again() {
    for (body, expected) in [
        (r#"{"code":"11303","msg":"not yours"}"#, Code::NotYourDevice),
        (r#"{"code":11104,"msg":"no"}"#, Code::WrongCredentials),
        (r#"{"code":"12345","msg":"?"}"#, Code::Other(12345)),
    ] {
        for status in ["200 OK", "401 Unauthorized"] {
            let told = Told::to_answer(vec![answer(status, "", body)]);
            let (client, waited) = client(&told.url, 0);
            let Err(Error::Refused { code, .. }) = client.list_groups() else { panic!("{body}") };
            assert_eq!(code, expected);
            assert!(waited.lock().unwrap().is_empty());
        }
    }
}

#[test]
fn what_may_pass_is_asked_again_after_a_growing_pause() {
    let limited = answer("429 Too Many Requests", "Retry-After: 30\r\n", r#"{"code":"429","msg":"slow"}"#);
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"code\":\"0\",\"da".to_vec();
    let told = Told::to_answer(vec![limited, answer("502 Bad Gateway", "", "<html>"), half, ok("[]")]);
    let (client, waited) = client(&told.url, 0);
    assert_eq!(client.list_groups().unwrap().data, []);
    assert_eq!(*waited.lock().unwrap(), [30_000, 4_000, 8_000]);
    assert_eq!(told.lines(), ["GET /openapi/list_groups"; 4]);
}

#[test]
fn after_so_many_tries_it_gives_up() {
    let told = Told::to_answer(vec![answer("503 Service Unavailable", "", ""); 4]);
    let (client, waited) = client(&told.url, 0);
    assert_eq!(client.list_groups().unwrap_err(), Error::Status { status: 503 });
    assert_eq!(waited.lock().unwrap().len(), 3);
    drop(told.lines());
    assert!(matches!(client.list_groups().unwrap_err(), Error::Unreachable(_)), "nobody listens any more");
}

#[test]
fn a_station_that_takes_too_long_is_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        // The first says nothing, the second a byte of its answer; both hold on.
        let (silent, _) = listener.accept().unwrap();
        let (mut slow, _) = listener.accept().unwrap();
        slow.write_all(b"H").unwrap();
        let (good, _) = listener.accept().unwrap();
        let mut line = String::new();
        BufReader::new(&good).read_line(&mut line).unwrap();
        (&good).write_all(&ok("[]")).unwrap();
        drop((silent, slow));
        line
    });
    let manners = Manners { calls_per_minute: 0, timeout: Duration::from_millis(500), ..Manners::default() };
    let client = Client::new(&Station::At(url), "A", "B").unwrap().with_manners(manners).with_wait(|_| {});
    assert_eq!(client.list_groups().unwrap().data, []);
    assert!(asked.join().unwrap().starts_with("GET /openapi/list_groups"));
}

#[test]
fn points_out_of_order_are_all_there_and_lead_nowhere() {
    let list = r#"{"list":[[[1,"4097"]],[[[1,"1970-01-02T00:00:00.000Z"],[2,"1970-01-03T00:00:00.000Z"],
        [3,"1970-01-01T00:00:01.000Z"],[4,"2031-01-01T00:00:00.000Z"]]]]}"#;
    let told = Told::to_answer(vec![ok(list)]);
    let (client, _) = client(&told.url, 0);
    let series = SeriesKey { channel: ChannelIndex(1), measurement: MeasurementId(4097) };
    let end = Timestamp::from_millis(3 * 86_400_000);
    let mut history = History::of(eui(), series, Timestamp::EPOCH, end);
    let mut values: Vec<_> = history.next(&client).unwrap().unwrap().0.into_iter().map(|point| point.value).collect();
    values.sort_by(|a, b| format!("{a:?}").cmp(&format!("{b:?}")));
    assert_eq!(values, [Value::Number(1.0), Value::Number(2.0), Value::Number(3.0)], "the last was not asked for");
    assert!(history.next(&client).unwrap().is_none());
}

#[test]
fn a_change_that_may_have_been_made_is_not_made_again() {
    let told = Told::to_answer(vec![answer("500 Internal Server Error", "", "")]);
    let (asking, waited) = client(&told.url, 0);
    assert_eq!(asking.create_group("Barn").unwrap_err(), Error::Status { status: 500 });
    assert!(waited.lock().unwrap().is_empty());
    let limited = answer("429 Too Many Requests", "", "");
    let told = Told::to_answer(vec![limited, ok(r#"{"group_name":"Barn","group_uuid":"223E75BC14B4111D"}"#)]);
    let (asking, _) = client(&told.url, 0);
    assert_eq!(asking.create_group("Barn").unwrap().data.group_uuid, "223E75BC14B4111D");
    assert_eq!(told.lines(), ["POST /openapi/create_group"; 2]);
}

#[test]
fn what_is_no_answer_is_an_error() {
    for body in ["", "null", "{}", "<html>", r#"{"code":"0"}"#, r#"{"code":"0","data":{"list":1}}"#, r#"{"code":true}"#]
    {
        let told = Told::to_answer(vec![answer("200 OK", "", body); 4]);
        let (client, _) = client(&told.url, 0);
        assert!(matches!(client.list_groups(), Err(Error::Malformed(_))), "{body}");
    }
    let told = Told::to_answer(vec![answer("302 Found", "Location: http://127.0.0.1:9/\r\n", "")]);
    let (client, _) = client(&told.url, 0);
    assert_eq!(client.list_groups().unwrap_err(), Error::Status { status: 302 }, "a key does not travel elsewhere");
}

#[test]
fn calls_keep_their_pace() {
    let told = Told::to_answer(vec![ok("[]"), ok("[]"), ok("[]")]);
    let (client, waited) = client(&told.url, 30);
    for _ in 0..3 {
        client.clone().list_groups().unwrap();
    }
    let waited = waited.lock().unwrap();
    assert_eq!(waited.len(), 2);
    assert!(waited[0] > 1_000 && waited[0] <= 2_000 && waited[1] > 3_000 && waited[1] <= 4_000, "{waited:?}");
}

#[test]
fn history_goes_back_page_by_page_and_month_by_month() {
    let points = |newest_ms: i64, count: i64| {
        let points: Vec<_> =
            (0..count).map(|n| format!("[1,\"{}\"]", Timestamp::from_millis(newest_ms - n * 60_000))).collect();
        ok(&format!("{{\"list\":[[[1,\"4097\"]],[[{}]]]}}", points.join(",")))
    };
    const DAY_MS: i64 = 86_400_000;
    let end = 100 * DAY_MS;
    let told = Told::to_answer(vec![points(end, 1_000), points(end - 1_000 * 60_000, 400), ok("{\"list\":[[],[]]}")]);
    let (client, _) = client(&told.url, 0);
    let series = SeriesKey { channel: ChannelIndex(1), measurement: MeasurementId(4097) };
    let mut history = History::of(eui(), series, Timestamp::from_millis(60 * DAY_MS), Timestamp::from_millis(end));
    let mut counts = Vec::new();
    while let Some((points, _)) = history.next(&client).unwrap() {
        counts.push(points.len());
    }
    assert_eq!(counts, [1_000, 400, 0]);
    let windows: Vec<_> = told
        .lines()
        .iter()
        .map(|line| {
            let of = |name: &str| line.split(name).nth(1).unwrap().split('&').next().unwrap().parse::<i64>().unwrap();
            (of("time_start="), of("time_end="))
        })
        .collect();
    let second_end = end - 999 * 60_000 - 1;
    let second_start = second_end - 28 * DAY_MS;
    assert_eq!(windows, [(72 * DAY_MS, end), (second_start, second_end), (60 * DAY_MS, second_start - 1)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_answer_is_too_strange(data in "\\PC{0,60}", bytes: Vec<u8>) {
        let mut raw = answer("200 OK", "", "");
        raw.truncate(17);
        raw.extend(&bytes);
        let list = format!("{{\"list\":[[[1,\"4097\"]],[{data}]]}}");
        let told = Told::to_answer(vec![ok(&data), ok(&list), raw]);
        let manners = Manners { calls_per_minute: 0, tries: 1, ..Manners::default() };
        let client = Client::new(&Station::At(told.url.clone()), "A", "B").unwrap().with_manners(manners);
        let _ = client.list_groups();
        let asked = SeriesAsked { device: eui(), channel: None, measurement: None, start: Timestamp::EPOCH, end: Timestamp::EPOCH };
        let _ = client.list_telemetry_data(asked);
        let _ = client.list_groups();
    }
}
