use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, header},
};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};

use super::Parameters;
use crate::error::Refusal;

/// Most bytes of a body; fifty EUIs need one thousand.
const BYTES_MAX: usize = 256 * 1_024;
/// How deep JSON may nest.
const DEPTH_MAX: usize = 64;

/// Reads a body to its end.
pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
    let encoding = named(headers, header::CONTENT_ENCODING);
    if !matches!(encoding, "" | "identity") || named(headers, header::CONTENT_TYPE).starts_with("multipart/") {
        return Err(Refusal::UnsupportedBody);
    }
    match Limited::new(body, BYTES_MAX).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::BodyTooLarge { bytes_max: BYTES_MAX }),
        Err(_) => Err(Refusal::UnreadableBody),
    }
}

fn named(headers: &HeaderMap, name: HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

impl Parameters {
    /// Adds what a body says. Clients label JSON as a form, so its first byte decides.
    pub(super) fn add_body(&mut self, headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
        let labelled = named(headers, header::CONTENT_TYPE).trim_start().to_ascii_lowercase();
        match body.trim_ascii_start().first() {
            None => Ok(()),
            Some(b'{' | b'[') => self.add_json(body),
            Some(_) if labelled.starts_with("application/json") => Err(malformed()),
            Some(_) => self.add_form(body),
        }
    }

    fn add_json(&mut self, body: &[u8]) -> Result<(), Refusal> {
        if depth(body) > DEPTH_MAX {
            return Err(malformed());
        }
        let object: Map<String, Value> = serde_json::from_slice(body).map_err(|_| malformed())?;
        for (name, value) in object {
            match value {
                Value::Array(items) => items.into_iter().try_for_each(|item| self.add_value(&name, item))?,
                Value::Object(members) => members
                    .into_iter()
                    .try_for_each(|(member, value)| self.add_value(&format!("{name}[{member}]"), value))?,
                value => self.add_value(&name, value)?,
            }
        }
        Ok(())
    }

    fn add_value(&mut self, name: &str, value: Value) -> Result<(), Refusal> {
        match value {
            Value::Null => Ok(()),
            Value::String(text) => self.add(name, text),
            // Nothing takes what is nested deeper; as text it is refused or passed over.
            other => self.add(name, other.to_string()),
        }
    }
}

fn malformed() -> Refusal {
    Refusal::Parameters("the body is no JSON object".into())
}

/// How deep the brackets outside of strings nest.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut quoted, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn given(content_type: &'static str, body: &[u8]) -> Option<Vec<(String, String)>> {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        let mut parameters = Parameters::default();
        parameters.add_body(&headers, body).ok()?;
        Some(parameters.given.iter().map(|given| (given.name.clone(), given.value.clone())).collect())
    }

    const JSON: &str = "application/json; charset=utf-8";
    const FORM: &str = "application/x-www-form-urlencoded";

    #[track_caller]
    fn check(content_type: &'static str, body: &str, expected: &[(&str, &str)]) {
        let expected = expected.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        assert_eq!(given(content_type, body.as_bytes()), Some(expected), "{body}");
    }

    #[test]
    fn json_is_read_under_any_label() {
        for label in [JSON, FORM, "text/plain", ""] {
            check(
                label,
                r#" {"device_euis":["A","B"],"n":1,"f":4097.0}"#,
                &[("device_euis", "A"), ("device_euis", "B"), ("f", "4097.0"), ("n", "1")],
            );
        }
    }

    #[test]
    fn null_is_absent_and_an_empty_text_is_not() {
        check(JSON, r#"{"a":null,"b":"","c":[null,""]}"#, &[("b", ""), ("c", "")]);
        check(JSON, "  ", &[]);
        check(FORM, "", &[]);
    }

    #[test]
    fn a_form_may_write_lists_in_three_ways() {
        let both = [("device_euis", "A"), ("device_euis", "B")];
        check(FORM, "device_euis=A&device_euis=B", &both);
        check(FORM, "device_euis[]=A&device_euis[]=B", &both);
        check(FORM, "device_euis%5B0%5D=A&device_euis%5B1%5D=B", &both);
        check(FORM, "name=a+b%20c%C3%A9&x", &[("name", "a b cé"), ("x", "")]);
    }

    #[test]
    fn members_of_an_object_have_its_name_before_theirs() {
        let place = [("position[lat]", "-33.9"), ("position[lon]", "151.2")];
        check(FORM, "position[lat]=-33.9&position%5Blon%5D=151.2", &place);
        check(JSON, r#"{"position":{"lat":-33.9,"lon":"151.2"}}"#, &place);
        check(JSON, r#"{"a":{"b":{"c":1},"d":null}}"#, &[("a[b]", r#"{"c":1}"#)]);
        check(FORM, "a[b]c=1&a[b][0]=2&[x]=3", &[("a[b]c", "1"), ("a[b][0]", "2"), ("[x]", "3")]);
    }

    #[test]
    fn what_is_no_json_object_is_refused() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(64), "]".repeat(64));
        for body in ["{", "[1]", "{\"a\":1}x", "{\"a\":1,}", "nonsense", &deep] {
            assert_eq!(given(JSON, body.as_bytes()), None, "{body}");
        }
        let less = format!("{{\"a\":{}{}}}", "[".repeat(63), "]".repeat(63));
        assert!(given(JSON, less.as_bytes()).is_some());
    }

    #[test]
    fn more_parameters_than_any_call_has_are_refused() {
        assert!(given(FORM, "a&".repeat(1_000).as_bytes()).is_some());
        assert_eq!(given(FORM, "a&".repeat(1_001).as_bytes()), None);
    }

    proptest! {
        #[test]
        fn no_body_is_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..300), json: bool) {
            given(if json { JSON } else { FORM }, &bytes);
        }

        #[test]
        fn a_form_and_json_say_the_same(pairs in prop::collection::btree_map("[a-z_]{1,8}", ".{0,12}", 0..6)) {
            let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            let json = serde_json::to_vec(&pairs).unwrap();
            // A form of nothing but an empty name and text cannot be told from no form.
            prop_assert_eq!(given(FORM, form.as_bytes()), given(JSON, &json));
        }

        #[test]
        fn depth_is_what_the_parser_meets(levels in 1_usize..60) {
            let json = format!("{}\"]]\\\"[\"{}", "[".repeat(levels), "]".repeat(levels));
            prop_assert_eq!(depth(json.as_bytes()), levels);
        }
    }
}
