//! Whatever somebody calls something, it is text on every page.

use axum::http::HeaderValue;
use model::{AccessKey, Deed, Email, GroupId, Invite, KeyLimits, Person, Reading, Role, SourceKind, Timestamp, Value};
use portal::Secret;
use store::{Binding, PersonChange, Registry, SourceNote};

use crate::{
    document::{Page, findings},
    scene::{Kind, Scene, frame, is_api, name_channel, places, routes, source, uplink_in},
    strings,
    support::{Answer, App, Caller, DAY_MS, NOW_MS, at, scopes},
};

/// How many strings an organization of these tests has; groups are limited.
const EACH: usize = 45;

#[test]
fn the_strings_are_many_and_would_do_something() {
    let all = strings::all();
    assert!(all.len() >= 200, "{}", all.len());
    let caught = all.iter().filter(|text| !findings(&format!("<p>{text}")).is_empty());
    let in_attributes = all.iter().filter(|text| !findings(&format!("<p title=\"{text}\">")).is_empty());
    assert!(caught.count() > 100 && in_attributes.count() > 30, "what is looked for is what they do");
}

/// Checks a page, and answers its text.
#[track_caller]
fn clean(answer: &Answer, path: &str, what: &str) -> String {
    if answer.status.is_redirection() {
        let to = answer.header("location");
        let is_ours = to.starts_with('/') && !to.starts_with("//") && !to.contains(['\\', '\t']);
        assert!(is_ours, "{path}: {to}");
        return String::new();
    }
    assert!(answer.code() < 500, "{path} with {what:?}: {}", answer.status);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{path}");
    let Page { findings, text } = Page::read(&answer.body);
    assert!(findings.is_empty(), "{path} with {what:?}: {findings:?}");
    text
}

/// Gives everything that an organization has one of the strings as its name.
async fn name_everything(app: &App, scene: &Scene<'_>, text: &str, number: usize) {
    let (org, store, count) = (scene.org, &app.store, app.count());
    let group = GroupId::from_raw(count);
    store.create_group(model::Group { org, id: group, name: text.to_owned() }).await.unwrap();
    let binding = Binding {
        org,
        eui: model::DeviceEui::from_raw(count),
        kind: model::DeviceKind::Node,
        model: text.to_owned(),
        name: text.to_owned(),
        group: number.is_multiple_of(2).then_some(group),
        place: Some(model::GeoPoint { latitude: 1.0, longitude: 2.0 }),
        frequency: text.to_owned(),
        code: text.to_owned(),
        bound_at: at(NOW_MS),
    };
    let device = store.bind_device(binding).await.unwrap();
    name_channel(app, &device, 1, text).await;
    let readings = vec![
        Reading::new(1, 4097, Value::text(text)),
        Reading::new(1, 4098, Value::Json(text.into())),
        Reading::new(1, 4099, Value::Json(serde_json::to_string(text).unwrap().into())),
        Reading::new(1, 4100, 1.0),
        Reading::status(3502, Value::text(text)),
    ];
    uplink_in(app, &device, at(NOW_MS - count as i64), readings, frame(text, Some(text))).await;

    let id = source(app, org, text, SourceKind::ChirpStack).await;
    let last_error = Some((at(NOW_MS), text.to_owned()));
    let note = SourceNote { org, id, messages: 1, last_message_at: Some(at(NOW_MS - 1)), last_error };
    store.note_sources(vec![note]).await.unwrap();
    let limits =
        KeyLimits { origins: vec![text.to_owned(), text.to_owned()], groups: vec![group], ..KeyLimits::default() };
    let id = format!("{count:016}").parse().unwrap();
    let hash = Secret::of(format!("{count}")).hash;
    let key = AccessKey::new(id, org, hash, text.to_owned(), scopes(true, false, false), at(NOW_MS));
    store.create_access_key(AccessKey { limits, ..key }).await.unwrap();
    let invite = Invite {
        token: Secret::of(format!("invite {count}")).hash,
        org: Some(org),
        role: Role::Viewer,
        is_operator: false,
        note: text.to_owned(),
        created_at: at(NOW_MS),
        expires_at: at(NOW_MS + DAY_MS),
    };
    store.create_invite(invite).await.unwrap();
    let words = || text.to_owned();
    let deed = Deed {
        org,
        at: at(NOW_MS),
        actor: words(),
        address: words(),
        action: words(),
        subject: words(),
        detail: words(),
    };
    store.record(deed).await.unwrap();
}

/// Somebody who is called by one of the strings, signed in with a browser that is as well.
async fn namesake<'a>(app: &'a App, scene: &Scene<'_>, text: &str) -> Caller<'a> {
    let person: Person = app.person(scene.org, Role::Viewer, false).await;
    let change =
        PersonChange { name: Some(text.to_owned()), time_zone: Some(text.to_owned()), ..PersonChange::default() };
    app.store.update_person(scene.org, person.id, change).await.unwrap();
    let token = app.session_with(person.id, text).await;
    // Also where an address is one at all.
    if let Ok(email) = format!("{}{}@example.org", text.replace('@', ""), app.count()).parse::<Email>() {
        let id = model::PersonId::from_raw(app.count());
        app.store.create_person(Person { id, email, name: String::new(), ..person }).await.unwrap();
    }
    app.nobody().with_session(&token)
}

#[tokio::test]
async fn what_is_kept_is_text_on_every_page() {
    let app = App::new();
    app.station.log.lock().unwrap().extend(strings::all());
    let pages: Vec<_> = routes().into_iter().filter(|(method, path, _)| method == "GET" && !is_api(path)).collect();
    assert!(pages.len() > 20);
    for batch in strings::all().chunks(EACH) {
        let scene = Scene::set(&app).await;
        for (number, text) in batch.iter().enumerate() {
            name_everything(&app, &scene, text, number).await;
            let caller = namesake(&app, &scene, text).await;
            // A large page, with every time zone there is.
            if number.is_multiple_of(4) {
                let shown = clean(&caller.get("/account").await, "/account", text);
                assert!(shown.contains(text), "/account does not show {text:?}");
            }
        }
        let devices = app.store.list_devices(scene.org, Default::default(), None, 1_000).await.unwrap();
        for (_, path, _) in &pages {
            if places(path).iter().any(|(_, kind)| *kind == Kind::Device) {
                for device in &devices {
                    let path = path.replace("{eui}", &device.eui.to_string());
                    let shown = clean(&scene.operator.get(&path).await, &path, &device.name);
                    assert!(shown.contains(&device.name), "{path} does not show {:?}", device.name);
                }
            } else {
                let page = scene.operator.get(&scene.path(path, &scene.operator)).await;
                let shown = clean(&page, path, "what is kept");
                let is_list = matches!(*path, "/groups" | "/keys" | "/sources" | "/people" | "/audit" | "/system");
                for wanted in batch.iter().filter(|_| is_list) {
                    assert!(shown.contains(wanted), "{path} does not show {wanted:?}");
                }
            }
        }
        for (_, path, _) in routes().iter().filter(|(method, path, _)| method == "GET" && is_api(path)) {
            let answer = scene.operator.get(&scene.path(path, &scene.operator)).await;
            let kinds = ["application/json", "text/event-stream", "text/csv; charset=utf-8"];
            assert!(kinds.contains(&answer.header("content-type")), "{path}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        }
    }
}

#[tokio::test]
async fn the_name_of_an_organization_is_text() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let link = format!("/join/{}", scene.invite_token);
    for (number, name) in strings::all().iter().enumerate() {
        app.store.rename_organization(scene.org, name).await.unwrap();
        for path in ["/groups", &link] {
            if path == "/groups" || number.is_multiple_of(4) {
                let shown = clean(&scene.viewer.get(path).await, path, name);
                assert!(shown.contains(name), "{path} does not show {name:?}");
            }
        }
    }
    let path = portal::owner_link(&*app.store, Some(scene.org), true, app.now()).await.unwrap();
    clean(&app.nobody().get(&path).await, &path, "the owner link");
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[tokio::test]
async fn what_an_address_says_is_text() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    const NAMES: [&str; 13] = [
        "search", "group", "state", "series", "before", "after", "cursor", "next", "done", "range", "points", "from",
        "limit",
    ];
    let pages: Vec<_> = routes().into_iter().filter(|(method, path, _)| method == "GET" && !is_api(path)).collect();
    for (number, text) in strings::all().iter().enumerate() {
        let given = encoded(text);
        let query: Vec<_> = NAMES.iter().map(|name| format!("{name}={given}")).collect();
        let query = format!("{}&{given}={given}", query.join("&"));
        let language = if number.is_multiple_of(2) { "en" } else { "zh-CN" };
        let headers: &[(&str, &str)] = &[("accept-language", language), ("accept", "text/html")];
        // Each string on some pages, each page with some strings, and those that show it with all.
        for (at, (_, path, _)) in pages.iter().enumerate() {
            let shows = matches!(*path, "/sign-in" | "/devices" | "/devices/{eui}");
            if shows || (at + number).is_multiple_of(8) {
                let path = scene.path(path, &scene.operator);
                let caller = if path == "/sign-in" { &app.nobody() } else { &scene.operator };
                clean(&caller.send("GET", &format!("{path}?{query}"), headers, "").await, &path, text);
            }
        }
        for path in
            [format!("/devices/{given}"), format!("/guide/{given}"), format!("/join/{given}"), format!("/{given}")]
        {
            for caller in [&scene.operator, &app.nobody()] {
                clean(&caller.send("GET", &path, headers, "").await, &path, text);
            }
        }
    }
}

#[tokio::test]
async fn what_a_form_says_is_text_when_it_comes_back() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let link = format!("/join/{}", scene.invite_token);
    for (number, given) in strings::all().iter().enumerate() {
        let given = encoded(given);
        let mut refused = vec![
            (&scene.operator, "/devices", format!("eui={given}&model={given}&name={given}&group={given}")),
            (&scene.operator, "/keys", format!("name={given}&scope={given}&origins={given}&group={given}")),
            (&scene.operator, "/people/invite", format!("role={given}&note={given}")),
        ];
        let nobody = app.nobody();
        // Large pages, with every time zone there is.
        if number.is_multiple_of(4) {
            refused.push((&scene.operator, "/account", format!("name={given}&time_zone={given}")));
            let joining = format!("email={given}&name={given}&password=x&time_zone={given}");
            refused.push((&nobody, &link, joining));
        }
        for (caller, path, body) in refused {
            let answer = caller.post(path, &body).await;
            assert_eq!(answer.code(), 422, "{path}");
            clean(&answer, path, &given);
        }
        // Each try works out a hash.
        if number.is_multiple_of(12) {
            let elsewhere = app.nobody().from([198, 51, 100, number as u8]);
            let answer = elsewhere.post("/sign-in", &format!("email={given}&password=x&next={given}")).await;
            assert_eq!(answer.code(), 401);
            clean(&answer, "/sign-in", &given);
        }
        let answer = app.nobody().post("/preferences", &format!("language=zh&theme={given}&next={given}")).await;
        clean(&answer, "/preferences", &given);
    }
}

#[tokio::test]
async fn what_a_header_says_is_text() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let token = app.session(scene.operator.person.as_ref().unwrap().id).await;
    let is_sendable = |text: &String| text.is_ascii() && HeaderValue::from_str(text).is_ok();
    for (number, text) in strings::all().iter().filter(|text| is_sendable(text)).enumerate() {
        let cookie = format!("session={token}; language={text}; theme={text}");
        let headers = [("host", text.as_str()), ("cookie", &cookie), ("accept-language", text), ("accept", text)];
        for path in ["/sources", "/setup", &format!("/devices/{}/code", scene.device.eui)] {
            clean(&app.nobody().send("GET", path, &headers, "").await, path, text);
        }
        if number.is_multiple_of(16) {
            clean(&app.nobody().send("GET", "/guide", &headers, "").await, "/guide", text);
            let headers = [("host", text.as_str()), ("user-agent", text)];
            for (path, body) in [("/keys", "name=k&scope=read"), ("/people/invite", "role=viewer")] {
                clean(&scene.owner.send("POST", path, &headers, body).await, path, text);
            }
        }
    }
}

#[tokio::test]
async fn times_at_the_ends_of_time_are_shown() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    for at in [Timestamp::from_millis(i64::MIN / 2), Timestamp::from_millis(i64::MAX / 2), Timestamp::EPOCH] {
        crate::scene::uplink(&app, &scene.device, at, vec![Reading::new(1, 4097, 1.0)]).await;
    }
    for (_, path, _) in routes().iter().filter(|(method, ..)| method == "GET") {
        let answer = scene.operator.get(&scene.path(path, &scene.operator)).await;
        assert!(answer.code() < 400, "{path}: {}", answer.body);
    }
}
