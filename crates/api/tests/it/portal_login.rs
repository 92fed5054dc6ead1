use api::{PortalLogin, Settings};
use axum::{body::Body, http::Request};
use md5::Md5;
use model::{
    AccessId, AccessKey, Email, KeyLimits, PasswordHash, Person, PersonId, Role, Scopes, SecretHash, Timestamp,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use store::Registry;

use crate::app::{Answer, App, Caller, DAY_MS, MINUTE_MS, NOW_MS, READ, STATION_KEY};

const LOGIN: &str = "/portalapi/user/login";
const ACCESS: &str = "/portalapi/organization/access/getFixedAccess";
const PASSWORD: &str = "5d41402abc4b2a76b9719d911017c592aabbccdd";

fn open() -> App {
    App::with(Settings { portal_login: Some(PortalLogin::default()), ..Settings::default() })
}

/// What an app sends of a password.
fn md5(password: &str) -> String {
    let digest: [u8; 16] = Md5::digest(password).into();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A key that an app may sign in for with [`PASSWORD`].
async fn app_key(app: &App, member: &Caller<'_>, number: u8, limits: KeyLimits) -> AccessId {
    let id = AccessId::from_random([number; 16]);
    let secret = SecretHash(Sha256::digest(STATION_KEY.app_access_key(member.org, id)).into());
    let key = AccessKey::new(id, member.org, secret, "Home Assistant".to_owned(), READ, Timestamp::EPOCH);
    let app_password = Some(SecretHash(Sha256::digest(md5(PASSWORD)).into()));
    app.store.create_access_key(AccessKey { app_password, limits, ..key }).await.unwrap();
    id
}

async fn sign_in(caller: &Caller<'_>, account: &str, password: &str) -> Answer {
    let path = format!("{LOGIN}?account={account}&password={}&origin=1", md5(password));
    caller.send("POST", &path, None, "").await
}

async fn fetch(caller: &Caller<'_>, token: &str) -> Answer {
    let request = Request::get(ACCESS).header("authorization", token);
    caller.send_request(request.body(Body::empty()).unwrap()).await
}

#[track_caller]
fn check(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{}", answer.body);
    assert!(answer.json().get("data").is_none() && !answer.headers.contains_key("www-authenticate"));
}

#[tokio::test]
async fn an_app_signs_in_and_is_given_a_key_that_is_like_any_other() {
    let app = open();
    let member = app.member().await;
    let id = app_key(&app, &member, 1, KeyLimits::default()).await;
    let home = app.stranger().at("127.0.0.1");
    let signed_in = sign_in(&home, &id.to_string().to_lowercase(), PASSWORD).await.data();
    assert_eq!(signed_in["org_id"], member.org.to_string());
    let token = signed_in["token"].as_str().unwrap();
    let access = fetch(&home, token).await.data();
    let key = STATION_KEY.app_access_key(member.org, id);
    assert_eq!(access, json!({"access_id": id.to_string(), "access_key": key}));
    assert_eq!(key.len(), 64);

    let program = app.stranger().with_credentials(Some(id), &format!("{id}:{key}")).of(member.org);
    assert_eq!(program.get("/openapi/view_organization").await.data()["org_id"], member.org.to_string());
    let written = program.post_json("/openapi/create_group", r#"{"name":"North"}"#).await;
    assert_eq!(written.code(), "11201", "it reads unless told otherwise");
    let listed = app.store.list_access_keys(member.org).await.unwrap();
    assert!(listed.iter().any(|key| key.id == id && key.name == "Home Assistant"));

    program.revoke().await;
    assert_eq!(program.get("/openapi/view_organization").await.code(), "11105");
    check(&fetch(&home, token).await, 200, "11105");
    check(&sign_in(&home, &id.to_string(), PASSWORD).await, 200, "11105");
}

#[tokio::test]
async fn parameters_may_come_as_a_form_and_the_token_by_post() {
    let app = open();
    let member = app.member().await;
    let id = app_key(&app, &member, 1, KeyLimits::default()).await;
    let home = app.stranger().at("::1");
    let form = format!("account={id}&password={}", md5(PASSWORD).to_uppercase());
    let signed_in = home.send("POST", LOGIN, Some("application/x-www-form-urlencoded"), &form).await.data();
    let request = Request::post(ACCESS).header("authorization", signed_in["token"].as_str().unwrap());
    let access = home.send_request(request.body(Body::empty()).unwrap()).await.data();
    assert_eq!(access["access_id"], id.to_string());
}

#[tokio::test]
async fn nobody_gets_in_with_anything_else() {
    const OWNERS: &str = "an owner's long password";
    let app = open();
    let member = app.member().await;
    let id = app_key(&app, &member, 1, KeyLimits::default()).await;
    let owner = Person {
        id: PersonId::from_raw(1),
        org: member.org,
        email: "ada@example.org".parse::<Email>().unwrap(),
        name: "Ada".to_owned(),
        role: Role::Owner,
        is_operator: true,
        password: PasswordHash(OWNERS.to_owned()),
        time_zone: String::new(),
        created_at: Timestamp::EPOCH,
    };
    app.store.create_person(owner).await.unwrap();
    let plain = member.id.unwrap();
    let mut bodies = Vec::new();
    let id = id.to_string();
    for (number, (account, password)) in [
        ("ada@example.org", OWNERS),
        (id.as_str(), OWNERS),
        (&id, "wrong"),
        ("ZZZZZZZZZZZZZZZZ", PASSWORD),
        ("nobody", PASSWORD),
        // A key that was not made for it, by its own secret or by another's password.
        (&plain.to_string(), &format!("{:064X}", 1)),
        (&plain.to_string(), PASSWORD),
    ]
    .into_iter()
    .enumerate()
    {
        let elsewhere = app.stranger().at(&format!("127.0.1.{number}"));
        let answer = sign_in(&elsewhere, account, password).await;
        check(&answer, 200, "11104");
        bodies.push(answer.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "the answers tell accounts apart: {bodies:?}");
    let home = app.stranger().at("127.0.0.1");
    let unhashed = home.send("POST", &format!("{LOGIN}?account={id}&password={PASSWORD}"), None, "").await;
    check(&unhashed, 200, "11104");
    for query in ["", "?account=x", "?password=x", "?account=&password=x"] {
        check(&home.send("POST", &format!("{LOGIN}{query}"), None, "").await, 200, "11202");
    }
    check(&home.get(&format!("{LOGIN}?account={id}&password={}", md5(PASSWORD))).await, 405, "10000");
}

#[tokio::test]
async fn a_token_is_good_for_ten_minutes_and_for_its_key_alone() {
    let app = open();
    let member = app.member().await;
    let id = app_key(&app, &member, 1, KeyLimits::default()).await;
    let home = app.stranger().at("127.0.0.1");
    let token = sign_in(&home, &id.to_string(), PASSWORD).await.data()["token"].as_str().unwrap().to_owned();
    for wrong in ["", "x", "Bearer x", &format!("Bearer {token}"), &token[1..], &token[..token.len() - 1]] {
        check(&fetch(&home, wrong).await, 200, "11104");
    }
    let other = token.replace(&id.to_string(), &member.id.unwrap().to_string());
    check(&fetch(&home, &other).await, 200, "11104");
    check(&home.get(ACCESS).await, 200, "11104");
    app.pass(10 * MINUTE_MS - 1);
    assert_eq!(fetch(&home, &token).await.code(), "0");
    app.pass(1);
    check(&fetch(&home, &token).await, 200, "11104");
}

#[tokio::test]
async fn a_key_that_expires_takes_its_password_with_it() {
    let app = open();
    let member = app.member().await;
    let expires_at = Some(Timestamp::from_millis(NOW_MS + DAY_MS));
    let id = app_key(&app, &member, 1, KeyLimits { expires_at, ..KeyLimits::default() }).await.to_string();
    let home = app.stranger().at("127.0.0.1");
    app.pass(DAY_MS - 1);
    let token = sign_in(&home, &id, PASSWORD).await.data()["token"].as_str().unwrap().to_owned();
    app.pass(1);
    check(&fetch(&home, &token).await, 200, "11105");
    check(&sign_in(&home, &id, PASSWORD).await, 200, "11105");
}

#[tokio::test]
async fn a_key_of_another_station_is_not_given_out() {
    let app = open();
    let member = app.member().await;
    let id = AccessId::from_random([3; 16]);
    let secret = SecretHash(Sha256::digest("made with another station's key").into());
    let key = AccessKey::new(id, member.org, secret, String::new(), Scopes::READ_WRITE, Timestamp::EPOCH);
    let app_password = Some(SecretHash(Sha256::digest(md5(PASSWORD)).into()));
    app.store.create_access_key(AccessKey { app_password, ..key }).await.unwrap();
    let home = app.stranger().at("127.0.0.1");
    let token = sign_in(&home, &id.to_string(), PASSWORD).await.data()["token"].as_str().unwrap().to_owned();
    check(&fetch(&home, &token).await, 200, "11105");
}

#[tokio::test]
async fn wrong_passwords_wait_twice_as_long_each_time_and_only_at_their_address() {
    let app = open();
    let member = app.member().await;
    let id = app_key(&app, &member, 1, KeyLimits::default()).await.to_string();
    let (here, there) = (app.stranger().at("127.0.0.1"), app.stranger().at("127.0.0.2"));
    for _ in 0..3 {
        check(&sign_in(&here, &id, "wrong").await, 200, "11104");
    }
    for wait_s in [1, 2, 4, 8] {
        for password in ["wrong", PASSWORD] {
            let refused = sign_in(&here, &id, password).await;
            check(&refused, 429, "429");
            assert_eq!(refused.header("retry-after"), wait_s.to_string());
        }
        app.pass(wait_s * 1_000);
        check(&sign_in(&here, &id, "wrong").await, 200, "11104");
    }
    assert_eq!(sign_in(&there, &id, PASSWORD).await.code(), "0");
    app.pass(16_000);
    assert_eq!(sign_in(&here, &id, PASSWORD).await.code(), "0");
    check(&sign_in(&here, &id, "wrong").await, 200, "11104");
    assert_eq!(sign_in(&here, &id, PASSWORD).await.code(), "0", "the right one has ended the wait");
}

/// An answer without what differs by the moment.
fn still(answer: &Answer) -> (u16, String, Vec<String>) {
    let headers = answer.headers.iter().filter(|(name, _)| *name != "api-gateway-excute-second");
    (answer.status.as_u16(), answer.body.clone(), headers.map(|header| format!("{header:?}")).collect())
}

#[tokio::test]
async fn from_elsewhere_or_switched_off_there_is_no_such_path() {
    let networks = vec!["192.168.1.0/24".parse().unwrap()];
    let near = App::with(Settings { portal_login: Some(PortalLogin { networks }), ..Settings::default() });
    for (app, address, is_open) in [
        (App::new(), Some("127.0.0.1"), false),
        (open(), Some("192.168.1.7"), false),
        (open(), None, false),
        (open(), Some("127.0.0.1"), true),
        (near, Some("192.168.1.7"), true),
    ] {
        let member = app.member().await;
        let id = app_key(&app, &member, 1, KeyLimits::default()).await;
        let caller = match address {
            Some(address) => app.stranger().at(address),
            None => app.stranger(),
        };
        let signed_in = sign_in(&caller, &id.to_string(), PASSWORD).await;
        let fetched = fetch(&caller, "x").await;
        if is_open {
            assert_eq!((signed_in.code().as_str(), fetched.code().as_str()), ("0", "11104"), "{address:?}");
            continue;
        }
        let unknown = caller.send("POST", "/portalapi/nothing", None, "").await;
        assert_eq!((unknown.status.as_u16(), unknown.code().as_str()), (404, "10000"));
        let got = caller.get(LOGIN).await;
        for answer in [signed_in, fetched, got] {
            assert_eq!(still(&answer), still(&unknown), "{address:?}");
        }
    }
}
