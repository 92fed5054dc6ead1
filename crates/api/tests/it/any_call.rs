//! Whatever is asked is answered: the fuzzer's corpus, replayed, and calls that nobody would make.

use std::path::Path;

use axum::{body::Body, http::Request};
use proptest::{prelude::*, test_runner::TestRunner};

use crate::{
    app::{Answer, App, Caller, EUI},
    codes::may_answer,
};

/// A call of the corpus: method, path and query on the first line, the body's label on the second.
async fn replay(member: &Caller<'_>, bytes: &[u8]) -> Option<Answer> {
    let mut parts = bytes.splitn(3, |byte| *byte == b'\n');
    let (line, label, body) = (parts.next()?, parts.next()?, parts.next()?);
    let (method, target) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let mut request = Request::builder().method(method).uri(target);
    if !label.is_empty() {
        request = request.header("content-type", label);
    }
    Some(member.send_request(request.body(Body::from(body.to_vec())).ok()?).await)
}

#[track_caller]
fn check(answer: &Answer, asked: &str) {
    assert!([200, 400, 404, 405, 413, 415].contains(&answer.status.as_u16()), "{asked}: {}", answer.status);
    let code = answer.code();
    assert!(code.bytes().all(|byte| byte.is_ascii_digit()), "{asked}: {}", answer.body);
    assert_eq!(answer.json().get("data").is_some(), code == "0", "{asked}: {}", answer.body);
}

#[tokio::test]
async fn nothing_in_the_corpus_breaks_a_call() {
    let app = App::new();
    let member = app.member().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/api");
    let mut answered = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if let Some(answer) = replay(&member, &std::fs::read(&path).unwrap()).await {
            check(&answer, &path.display().to_string());
            answered += 1;
        }
    }
    assert!(answered > 5, "only {answered} calls of the corpus were made");
}

/// Texts that parameters may have, good ones among them.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(EUI.to_owned()),
        Just(String::new()),
        "[0-9]{1,16}",
        "-?[0-9]{1,4}\\.[0-9]",
        "[0-9a-fA-F]{16}",
        ".{0,12}",
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
    ]
}

const NAMES: [&str; 22] = [
    "device_eui",
    "device_euis",
    "eui",
    "code",
    "name",
    "group_uuid",
    "group_uuids",
    "devices",
    "channel_index",
    "measurement_id",
    "limit",
    "interval",
    "time_start",
    "time_end",
    "offset",
    "length",
    "dev_name",
    "position[lon]",
    "position[lat]",
    "dev_country",
    "report_cycle",
    "description",
];

#[test]
fn no_call_is_too_strange_to_be_answered() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let app = App::new();
    let member = runtime.block_on(app.member());
    runtime.block_on(member.bind(EUI, "S2101"));
    let paths: Vec<&'static str> = api::paths().collect();
    let call = (
        prop::sample::select(paths),
        prop::sample::select(vec!["GET", "POST", "PUT", "PATCH", "DELETE"]),
        prop::collection::vec((prop::sample::select(NAMES.to_vec()), text()), 0..6),
        prop::sample::select(vec!["query", "form", "json"]),
        "[0-9A-Za-z%]{1,16}",
    );
    let outcome = TestRunner::default().run(&call, |(path, method, given, place, named)| {
        let route = path;
        let path = path.replace("{eui}", EUI).replace("{unique_name}", &named.replace('%', "%25"));
        let pairs = form_urlencoded::Serializer::new(String::new()).extend_pairs(&given).finish();
        let (target, label, body) = match place {
            "query" => (format!("{path}?{pairs}"), None, String::new()),
            "form" => (path, Some("application/x-www-form-urlencoded"), pairs),
            _ => {
                let object: serde_json::Map<String, serde_json::Value> =
                    given.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
                (path, Some("application/json"), serde_json::Value::Object(object).to_string())
            }
        };
        let answer = runtime.block_on(member.send(method, &target, label, &body));
        check(&answer, &format!("{method} {target} {body}"));
        prop_assert!(may_answer(route, &answer.code()), "{method} {target} {body}: {}", answer.body);
        Ok(())
    });
    outcome.unwrap();
}
