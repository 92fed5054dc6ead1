use model::{DeviceKind, Group, GroupId, MeasurementId, Reading};
use serde_json::{Value as Json, json};
use store::Registry;

use crate::app::{App, Caller, DAY_MS, EUI, ms_ago};

fn eui(number: u64) -> String {
    format!("{:016X}", 0x2CF7_F120_0000_0000 + number)
}

fn names(list: &Json) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|device| device["dev_eui"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn devices_come_in_pages_of_twenty_that_count_all() {
    let app = App::new();
    let member = app.member().await;
    for number in 1..=45 {
        member.bind(&eui(number), "S2101").await;
    }
    let gateway = |number| format!("A{}", &eui(number)[1..]);
    for number in 1..=3 {
        member.bind_with(&gateway(number), "SenseCAP M2", |binding| binding.kind = DeviceKind::Gateway).await;
    }
    let page = async |query: &str| member.get(&format!("/1.0/lists/node{query}")).await.data();
    for (query, first, len) in [
        ("", 1, 20),
        ("?offset=1", 1, 20),
        ("?offset=0", 1, 20),
        ("?offset=-7", 1, 20),
        ("?offset=3", 41, 5),
        ("?offset=2&length=7", 8, 7),
        ("?offset=2.0&length=+7", 8, 7),
        ("?length=9999", 1, 45),
        ("?length=0", 1, 1),
        ("?offset=&length=", 1, 20),
    ] {
        let data = page(query).await;
        assert_eq!(data["page"], json!({"count": "45"}), "{query}");
        let expected: Vec<String> = (first..first + len).map(eui).collect();
        assert_eq!(names(&data["list"]), expected, "{query}");
    }
    for query in ["?offset=4", "?offset=999999999999999"] {
        assert_eq!(page(query).await, json!({"page": {"count": "45"}, "list": []}), "{query}");
    }
    assert_eq!(member.get("/1.0/lists/node?offset=x").await.code(), "11202");
    let gateways = member.get("/1.0/lists/gateway?length=2&offset=2").await.data();
    assert_eq!((&gateways["page"]["count"], names(&gateways["list"])), (&json!("3"), vec![gateway(3).as_str()]));
    let node = &page("?length=1").await["list"][0];
    assert!(node["battery_status"] == "1" && node["msg_count"] == "0", "{node}");
    assert!(gateways["list"][0].get("battery_status").is_none(), "{gateways}");

    let all = member.get("/1.0/lists/devices/eui").await.data();
    assert_eq!((all["gateway"].as_array().unwrap().len(), all["node"].as_array().unwrap().len()), (3, 45));
    let some = member.get("/1.0/lists/devices/eui?offset=2&length=2").await.data();
    assert_eq!(some, json!({"gateway": [gateway(3)], "node": [eui(3), eui(4)]}));
}

/// Somebody with a node that is online, one that is not, and a gateway in the barn.
async fn farm(app: &App) -> Caller<'_> {
    let member = app.member().await;
    let barn = Some(GroupId::from_raw(10));
    let group = Group { org: member.org, id: GroupId::from_raw(10), name: "Barn".to_owned() };
    app.store.create_group(group).await.unwrap();
    member.bind_with(EUI, "S2101", |binding| binding.group = barn).await;
    member.bind_with(&eui(2), "S2101", |binding| binding.group = barn).await;
    let gateway = |binding: &mut store::Binding| (binding.group, binding.kind) = (barn, DeviceKind::Gateway);
    member.bind_with(&eui(3), "SenseCAP M2", gateway).await;
    member.uplink(EUI, ms_ago(0), [Reading::status(MeasurementId::BATTERY.0, 5.0)]).await;
    member.uplink(&eui(2), ms_ago(2 * DAY_MS), [Reading::new(1, 4097, 21.5)]).await;
    member
}

#[tokio::test]
async fn groups_say_how_many_devices_they_have_and_how_many_are_online() {
    let app = App::new();
    let member = farm(&app).await;
    assert_eq!(
        member.get("/1.0/lists/group").await.data(),
        json!([
            {"name": "Default", "group_unique_name": "", "dev_cnt": "0", "online_cnt": "0", "created": "0"},
            {"name": "Barn", "group_unique_name": "000000000000000A", "dev_cnt": "3", "online_cnt": "1",
             "created": "0"},
        ])
    );
}

#[tokio::test]
async fn groups_list_their_nodes() {
    let app = App::new();
    let member = farm(&app).await;
    let node = |eui: &str, online: &str, battery: &str| {
        json!({"dev_eui": eui, "dev_name": format!("device{eui}"), "lon": "0", "lat": "0", "online_status": online,
            "battery_status": battery})
    };
    assert_eq!(
        member.get("/1.0/lists/group/devices").await.data(),
        json!({"node": [
            {"group_name": "Default", "group_unique_name": "", "devices": []},
            {"group_name": "Barn", "group_unique_name": "000000000000000A",
             "devices": [node(&eui(2), "0", "1"), node(EUI, "1", "0")]},
        ]})
    );
}
