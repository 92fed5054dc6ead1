use insta::assert_snapshot;
use model::{Reading, Timestamp};

use crate::app::{App, DAY_MS, EUI, MINUTE_MS, ms_ago};

const PATH: &str = "/openapi/view_device_running_status";

/// The running status of a device that was heard once, with these statuses.
async fn status(heard: Timestamp, statuses: impl Into<Vec<Reading>>) -> serde_json::Value {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    member.uplink(EUI, heard, statuses).await;
    member.post_json(PATH, &format!(r#"{{"device_euis":["{EUI}"]}}"#)).await.data()[0].clone()
}

#[tokio::test]
async fn tells_how_a_device_is_doing() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    member.bind("2CF7F12004100006", "S2101").await;
    let statuses = [Reading::status(3000, 87.0), Reading::status(3900, 10.0), Reading::new(1, 4097, 21.4)];
    member.uplink(EUI, ms_ago(5 * MINUTE_MS), statuses).await;
    let asked = format!(r#"{{"device_euis":["{EUI}","2CF7F12004100006"]}}"#);
    assert_snapshot!(member.post_json(PATH, &asked).await.body);
}

#[tokio::test]
async fn online_is_heard_within_three_intervals() {
    let online = async |heard: Timestamp, minutes: f64| {
        status(heard, [Reading::status(3900, minutes)]).await["online_status"].as_u64()
    };
    assert_eq!(online(ms_ago(30 * MINUTE_MS), 10.0).await, Some(1));
    assert_eq!(online(ms_ago(30 * MINUTE_MS + 1), 10.0).await, Some(0));
    assert_eq!(online(ms_ago(30 * DAY_MS), f64::MAX).await, Some(1));
}

#[tokio::test]
async fn online_is_heard_within_a_day_where_the_interval_is_unknown() {
    for unknown in [vec![], vec![Reading::status(3900, 0.0)], vec![Reading::status(3900, -5.0)]] {
        let just = status(ms_ago(DAY_MS), unknown.clone()).await;
        assert_eq!((just["online_status"].as_u64(), just["report_frequency"].as_i64()), (Some(1), Some(-1)));
        let gone = status(ms_ago(DAY_MS + 1), unknown).await;
        assert_eq!(gone["online_status"].as_u64(), Some(0));
    }
}

#[tokio::test]
async fn a_battery_is_low_below_twenty_percent() {
    for (percent, digit, good) in
        [(20.0, 20, 1), (19.9, 19, 0), (0.0, 0, 0), (-3.0, 0, 0), (250.0, 100, 1), (f64::NAN, 100, 1)]
    {
        let status = status(ms_ago(0), [Reading::status(3000, percent)]).await;
        let shown = (status["battery_digit"].as_u64(), status["battery_status"].as_u64());
        assert_eq!(shown, (Some(digit), Some(good)), "{percent}");
    }
}
