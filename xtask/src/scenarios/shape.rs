//! What an answer is to look like: JSON in which some texts stand for what varies.
//!
//! **Shape**: `"$text"`, `"$digits"`, `"$eui"`, `"$time"`, `"$number"`, `"$whole"`, `"$any"`; `["$each", X]` is a list of
//! any length whose items are like `X`, `["$some", X]` one that is not empty. An object has at least
//! the keys that stand here. Everything else is what it is.

use serde_json::Value;

/// Where an answer is not what was expected, if anywhere.
pub(super) fn differs(answer: &Value, expected: &Value) -> Option<String> {
    find(answer, expected, "")
}

fn find(answer: &Value, expected: &Value, at: &str) -> Option<String> {
    let unlike = || Some(format!("at `{at}/` there is {answer}, expected {expected}"));
    match (expected, answer) {
        (Value::String(name), _) if name.starts_with('$') => match stands_for(name, answer) {
            Some(true) => None,
            Some(false) => unlike(),
            None => Some(format!("the scenario says `{name}`, which stands for nothing")),
        },
        (Value::Array(wanted), Value::Array(items)) => match wanted.as_slice() {
            [Value::String(each), like] if each == "$each" || each == "$some" => {
                if each == "$some" && items.is_empty() {
                    return unlike();
                }
                items.iter().enumerate().find_map(|(number, item)| find(item, like, &format!("{at}/{number}")))
            }
            _ if wanted.len() != items.len() => unlike(),
            _ => {
                let mut pairs = items.iter().zip(wanted).enumerate();
                pairs.find_map(|(number, (item, like))| find(item, like, &format!("{at}/{number}")))
            }
        },
        (Value::Object(wanted), Value::Object(fields)) => wanted.iter().find_map(|(key, like)| match fields.get(key) {
            Some(value) => find(value, like, &format!("{at}/{key}")),
            None => Some(format!("at `{at}/` there is no `{key}`")),
        }),
        (Value::Number(wanted), Value::Number(number)) if wanted.as_f64() == number.as_f64() => None,
        _ if answer == expected => None,
        _ => unlike(),
    }
}

/// Whether a value is of a kind; `None` if there is no such kind.
fn stands_for(name: &str, value: &Value) -> Option<bool> {
    let text = value.as_str();
    let all = |length: Option<usize>, is: fn(&u8) -> bool| {
        text.is_some_and(|text| {
            !text.is_empty() && length.is_none_or(|length| length == text.len()) && text.as_bytes().iter().all(is)
        })
    };
    Some(match name {
        "$any" => true,
        "$text" => text.is_some(),
        "$digits" => all(None, u8::is_ascii_digit),
        "$eui" => all(Some(16), |byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(byte)),
        "$time" => text.is_some_and(is_time),
        "$number" => value.is_number(),
        "$whole" => value.is_i64() || value.is_u64(),
        _ => return None,
    })
}

/// `2026-07-10T02:39:44.319Z`: UTC, with exactly three digits of a fraction.
fn is_time(text: &str) -> bool {
    let pattern = b"0000-00-00T00:00:00.000Z";
    let is_like = |(byte, like): (&u8, &u8)| if *like == b'0' { byte.is_ascii_digit() } else { byte == like };
    text.len() == pattern.len() && text.as_bytes().iter().zip(pattern).all(is_like)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(answer: Value, expected: Value, is_like: bool) {
        let found = differs(&answer, &expected);
        assert_eq!(found.is_none(), is_like, "{answer} and {expected}: {found:?}");
    }

    #[test]
    fn what_varies_is_named_and_the_rest_is_what_it_is() {
        check(json!({ "code": "0", "data": [1] }), json!({ "code": "0" }), true);
        check(json!({ "code": 0 }), json!({ "code": "0" }), false);
        check(json!({}), json!({ "code": "0" }), false);
        check(json!("2CF7F12004100005"), json!("$eui"), true);
        check(json!("2cf7f12004100005"), json!("$eui"), false);
        check(json!("2026-07-10T02:39:44.319Z"), json!("$time"), true);
        check(json!("2026-07-10T02:39:44Z"), json!("$time"), false);
        check(json!(1), json!("$whole"), true);
        check(json!(1.5), json!("$whole"), false);
        check(json!(""), json!("$digits"), false);
        check(json!([]), json!(["$each", "$eui"]), true);
        check(json!([]), json!(["$some", "$eui"]), false);
        check(json!(["a"]), json!(["$each", "$eui"]), false);
        check(json!([1, 2]), json!([1]), false);
        check(json!(1), json!("$nonsense"), false);
    }
}
