//! Which clock a row is stamped with.

use model::{RowFlags, Timestamp};
use serde_json::json;

use crate::support::{App, EUI, ORG, now, up_with};

async fn check(time: &str, expected: Timestamp, flags: RowFlags) {
    let app = App::new().await;
    let answer = app.up(up_with(json!({"time": time}))).await;
    let rows = app.rows(ORG, EUI).await;
    assert_eq!((rows[0].measured_at, rows[0].received_at, rows[0].flags), (expected, now(), flags), "{time}");
    let warnings = answer.body["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), usize::from(flags.has(RowFlags::CLAMPED)), "{warnings:?}");
}

#[tokio::test]
async fn takes_the_network_servers_time_where_it_can_be_right() {
    let at = Timestamp::from_millis;
    check("2026-07-10T02:39:44.319716+00:00", at(1_783_651_184_319), RowFlags::NONE).await;
    check("2026-07-10T04:39:44.319+02:00", at(1_783_651_184_319), RowFlags::NONE).await;
    check("2026-07-10T02:00:00Z", at(1_783_648_800_000), RowFlags::LATE).await;
    check("2026-07-11T02:39:00Z", at(1_783_737_540_000), RowFlags::NONE).await;
}

#[tokio::test]
async fn takes_the_time_of_receipt_where_it_cannot() {
    for time in ["1970-01-01T00:00:00Z", "2026-07-12T00:00:00Z", "yesterday", "", "9999-12-31T23:59:59Z"] {
        check(time, now(), RowFlags::CLAMPED).await;
    }
}
