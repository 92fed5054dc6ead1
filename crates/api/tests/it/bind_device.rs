use model::{Group, GroupId};
use store::Registry;

use crate::app::{App, Caller, EUI, NOW_MS};

const PATH: &str = "/openapi/bind_device";
const CODE: &str = "3A91F27BB1C0D2E4";

/// Somebody whose device was unbound.
async fn with_unbound<'a>(app: &'a App, code: &str) -> Caller<'a> {
    let member = app.member().await;
    member.bind_with(EUI, "S2101", |binding| binding.code = code.to_owned()).await;
    app.store.unbind_device(member.org, EUI.parse().unwrap()).await.unwrap();
    member
}

#[tokio::test]
async fn a_device_comes_back_with_what_the_call_says() {
    let app = App::new();
    let member = with_unbound(&app, CODE).await;
    let group = Group { org: member.org, id: GroupId::from_raw(10), name: "Barn".to_owned() };
    app.store.create_group(group).await.unwrap();
    let body = "eui=2cf7f12004100005&code=3a91f27bb1c0d2e4&device_name=North&group_uuid=000000000000000A\
                &longitude=151.2&latitude=-33.9";
    let answer = member.send("POST", PATH, Some("application/x-www-form-urlencoded; charset=utf-8"), body).await;
    assert_eq!(answer.body, r#"{"code":"0","data":{}}"#);
    let device = app.store.find_device(member.org, EUI.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((device.name.as_str(), device.group), ("North", Some(GroupId::from_raw(10))));
    let place = device.place.unwrap();
    assert_eq!((place.latitude, place.longitude), (-33.9, 151.2));
    assert_eq!((device.model.as_str(), device.bound_at.as_millis()), ("S2101", NOW_MS));
    assert_eq!(member.post_json(PATH, &format!(r#"{{"eui":"{EUI}","code":"{CODE}"}}"#)).await.code(), "11334");
}

#[tokio::test]
async fn what_the_call_does_not_say_stays() {
    let app = App::new();
    let member = with_unbound(&app, CODE).await;
    assert_eq!(member.post_json(PATH, &format!(r#"{{"eui":"{EUI}","code":"{CODE}"}}"#)).await.code(), "0");
    let device = app.store.find_device(member.org, EUI.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((device.name.as_str(), device.group, device.place), ("device2CF7F12004100005", None, None));
}

#[tokio::test]
async fn only_the_code_on_the_label_binds() {
    let app = App::new();
    let member = with_unbound(&app, CODE).await;
    let nameless = with_unbound(&app, "").await;
    for (caller, eui, code) in
        [(&member, EUI, "3A91F27BB1C0D2E5"), (&member, "2CF7F12004100009", CODE), (&nameless, EUI, CODE)]
    {
        let answer = caller.post_json(PATH, &format!(r#"{{"eui":"{eui}","code":"{code}"}}"#)).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (200, "11330"), "{}", answer.body);
    }
    assert_eq!(member.get("/openapi/list_devices").await.body, r#"{"code":"0","data":[]}"#);
}

#[tokio::test]
async fn a_device_that_a_source_hears_is_bound_by_its_eui_and_keeps_the_code() {
    let app = App::new();
    let member = with_unbound(&app, CODE).await;
    const HEARD: &str = "2CF7F12004100007";
    member.hear(&[(HEARD, "S2103"), ("2CF7F12004100008", ""), (EUI, "S2101")]).await;
    let bind = async |eui: &str, code: &str| {
        member.post_json(PATH, &format!(r#"{{"eui":"{eui}","code":"{code}"}}"#)).await.code()
    };
    assert_eq!(bind("2CF7F12004100008", CODE).await, "11330", "nobody knows its model");
    assert_eq!(bind(EUI, "3A91F27BB1C0D2E5").await, "11330", "the code of this one is known");
    assert_eq!(bind(HEARD, "0123456789ABCDEF").await, "0");
    let device = app.store.find_device(member.org, HEARD.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((device.model.as_str(), device.code.as_str()), ("S2103", "0123456789ABCDEF"));
    let other = with_unbound(&app, "").await;
    let body = format!(r#"{{"eui":"2CF7F12004100008","code":"{CODE}"}}"#);
    assert_eq!(other.post_json(PATH, &body).await.code(), "11330", "another organization's source is none of theirs");
}

#[tokio::test]
async fn a_call_that_makes_no_sense_binds_nothing() {
    let app = App::new();
    let member = with_unbound(&app, CODE).await;
    let long = format!(r#""device_name":"{}""#, "x".repeat(129));
    for (rest, code) in [
        (r#""latitude":1"#, "11202"),
        (r#""latitude":90.5,"longitude":0"#, "11202"),
        (r#""latitude":"north","longitude":0"#, "11202"),
        (r#""group_uuid":"00000000000000FF""#, "11317"),
        (&long, "11202"),
    ] {
        let body = format!(r#"{{"eui":"{EUI}","code":"{CODE}",{rest}}}"#);
        assert_eq!(member.post_json(PATH, &body).await.code(), code, "{body}");
    }
    for (body, code) in [
        (format!(r#"{{"code":"{CODE}"}}"#), "11202"),
        (format!(r#"{{"eui":"{EUI}"}}"#), "11202"),
        (format!(r#"{{"eui":"x","code":"{CODE}"}}"#), "11203"),
    ] {
        assert_eq!(member.post_json(PATH, &body).await.code(), code, "{body}");
    }
    assert_eq!(member.get("/openapi/list_devices").await.body, r#"{"code":"0","data":[]}"#);
}
