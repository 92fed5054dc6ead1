use store::Registry;

use crate::app::{App, Caller, EUI};

const PATH: &str = "/openapi/update_device_report_cycle";
const OTHER_EUI: &str = "2CF7F12004100006";

async fn wanted(app: &App, member: &Caller<'_>) -> [Option<u16>; 2] {
    let cycle = async |eui: &str| {
        let device = app.store.find_device(member.org, eui.parse().unwrap()).await.unwrap();
        device.unwrap().report_cycle_min
    };
    [cycle(EUI).await, cycle(OTHER_EUI).await]
}

async fn with_devices(app: &App) -> Caller<'_> {
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    member.bind(OTHER_EUI, "S2101").await;
    member
}

#[tokio::test]
async fn what_is_wanted_is_kept_with_the_devices_in_every_shape_it_comes() {
    let app = App::new();
    let member = with_devices(&app).await;
    let form = Some("application/x-www-form-urlencoded; charset=utf-8");
    for (content_type, body, expected) in [
        (Some("application/json"), format!(r#"{{"device_euis":["{EUI}"],"report_cycle":15}}"#), [Some(15), None]),
        (form, format!("device_euis[0]={EUI}&device_euis[1]={OTHER_EUI}&report_cycle=60"), [Some(60), Some(60)]),
        (form, format!(r#"{{"device_euis":["{OTHER_EUI}"],"report_cycle":"5"}}"#), [Some(60), Some(5)]),
        (None, format!("device_euis={EUI}&device_euis={OTHER_EUI}&report_cycle=1440.0"), [Some(1_440), Some(1_440)]),
        (form, format!("device_eui={EUI}&report_cycle=1"), [Some(1), Some(1_440)]),
    ] {
        let answer = member.send("POST", PATH, content_type, &body).await;
        assert_eq!(answer.body, r#"{"code":"0","data":{}}"#, "{body}");
        assert_eq!(wanted(&app, &member).await, expected, "{body}");
    }
    let status = member.get(&format!("/openapi/view_device_running_status?device_euis={EUI}")).await.data();
    assert_eq!(status[0]["report_frequency"], -1, "what a device does is another thing than what is wanted");
}

#[tokio::test]
async fn what_no_device_can_do_or_has_is_refused_and_changes_nothing() {
    let app = App::new();
    let member = with_devices(&app).await;
    for (body, code) in [
        (format!("device_euis={EUI}&report_cycle=0"), "11202"),
        (format!("device_euis={EUI}&report_cycle=1441"), "11202"),
        (format!("device_euis={EUI}&report_cycle=70000"), "11202"),
        (format!("device_euis={EUI}&report_cycle=2.5"), "11202"),
        (format!("device_euis={EUI}&report_cycle="), "11202"),
        (format!("device_euis={EUI}"), "11202"),
        ("report_cycle=5".to_owned(), "11202"),
        ("device_euis=xyz&report_cycle=5".to_owned(), "11203"),
        (format!("device_euis={EUI}&device_euis=2CF7F12000000000&report_cycle=5"), "11303"),
    ] {
        assert_eq!(member.send("POST", PATH, None, &body).await.code(), code, "{body}");
    }
    assert_eq!(wanted(&app, &member).await, [None, None]);
}

#[tokio::test]
async fn a_device_that_is_bound_anew_starts_without() {
    let app = App::new();
    let member = with_devices(&app).await;
    let body = format!("device_euis={EUI}&report_cycle=5");
    assert_eq!(member.send("POST", PATH, None, &body).await.code(), "0");
    app.store.unbind_device(member.org, EUI.parse().unwrap()).await.unwrap();
    member.bind(EUI, "S2101").await;
    assert_eq!(wanted(&app, &member).await, [None, None]);
}
