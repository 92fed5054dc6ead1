use model::{Reading, Timestamp};
use store::Registry;

use crate::app::{App, EUI, MINUTE_MS, NOW_MS, ms_ago};

#[tokio::test]
async fn what_is_read_is_charged_once_when_it_is_flushed() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    for minutes in 0..3 {
        member.uplink(EUI, ms_ago(minutes * MINUTE_MS), [Reading::new(1, 4097, 1.0), Reading::new(1, 4098, 2.0)]).await;
    }
    for (path, dm) in [
        ("view_latest_telemetry_data", "2"),
        ("list_telemetry_data", "6"),
        ("aggregate_chart_points", "4"),
        ("list_devices", "0"),
    ] {
        let answer = member.get(&format!("/openapi/{path}?device_eui={EUI}")).await;
        assert_eq!(answer.header("api-gateway-mpuo-consume"), dm, "{path}");
        assert_eq!(answer.answered.map(|answered| answered.dm.to_string()).as_deref(), Some(dm), "{path}");
    }
    assert_eq!(app.store.count_dm(member.org).await.unwrap(), 0, "not flushed yet");
    app.api.meter().flush(&*app.store).await.unwrap();
    assert_eq!(app.store.count_dm(member.org).await.unwrap(), 12);
    app.api.meter().flush(&*app.store).await.unwrap();
    assert_eq!(app.store.count_dm(member.org).await.unwrap(), 12, "charged twice");
}

#[tokio::test]
async fn a_key_was_used_when_it_was_good_whatever_became_of_the_call() {
    let app = App::new();
    let used = app.member().await;
    let unused = used.clone().with_key(crate::app::READ).await;
    assert_eq!(used.get("/openapi/view_latest_telemetry_data").await.code(), "11202");
    let wrong = format!("{}:wrong", unused.id.unwrap());
    assert_eq!(unused.with_credentials(None, &wrong).get("/openapi/list_devices").await.code(), "11104");
    app.api.meter().flush(&*app.store).await.unwrap();
    let keys = app.store.list_access_keys(used.org).await.unwrap();
    let last_used: Vec<Option<Timestamp>> = keys.iter().map(|key| key.last_used_at).collect();
    assert_eq!(last_used, [Some(Timestamp::from_millis(NOW_MS)), None]);
}
