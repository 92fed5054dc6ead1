//! Becoming somebody, signing in, staying so, and no longer.

use futures_util::future::join_all;
use model::Role;
use portal::{Secret, Settings};
use store::Registry;

use crate::{
    document,
    scene::{Scene, invite},
    support::{Answer, App, Caller, DAY_MS, MINUTE_MS, PASSWORD, SECOND_MS, handle},
};

const HERE: [u8; 4] = [192, 0, 2, 1];
const THERE: [u8; 4] = [198, 51, 100, 1];

fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

async fn join(app: &App, path: &str, email: &str, password: &str) -> Answer {
    let fields =
        [("email", email), ("name", "Ada"), ("password", password), ("time_zone", "UTC"), ("organization", "Farm")];
    app.nobody().post(path, &form(&fields)).await
}

async fn sign_in(caller: &Caller<'_>, email: &str, password: &str) -> Answer {
    caller.post("/sign-in", &form(&[("email", email), ("password", password)])).await
}

/// Whether somebody is signed in.
async fn is_in(caller: &Caller<'_>) -> bool {
    match caller.get("/account").await.code() {
        200 => true,
        303 => false,
        other => panic!("{other}"),
    }
}

fn email<'a>(caller: &'a Caller<'_>) -> &'a str {
    caller.person.as_ref().expect("a person").email.as_str()
}

#[tokio::test]
async fn the_owner_link_makes_an_owner_once() {
    let app = App::new();
    let path = portal::owner_link(&*app.store, None, true, app.now()).await.unwrap();
    let page = app.nobody().get(&path).await;
    assert_eq!((page.code(), page.header("cache-control")), (200, "no-store"));
    let joined = join(&app, &path, "ada@example.org", PASSWORD).await;
    assert_eq!((joined.code(), joined.header("location")), (303, "/setup?done=welcome"));
    let ada = app.nobody().with_session(&joined.token());
    assert_eq!(ada.get("/system").await.code(), 200, "the first owner looks after the station");
    let people = ada.get("/api/people").await.json();
    assert_eq!((&people["items"][0]["role"], &people["items"][0]["is_operator"]), (&"owner".into(), &true.into()));
    assert_eq!(ada.get("/api/organization").await.json()["name"], "Farm");

    assert_eq!(app.nobody().get(&path).await.code(), 404, "the link is used up");
    let again = join(&app, &path, "eve@example.org", PASSWORD).await;
    assert_eq!((again.code(), again.headers.contains_key("set-cookie")), (404, false));
    assert_eq!(app.store.count_people().await.unwrap(), 1);
}

#[tokio::test]
async fn the_owner_link_is_good_for_fifteen_minutes() {
    let app = App::new();
    let path = portal::owner_link(&*app.store, None, true, app.now()).await.unwrap();
    app.pass(15 * MINUTE_MS - 1);
    assert_eq!(app.nobody().get(&path).await.code(), 200);
    app.pass(1);
    assert_eq!(app.nobody().get(&path).await.code(), 404);
    assert_eq!(join(&app, &path, "ada@example.org", PASSWORD).await.code(), 404);
    portal::expire(&app.portal).await.unwrap();
    assert_eq!(join(&app, &path, "ada@example.org", PASSWORD).await.code(), 404);
    assert_eq!(app.store.count_people().await.unwrap(), 0);
}

#[tokio::test]
async fn an_invite_makes_somebody_of_its_role_once() {
    let app = App::new();
    let org = app.organization().await;
    let owner = app.member(org, Role::Owner, true).await;
    for (role, allowed, forbidden) in
        [("viewer", "/devices", "/devices/new"), ("manager", "/devices/new", "/keys"), ("owner", "/keys", "/system")]
    {
        let made = owner.post("/api/invites", &format!(r#"{{"role":"{role}"}}"#)).await;
        let path = made.json()["path"].as_str().unwrap().to_owned();
        let joined = join(&app, &path, &format!("new-{role}@example.org"), PASSWORD).await;
        let new = app.nobody().with_session(&joined.token());
        assert_eq!(new.get(allowed).await.code(), 200, "{role}");
        assert_eq!(new.get(forbidden).await.code(), 403, "{role}");
        assert_eq!(join(&app, &path, "second@example.org", PASSWORD).await.code(), 404, "{role}");
    }
    let actions: Vec<_> = app.deeds(org).await.into_iter().filter(|(action, _)| action == "person.join").collect();
    assert_eq!(actions.len(), 3);
}

#[tokio::test]
async fn an_invite_is_good_for_seven_days_or_until_it_is_taken_back() {
    let app = App::new();
    let org = app.organization().await;
    let owner = app.member(org, Role::Owner, false).await;
    let invite = async || {
        let made = owner.post("/api/invites", r#"{"role":"viewer","note":"Bob"}"#).await.json();
        (made["path"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap().to_owned())
    };
    let (path, _) = invite().await;
    app.pass(7 * DAY_MS - 1);
    assert_eq!(app.nobody().get(&path).await.code(), 200);
    app.pass(1);
    assert_eq!(app.nobody().get(&path).await.code(), 404);
    assert_eq!(join(&app, &path, "bob@example.org", PASSWORD).await.code(), 404);

    let (path, id) = invite().await;
    assert_eq!(owner.send("DELETE", &format!("/api/invites/{id}"), &[], "").await.code(), 204);
    assert_eq!(join(&app, &path, "bob@example.org", PASSWORD).await.code(), 404);
}

#[tokio::test]
async fn what_is_wrong_with_joining_is_said_and_leaves_the_invite() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let (token, _) = invite(&app, scene.org, "").await;
    let path = format!("/join/{token}");
    let before = app.state(scene.org).await;
    let taken = email(&scene.viewer);
    for (status, address, password) in [
        (409, taken, PASSWORD),
        (409, &taken.to_uppercase(), PASSWORD),
        (422, "bob@example.org", "123456789"),
        (422, "bob@example.org", &"x".repeat(513)),
        (422, "bob@example.org", ""),
        (422, "nobody", PASSWORD),
    ] {
        let answer = join(&app, &path, address, password).await;
        assert_eq!(answer.code(), status, "{address} {password}");
        assert!(!answer.headers.contains_key("set-cookie") && !answer.body.contains("value=\"1234"), "{address}");
        assert_eq!(document::findings(&answer.body), [""; 0]);
    }
    let odd = form(&[("email", "bob@example.org"), ("password", PASSWORD), ("time_zone", "Mars/Olympus")]);
    assert_eq!(app.nobody().post(&path, &odd).await.code(), 422);
    assert_eq!(app.state(scene.org).await, before);
    assert_eq!(join(&app, &path, "bob@example.org", PASSWORD).await.code(), 303);
}

#[tokio::test]
async fn whoever_has_an_invite_cannot_try_out_who_else_is_here() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let (token, _) = invite(&app, scene.org, "").await;
    let path = format!("/join/{token}");
    for _ in 0..4 {
        assert_eq!(join(&app, &path, email(&scene.viewer), PASSWORD).await.code(), 409);
    }
    let told = join(&app, &path, "bob@example.org", PASSWORD).await;
    assert_eq!((told.code(), told.header("retry-after")), (429, "1"));
    app.pass(SECOND_MS);
    assert_eq!(join(&app, &path, "bob@example.org", PASSWORD).await.code(), 303);
}

#[tokio::test]
async fn an_owner_of_one_organization_does_not_look_after_the_station() {
    let app = App::new();
    let org = app.organization().await;
    for (is_operator, status) in [(false, 403), (true, 200)] {
        let path = portal::owner_link(&*app.store, Some(org), is_operator, app.now()).await.unwrap();
        let joined = join(&app, &path, &format!("{is_operator}@example.org"), PASSWORD).await;
        let cookie = joined.header("set-cookie").split(';').next().unwrap().to_owned();
        let system = app.nobody().send("GET", "/system", &[("cookie", &cookie)], "").await;
        assert_eq!(system.code(), status, "{}", system.body);
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_are_told_alike() {
    let app = App::new();
    let org = app.organization().await;
    let viewer = app.member(org, Role::Viewer, false).await;
    let right = sign_in(&app.nobody(), email(&viewer), PASSWORD).await;
    assert_eq!((right.code(), right.header("location")), (303, "/"));
    assert!(is_in(&app.nobody().with_session(&right.token())).await);
    assert!(sign_in(&app.nobody(), &format!(" {} ", email(&viewer).to_uppercase()), PASSWORD).await.code() == 303);

    let wrong = sign_in(&app.nobody(), email(&viewer), "wrong password").await;
    let unknown = sign_in(&app.nobody(), "unknown@example.org", "wrong password").await;
    let nonsense = sign_in(&app.nobody(), "unknown", "wrong password").await;
    for answer in [&wrong, &unknown, &nonsense] {
        assert_eq!(answer.code(), 401);
        assert!(!answer.headers.contains_key("set-cookie") && !answer.body.contains("wrong password"));
    }
    let nameless = |answer: &Answer, name: &str| answer.body.replace(name, "");
    assert_eq!(nameless(&wrong, email(&viewer)), nameless(&unknown, "unknown@example.org"));
    assert_eq!(wrong.headers, unknown.headers);
    assert_eq!(nameless(&nonsense, "unknown"), nameless(&unknown, "unknown@example.org"));
}

#[tokio::test]
async fn each_wrong_password_makes_the_next_try_wait_twice_as_long() {
    let app = App::new();
    let org = app.organization().await;
    let viewer = app.member(org, Role::Viewer, false).await;
    let here = app.nobody().from(HERE);
    for _ in 0..4 {
        assert_eq!(sign_in(&here, email(&viewer), "wrong password").await.code(), 401);
    }
    for wait_s in [1, 2, 4] {
        let told = sign_in(&here, email(&viewer), PASSWORD).await;
        assert_eq!((told.code(), told.header("retry-after")), (429, wait_s.to_string().as_str()));
        assert!(!told.headers.contains_key("set-cookie"));
        app.pass(wait_s * SECOND_MS - 1);
        assert_eq!(sign_in(&here, email(&viewer), PASSWORD).await.header("retry-after"), "1");
        app.pass(1);
        assert_eq!(sign_in(&here, email(&viewer), "wrong password").await.code(), 401);
    }
    let there = app.nobody().from(THERE);
    assert_eq!(sign_in(&there, email(&viewer), PASSWORD).await.code(), 303, "nobody is locked out from elsewhere");
    assert_eq!(sign_in(&here, email(&viewer), PASSWORD).await.code(), 429, "which does not help whoever guesses");
    app.pass(8 * SECOND_MS);
    assert_eq!(sign_in(&here, email(&viewer), PASSWORD).await.code(), 303);
    assert_eq!(sign_in(&here, email(&viewer), "wrong password").await.code(), 401);
    assert_eq!(sign_in(&here, email(&viewer), PASSWORD).await.code(), 303, "what was right forgets what was wrong");
}

#[tokio::test]
async fn another_way_to_write_an_address_is_no_other_account() {
    let app = App::new();
    let org = app.organization().await;
    let viewer = app.member(org, Role::Viewer, false).await;
    for spaces in ["", " ", "  ", "\t"] {
        let written = format!("{spaces}{}", email(&viewer).to_uppercase());
        assert_eq!(sign_in(&app.nobody(), &written, "wrong password").await.code(), 401);
    }
    assert_eq!(sign_in(&app.nobody(), &format!("{} \n", email(&viewer)), PASSWORD).await.code(), 429);
}

#[tokio::test]
async fn many_guesses_at_once_are_no_more_than_one_after_the_other() {
    let app = App::new();
    let org = app.organization().await;
    let viewer = app.member(org, Role::Viewer, false).await;
    let nobody = app.nobody();
    let guesses = (0..12).map(|_| sign_in(&nobody, email(&viewer), "wrong password"));
    let answers = join_all(guesses).await;
    let tried = answers.iter().filter(|answer| answer.code() == 401).count();
    let told = answers.iter().filter(|answer| matches!(answer.code(), 429 | 503)).count();
    assert_eq!((tried, told), (4, 8));
}

#[tokio::test]
async fn signing_in_often_is_no_guessing() {
    let app = App::new();
    let org = app.organization().await;
    let viewer = app.member(org, Role::Viewer, false).await;
    for _ in 0..25 {
        assert_eq!(sign_in(&app.nobody(), email(&viewer), PASSWORD).await.code(), 303);
    }
}

#[tokio::test]
async fn guessing_a_password_while_signed_in_waits_as_well() {
    let app = App::new();
    let org = app.organization().await;
    let viewer = app.member(org, Role::Viewer, false).await;
    let guess = form(&[("old", "wrong password"), ("new", "another password")]);
    for _ in 0..4 {
        assert_eq!(viewer.post("/account/password", &guess).await.code(), 422);
    }
    let told = viewer.post("/account/password", &form(&[("old", PASSWORD), ("new", "another password")])).await;
    assert_eq!((told.code(), told.header("retry-after")), (429, "1"));
    assert_eq!(sign_in(&app.nobody(), email(&viewer), PASSWORD).await.code(), 429);
    assert_eq!(sign_in(&app.nobody().from(THERE), email(&viewer), PASSWORD).await.code(), 303);
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let app = App::new();
    let org = app.organization().await;
    let viewer = app.member(org, Role::Viewer, false).await;
    let answer = viewer.post("/sign-out", "").await;
    assert_eq!((answer.code(), answer.header("location")), (303, "/sign-in"));
    assert!(answer.header("set-cookie").starts_with("session=; Path=/; Max-Age=0"), "{answer:?}");
    assert!(!is_in(&viewer).await);
    assert_eq!(viewer.get("/api/devices").await.code(), 401);
    assert_eq!(app.store.list_sessions(org).await.unwrap().len(), 1, "the other browser stays");
    assert_eq!(viewer.post("/sign-out", "").await.code(), 303, "twice is as good as once");
}

#[tokio::test]
async fn another_password_ends_every_other_session_and_keeps_this_one() {
    let app = App::new();
    let org = app.organization().await;
    let viewer = app.member(org, Role::Viewer, false).await;
    let other = sign_in(&app.nobody(), email(&viewer), PASSWORD).await.token();
    let other = app.nobody().with_session(&other);
    assert!(is_in(&other).await);
    let weak = viewer.post("/account/password", &form(&[("old", PASSWORD), ("new", "short")])).await;
    assert_eq!((weak.code(), is_in(&other).await), (422, true));

    let answer = viewer.post("/account/password", &form(&[("old", PASSWORD), ("new", "another password")])).await;
    assert_eq!((answer.code(), answer.header("location")), (303, "/account?done=password"));
    assert!(is_in(&viewer).await && !is_in(&other).await);
    assert_eq!(app.store.list_sessions(org).await.unwrap().len(), 1);
    assert_eq!(sign_in(&app.nobody(), email(&viewer), PASSWORD).await.code(), 401);
    assert_eq!(sign_in(&app.nobody(), email(&viewer), "another password").await.code(), 303);
}

#[tokio::test]
async fn whoever_is_removed_or_given_another_role_is_so_at_once() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    let (owner, manager, viewer) = (&scene.owner, &scene.manager, &scene.viewer);
    assert_eq!(manager.get("/devices/new").await.code(), 200);
    let id = manager.person.as_ref().unwrap().id;
    assert_eq!(owner.post(&format!("/people/{id}/role"), "role=viewer").await.code(), 303);
    assert_eq!(manager.get("/devices/new").await.code(), 403);
    let id = viewer.person.as_ref().unwrap().id;
    assert_eq!(viewer.get("/api/devices").await.code(), 200);
    assert_eq!(owner.send("DELETE", &format!("/api/people/{id}"), &[], "").await.code(), 204);
    assert!(!is_in(viewer).await);
    viewer.get("/api/devices").await.problem(401, "unauthorized");
    assert_eq!(sign_in(&app.nobody(), email(viewer), PASSWORD).await.code(), 401);
}

#[tokio::test]
async fn a_session_that_nobody_used_for_thirty_days_is_over() {
    let app = App::new();
    let org = app.organization().await;
    let viewer = app.member(org, Role::Viewer, false).await;
    app.pass(30 * DAY_MS);
    assert!(is_in(&viewer).await, "which was its last day");
    app.pass(30 * DAY_MS);
    assert!(is_in(&viewer).await, "using it keeps it");
    app.pass(30 * DAY_MS + 1);
    assert!(!is_in(&viewer).await);
    assert_eq!(viewer.get("/api/devices").await.code(), 401);
    portal::expire(&app.portal).await.unwrap();
    assert!(app.store.list_sessions(org).await.unwrap().is_empty());
}

async fn cookie(app: &App) -> String {
    let org = app.organization().await;
    let viewer = app.member(org, Role::Viewer, false).await;
    sign_in(&app.nobody(), email(&viewer), PASSWORD).await.header("set-cookie").to_owned()
}

#[tokio::test]
async fn the_cookie_is_kept_from_scripts_and_other_sites_and_under_tls_from_other_hosts() {
    let app = App::new();
    let plain = cookie(&app).await;
    let attributes: Vec<_> = plain.split("; ").collect();
    assert!(plain.starts_with("session="), "{plain}");
    assert_eq!(attributes[1..], ["Path=/", "Max-Age=2592000", "SameSite=Lax", "HttpOnly"], "{plain}");

    let app = App::with(Settings { public_url: Some("https://station.example.org".to_owned()), ..Settings::default() });
    let secure = cookie(&app).await;
    assert!(secure.starts_with("__Host-session="), "{secure}");
    let attributes: Vec<_> = secure.split("; ").collect();
    assert_eq!(attributes[1..], ["Path=/", "Max-Age=2592000", "SameSite=Lax", "HttpOnly", "Secure"], "{secure}");
    let token = secure.split(['=', ';']).nth(1).unwrap();
    assert!(is_in(&app.nobody().with_session(token)).await);
    let plain = app.nobody().send("GET", "/account", &[("cookie", &format!("session={token}"))], "").await;
    assert_eq!(plain.code(), 303, "a cookie that another host may have set is none");
}

#[tokio::test]
async fn what_is_kept_of_a_session_is_no_session() {
    let app = App::new();
    let scene = Scene::set(&app).await;
    for session in app.store.list_sessions(scene.org).await.unwrap() {
        for text in [handle(session.token), handle(session.token).to_lowercase()] {
            assert!(!is_in(&app.nobody().with_session(&text)).await);
        }
    }
    let handle = handle(Secret::of(scene.invite_token.clone()).hash);
    assert_eq!(app.nobody().get(&format!("/join/{handle}")).await.code(), 404);
}

#[tokio::test]
async fn after_signing_in_one_goes_to_paths_of_our_own_alone() {
    let app = App::new();
    let org = app.organization().await;
    let viewer = app.member(org, Role::Viewer, false).await;
    let next = async |next: &str| {
        let fields = form(&[("email", email(&viewer)), ("password", PASSWORD), ("next", next)]);
        let signed_in = app.nobody().post("/sign-in", &fields).await;
        let preferred = app.nobody().post("/preferences", &form(&[("language", "zh"), ("next", next)])).await;
        assert_eq!((signed_in.code(), preferred.code()), (303, 303), "{next:?}");
        assert_eq!(signed_in.header("location"), preferred.header("location"), "{next:?}");
        signed_in.header("location").to_owned()
    };
    assert_eq!(next("/devices?search=a").await, "/devices?search=a");
    for odd in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        // Browsers leave tabs and line ends out of addresses.
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r\n/evil.example",
        "\t//evil.example",
        " //evil.example",
        "/\u{1}",
        "/\u{7f}",
        "/\0",
        "javascript:alert(1)",
        "data:text/html,x",
        "evil.example",
        "@evil.example",
        "",
    ] {
        assert_eq!(next(odd).await, "/", "{odd:?}");
    }
}

#[tokio::test]
async fn whoever_follows_a_link_comes_to_it_after_signing_in() {
    let app = App::new();
    let to = app.nobody().get("/devices/2CF7F12004100005/table?before=1").await;
    assert_eq!(to.header("location"), "/sign-in?next=%2Fdevices%2F2CF7F12004100005%2Ftable");
    let page = app.nobody().get(to.header("location")).await;
    assert!(page.body.contains(r#"name="next" value="/devices/2CF7F12004100005/table""#), "{}", page.body);
}

#[tokio::test]
async fn somebody_must_stay_an_owner() {
    let app = App::new();
    let org = app.organization().await;
    let (owner, viewer) = (app.member(org, Role::Owner, true).await, app.member(org, Role::Viewer, false).await);
    let (own, theirs) = (owner.person.as_ref().unwrap().id, viewer.person.as_ref().unwrap().id);
    let before = app.state(org).await;
    let path = format!("/api/people/{own}");
    owner.send("PATCH", &path, &[], r#"{"role":"manager"}"#).await.problem(409, "conflict");
    owner.send("DELETE", &path, &[], "").await.problem(409, "conflict");
    assert_eq!(owner.post(&format!("/people/{own}/role"), "role=viewer").await.code(), 409);
    assert_eq!(owner.post(&format!("/people/{own}/remove"), "").await.code(), 409);
    assert_eq!(app.state(org).await, before);
    owner.send("PATCH", &path, &[], r#"{"role":"owner"}"#).await;
    owner.send("PATCH", &format!("/api/people/{theirs}"), &[], r#"{"role":"owner"}"#).await;
    assert_eq!(owner.send("DELETE", &path, &[], "").await.code(), 204, "there is another one now");
    assert!(!is_in(&owner).await);
}
