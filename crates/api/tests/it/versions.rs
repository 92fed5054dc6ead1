use axum::http::StatusCode;
use model::{Channel, ChannelIndex, CodecVersion, Position, Reading, RowFlags, Timestamp};
use proptest::prelude::*;
use store::{Entry, ExpireKind, NewRow, Redecode, Registry, Telemetry};

use crate::app::{App, Caller, DAY_MS, EUI, HOUR_MS, MINUTE_MS, NOW_MS, READ, ms_ago};

/// Every call that has versions, each with a window that stays and one that moves, where it has a window.
fn paths() -> Vec<String> {
    let fixed = format!("time_start={}&time_end={}", NOW_MS - 3 * HOUR_MS, NOW_MS + HOUR_MS);
    let open = format!("time_start={}", NOW_MS - 3 * HOUR_MS);
    let device = format!("device_eui={EUI}");
    let mut paths = vec![
        format!("/openapi/view_latest_telemetry_data?{device}"),
        format!("/openapi/view_latest_telemetry_data?{device}&measurement_id=4097"),
        format!("/1.0/devices/data/{EUI}/latest"),
    ];
    for window in [fixed, open, String::new()] {
        paths.push(format!("/openapi/list_telemetry_data?{device}&{window}"));
        paths.push(format!("/openapi/list_telemetry_data?{device}&limit=3&{window}"));
        paths.push(format!("/openapi/aggregate_chart_points?{device}&interval=15&{window}"));
        paths.push(format!("/1.0/devices/data/{EUI}/raw?limit=2&{window}"));
        paths.push(format!("/1.0/devices/data/{EUI}/segment?{window}"));
    }
    paths
}

/// What an answer says, but for how long it took.
fn data(body: &str) -> String {
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(json["code"], "0", "{body}");
    json["data"].to_string()
}

async fn farm(app: &App) -> Caller<'_> {
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    for minutes in [0, 7, 30, 100, 170] {
        let readings = [Reading::new(1, 4097, minutes as f64), Reading::new(2, 4098, 50.0)];
        member.uplink(EUI, ms_ago(minutes * MINUTE_MS), readings).await;
    }
    member
}

#[tokio::test]
async fn who_has_the_answer_is_told_so_for_nothing() {
    let app = App::new();
    let member = farm(&app).await;
    for path in paths() {
        let first = member.get(&path).await;
        let (tag, is_weak) = (first.header("etag").to_owned(), path.starts_with("/1.0"));
        assert!(tag.starts_with(if is_weak { "W/\"" } else { "\"" }) && tag.ends_with('"'), "{path}: `{tag}`");
        assert_ne!(first.header("api-gateway-mpuo-consume"), "0");
        let given = [tag.clone(), format!("\"x\", {tag}"), tag.trim_start_matches("W/").to_owned()];
        for given in given {
            let again = member.get_unless(&path, &given).await;
            assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""), "{path}");
            assert_eq!(again.header("etag"), tag);
            assert_eq!(again.header("api-gateway-mpuo-consume"), "0");
            assert_ne!(again.header("api-gateway-excute-second"), "");
            assert_eq!(again.header("access-control-allow-origin"), "*");
            assert!(again.header("access-control-expose-headers").contains("ETag"));
            assert_eq!(again.header("content-type"), "");
        }
        for other in ["*", "\"x\"", ""] {
            assert_eq!(data(&member.get_unless(&path, other).await.body), data(&first.body), "{path}");
        }
        // On a POST the field means something else.
        let post = axum::http::Request::builder().method("POST").uri(&path).header("if-none-match", &tag);
        let post = member.send_request(post.body(String::new().into()).unwrap()).await;
        assert_eq!(post.status, StatusCode::OK, "{path}");
    }
    app.api.meter().flush(&*app.store).await.unwrap();
}

#[tokio::test]
async fn a_version_is_worth_nothing_to_who_may_not_read() {
    let app = App::new();
    let member = farm(&app).await;
    let stranger = app.member().await;
    let revoked = member.clone().with_key(READ).await;
    revoked.revoke().await;
    for path in paths() {
        let tag = member.get(&path).await.header("etag").to_owned();
        assert_eq!(stranger.get_unless(&path, &tag).await.code(), "11303", "{path}");
        assert_eq!(revoked.get_unless(&path, &tag).await.code(), "11105", "{path}");
        assert_eq!(app.stranger().get_unless(&path, &tag).await.code(), "11104", "{path}");
    }
}

#[tokio::test]
async fn equal_devices_of_two_organizations_have_versions_of_their_own() {
    let app = App::new();
    let (one, other) = (farm(&app).await, farm(&app).await);
    let fixed = format!("/openapi/list_telemetry_data?device_eui={EUI}&time_start=0&time_end={NOW_MS}");
    let (tag, foreign) = (one.get(&fixed).await.header("etag").to_owned(), other.get(&fixed).await);
    assert_ne!(tag, foreign.header("etag"));
    assert_eq!(other.get_unless(&fixed, &tag).await.status, StatusCode::OK);
}

/// Something that happens to a device.
#[derive(Debug, Clone, Copy)]
enum Event {
    Uplink { minutes_ago: i64, channel: u16, value: u8 },
    Redecode { nth: usize, value: u8 },
    Expire { minutes_ago: i64 },
    Purge,
    Pass { ms: i64 },
    NameChannel { number: u8 },
    Rename { number: u8 },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (-30_i64..200, 1_u16..3, 0_u8..3)
            .prop_map(|(minutes_ago, channel, value)| Event::Uplink { minutes_ago, channel, value }),
        2 => (0_usize..10, 0_u8..3).prop_map(|(nth, value)| Event::Redecode { nth, value }),
        1 => (-10_i64..200).prop_map(|minutes_ago| Event::Expire { minutes_ago }),
        1 => Just(Event::Purge),
        3 => prop_oneof![Just(1), Just(MINUTE_MS), Just(40 * MINUTE_MS), Just(DAY_MS), Just(366 * DAY_MS), Just(-DAY_MS)]
            .prop_map(|ms| Event::Pass { ms }),
        1 => (0_u8..2).prop_map(|number| Event::NameChannel { number }),
        1 => (0_u8..2).prop_map(|number| Event::Rename { number }),
    ]
}

/// Does it; uplinks that were stored are remembered, so that they can be decoded again.
async fn happen(app: &App, member: &Caller<'_>, event: Event, stored: &mut Vec<(Position, Timestamp)>) {
    let eui = EUI.parse().unwrap();
    let device = app.store.find_device(member.org, eui).await.unwrap().unwrap();
    match event {
        Event::Uplink { minutes_ago, channel, value } => {
            let at = ms_ago(minutes_ago * MINUTE_MS);
            member.uplink(EUI, at, [Reading::new(channel, 4097, f64::from(value))]).await;
            let followed = app.store.follow(store::Scope::All, Position::START, 10_000).await.unwrap();
            stored.extend(followed.entries.last().map(|entry| (entry.position, at)));
        }
        Event::Redecode { nth, value } => {
            let Some((replaces, at)) = stored.get(nth).copied() else { return };
            let readings = vec![Reading::new(1, 4097, f64::from(value))];
            let rows = vec![NewRow { measured_at: at, flags: RowFlags::NONE, readings }];
            let (org, device, codec) = (member.org, device.id, CodecVersion(2));
            let redecode = Redecode { org, device, eui, replaces, received_at: at, codec, rows };
            app.store.append(vec![Entry::Redecode(redecode)]).await.unwrap();
        }
        Event::Expire { minutes_ago } => {
            let before = ms_ago(minutes_ago * MINUTE_MS);
            app.store.expire(member.org, device.id, before, ExpireKind::Rows).await.unwrap();
        }
        Event::Purge => {
            app.store.purge(member.org, device.id).await.unwrap();
            stored.clear();
        }
        Event::Pass { ms } => app.pass(ms),
        Event::NameChannel { number } => {
            let channel = Channel {
                index: ChannelIndex(1),
                name: format!("North {number}"),
                sensor_type: None,
                sensor_id: String::new(),
                measurements: Vec::new(),
                created_at: Timestamp::EPOCH,
            };
            app.store.describe_channel(member.org, eui, channel).await.unwrap();
        }
        Event::Rename { number } => {
            let change = store::DeviceChange { name: Some(format!("Roof {number}")), ..Default::default() };
            app.store.update_device(member.org, eui, change).await.unwrap();
        }
    }
}

/// After everything that happens, whoever has any earlier version of an answer is given the new answer if it is another
/// one, and never told that nothing changed.
async fn check(events: Vec<Event>) {
    let app = App::new();
    let member = farm(&app).await;
    let paths = paths();
    // By path: each version with what it was.
    let mut seen: Vec<Vec<(String, String)>> = vec![Vec::new(); paths.len()];
    let mut stored = Vec::new();
    for event in std::iter::once(None).chain(events.into_iter().map(Some)) {
        if let Some(event) = event {
            happen(&app, &member, event, &mut stored).await;
        }
        for (path, seen) in paths.iter().zip(&mut seen) {
            let answer = member.get(path).await;
            if answer.code() == "11202" {
                // The clock went back to before the window begins.
                continue;
            }
            let (tag, now) = (answer.header("etag").to_owned(), data(&answer.body));
            for (tag, then) in seen.iter() {
                let again = member.get_unless(path, tag).await;
                let is_unchanged = again.status == StatusCode::NOT_MODIFIED;
                assert!(!is_unchanged || *then == now, "{event:?}: {path}: {then} became {now}");
                assert!(is_unchanged || data(&again.body) == now, "{path}");
            }
            seen.push((tag, now));
            if seen.len() > 6 {
                seen.remove(0);
            }
        }
    }
}

#[test]
fn who_has_another_answer_is_never_told_that_nothing_changed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = ProptestConfig { cases: 24, max_shrink_iters: 64, ..ProptestConfig::default() };
    proptest!(config, |(events in prop::collection::vec(event(), 1..8))| runtime.block_on(check(events)));
}
