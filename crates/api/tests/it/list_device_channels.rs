use insta::assert_snapshot;
use model::{Channel, ChannelIndex, MeasurementId, Reading, Timestamp};
use store::Registry;

use crate::app::{App, Caller, EUI, ms_ago};

const PATH: &str = "/openapi/list_device_channels";

async fn channels(member: &Caller<'_>) -> String {
    member.post_json(PATH, &format!(r#"{{"device_euis":["{EUI}"]}}"#)).await.body
}

#[tokio::test]
async fn channels_that_nobody_described_come_from_readings() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    let readings = [Reading::new(1, 4098, 31.4), Reading::new(1, 4097, 21.4), Reading::status(3000, 90.0)];
    member.uplink(EUI, ms_ago(0), readings).await;
    assert_snapshot!(channels(&member).await);
}

#[tokio::test]
async fn described_channels_show_before_their_first_reading() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "Gen1").await;
    let described = Channel {
        index: ChannelIndex(3),
        name: "North bed".to_owned(),
        sensor_type: Some("1006".to_owned()),
        sensor_id: "ABC123".to_owned(),
        measurements: vec![MeasurementId(4103), MeasurementId(4102)],
        created_at: Timestamp::EPOCH,
    };
    app.store.describe_channel(member.org, EUI.parse().unwrap(), described).await.unwrap();
    member.uplink(EUI, ms_ago(0), [Reading::new(2, 4106, 7.0), Reading::new(3, 4108, 0.2)]).await;
    assert_snapshot!(channels(&member).await);
}

#[tokio::test]
async fn a_silent_device_has_no_channels() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    assert_eq!(
        channels(&member).await,
        r#"{"code":"0","data":[{"device_eui":"2CF7F12004100005","device_name":"device2CF7F12004100005","channels":[]}]}"#
    );
}

#[tokio::test]
async fn the_older_path_lists_the_channels_of_one_device() {
    let app = App::new();
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    member.uplink(EUI, ms_ago(0), [Reading::new(1, 4097, 21.5), Reading::new(2, 4098, 50.0)]).await;
    let all =
        member.post_json("/openapi/list_device_channels", &format!(r#"{{"device_euis":["{EUI}"]}}"#)).await.data();
    let one = member.get(&format!("/openapi/channel/list/{}", EUI.to_lowercase())).await.data();
    assert_eq!(one.as_array().map(Vec::len), Some(2));
    assert_eq!(one, all[0]["channels"]);
    assert_eq!(member.get("/openapi/channel/list/xyz").await.code(), "11203");
}
