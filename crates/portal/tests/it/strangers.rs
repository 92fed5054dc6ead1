//! What belongs to another organization answers as what does not exist.

use crate::{
    scene::{Kind, Scene, bind, is_account, places, routes},
    support::{Answer, App, Caller},
};

/// An id of the same form as another one, of nothing.
fn unknown(id: &str) -> String {
    let last = id.chars().last().expect("an id");
    let other = if last == 'F' || last == 'f' { 'E' } else { 'F' };
    // Far from every id that is given in a test.
    let flipped: String = id.chars().rev().skip(1).map(|c| if c == '0' { '7' } else { c }).collect();
    let unknown: String = flipped.chars().rev().chain([other]).collect();
    assert!(unknown != id && unknown.len() == id.len());
    unknown
}

/// An answer without the id that was asked for.
fn nameless(answer: &Answer, id: &str) -> (u16, Vec<(String, String)>, String) {
    let hide = |text: &str| text.replace(id, "ID").replace(&id.to_lowercase(), "ID").replace(&id.to_uppercase(), "ID");
    let headers = answer.headers.iter().map(|(name, value)| (name.to_string(), hide(value.to_str().unwrap())));
    (answer.code(), headers.collect(), hide(&answer.body))
}

/// Whose things may not be seen: another organization's, and of sessions other people's.
fn foreign(kind: Kind, own: &Scene<'_>, theirs: &Scene<'_>) -> Vec<String> {
    let of = |scene: &Scene<'_>| scene.id(kind, &scene.operator);
    match kind {
        // A channel is one of a device, and the documents are everybody's.
        Kind::Channel | Kind::Document => vec![],
        // Whoever has the token may use it; whoever has its handle does not have it.
        Kind::Token => vec![theirs.id(Kind::Invite, &theirs.operator), own.id(Kind::Invite, &own.operator)],
        Kind::OwnSession => vec![of(theirs), theirs.session.clone(), own.session.clone()],
        _ => vec![of(theirs)],
    }
}

#[tokio::test]
async fn another_organization_is_as_if_it_did_not_exist() {
    let app = App::new();
    let (own, theirs) = (Scene::set(&app).await, Scene::set(&app).await);
    let program = own.everybody().await.remove(5);
    let before = [app.state(own.org).await, app.state(theirs.org).await];
    let mut compared = 0;
    for (method, path, _) in &routes() {
        for (name, kind) in places(path) {
            for id in foreign(kind, &own, &theirs) {
                for caller in [&own.operator, &own.owner, &program] {
                    let ask = async |id: &str| {
                        let with_id = path.replacen(name, id, 1);
                        // The other places are one's own.
                        let filled = with_id.replace("{index}", "1");
                        let answer = caller.send(method, &filled, &[], &own.body(method, path)).await;
                        nameless(&answer, id)
                    };
                    let (known, unknown) = (ask(&id).await, ask(&unknown(&id)).await);
                    assert_eq!(known, unknown, "{method} {path} for {}", caller.who);
                    let has_none = known.0 == 403 && is_account(path) && !caller.is_person();
                    let is_refused = known.0 == 404 || known.0 == 303 && !caller.is_person() || has_none;
                    assert!(is_refused, "{method} {path} for {}: {}", caller.who, known.0);
                    compared += 1;
                }
            }
        }
        assert_eq!([app.state(own.org).await, app.state(theirs.org).await], before, "{method} {path}");
    }
    assert!(compared > 100, "only {compared} answers were compared");
}

/// Compares what somebody is told about a foreign and an unknown id in a query or body.
async fn check(caller: &Caller<'_>, method: &str, path: &str, body: &str, id: &str) {
    let ask = async |id: &str| {
        let answer = caller.send(method, &path.replace("ID", id), &[], &body.replace("ID", id)).await;
        nameless(&answer, id)
    };
    let (known, unknown) = (ask(id).await, ask(&unknown(id)).await);
    assert_eq!(known, unknown, "{method} {path} {body}");
}

#[tokio::test]
async fn ids_in_queries_and_bodies_tell_nothing_either() {
    let app = App::new();
    let (own, theirs) = (Scene::set(&app).await, Scene::set(&app).await);
    bind(&app, own.org, 0x2CF7_F120_0000_0001, "Cellar", None).await;
    let (before, operator) = ([app.state(own.org).await, app.state(theirs.org).await], &own.operator);
    let (device, group) = (own.device.eui, theirs.group.to_string());
    for path in ["/devices?group=ID", "/api/devices?group=ID"] {
        check(operator, "GET", path, "", &group).await;
    }
    for path in ["/devices?after=ID", "/api/devices?cursor=ID&limit=1", "/devices?search=ID", "/api/devices?search=ID"]
    {
        check(operator, "GET", path, "", &theirs.device.eui.to_string()).await;
    }
    let path = format!("/api/devices/{device}");
    check(operator, "PATCH", &path, r#"{"name":"Moved","group":"ID"}"#, &group).await;
    check(operator, "POST", &format!("/devices/{device}/settings"), "name=Moved&group=ID", &group).await;
    let new = r#"{"eui":"2CF7F120000000AA","model":"S2101","group":"ID"}"#;
    check(operator, "POST", "/api/devices", new, &group).await;
    check(operator, "POST", "/devices", "eui=2CF7F120000000AA&model=S2101&group=ID", &group).await;
    check(operator, "POST", "/api/keys", r#"{"scopes":["read"],"groups":["ID"]}"#, &group).await;
    check(operator, "POST", "/keys", "scope=read&group=ID", &group).await;
    assert_eq!([app.state(own.org).await, app.state(theirs.org).await], before);
}

#[tokio::test]
async fn a_list_shows_what_is_of_the_organization_alone() {
    let app = App::new();
    let (own, theirs) = (Scene::set(&app).await, Scene::set(&app).await);
    let kinds =
        [Kind::Device, Kind::Group, Kind::Key, Kind::Codec, Kind::Source, Kind::Person, Kind::Session, Kind::Invite];
    let secrets = kinds.map(|kind| theirs.id(kind, &theirs.operator));
    let mut shown = [0; 8];
    for (method, path, _) in routes().iter().filter(|(method, ..)| method == "GET") {
        let answer = own.operator.send(method, &own.path(path, &own.operator), &[], "").await;
        for (at, secret) in secrets.iter().enumerate() {
            assert!(!answer.body.contains(secret), "{path} shows `{secret}`");
            shown[at] += usize::from(answer.body.contains(&own.id(kinds[at], &own.operator)));
        }
        assert!(!answer.body.contains(&theirs.org.to_string()), "{path} shows the other organization");
    }
    assert!(shown.iter().all(|count| *count > 0), "the ids are not the ones that are shown: {shown:?}");
}

#[tokio::test]
async fn the_same_device_in_two_organizations_is_two() {
    let app = App::new();
    let (own, theirs) = (Scene::set(&app).await, Scene::set(&app).await);
    let eui = own.device.eui;
    bind(&app, theirs.org, eui.get(), "Theirs", None).await;
    let before = app.state(theirs.org).await;
    let renamed = own.operator.send("PATCH", &format!("/api/devices/{eui}"), &[], r#"{"name":"Ours"}"#).await;
    assert_eq!(renamed.json()["name"], "Ours");
    assert_eq!(own.operator.send("DELETE", &format!("/api/devices/{eui}"), &[], "").await.code(), 204);
    assert_eq!(app.state(theirs.org).await, before);
    assert_eq!(theirs.operator.get(&format!("/api/devices/{eui}")).await.json()["name"], "Theirs");
    let rows = theirs.operator.get(&format!("/api/devices/{eui}/rows")).await.json();
    assert_eq!(rows["items"], serde_json::json!([]), "their history is their own");
}
