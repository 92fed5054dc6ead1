//! What arguments have to be, said in sentences.

use codec::Codec;
use model::{OrgId, Scopes, SourceId};

use crate::config::nearest;

/// The longest name that people may give.
const NAME_CHARS_MAX: usize = 128;

/// A name, or nothing.
pub(super) fn name(text: &str) -> Result<String, String> {
    if text.contains(char::is_control) {
        return Err("a name must not have control characters such as line breaks".to_owned());
    }
    if text.chars().count() > NAME_CHARS_MAX {
        return Err(format!("a name has at most {NAME_CHARS_MAX} characters"));
    }
    Ok(text.to_owned())
}

/// A name that says something.
pub(super) fn name_required(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("a name must not be empty".to_owned()) } else { name(text) }
}

/// The number of an organization.
pub(super) fn org(text: &str) -> Result<OrgId, String> {
    text.parse().map_err(|_| "an organization is named by its number; `senstation org list` shows it".to_owned())
}

/// What an access key may do, which is at least something.
pub(super) fn scopes(text: &str) -> Result<Scopes, String> {
    let scopes: Scopes = text.parse()?;
    if scopes.read || scopes.write || scopes.manage {
        Ok(scopes)
    } else {
        Err("a key that may do nothing is of no use: give `read`, `write` or `read+write`".to_owned())
    }
}

/// The id of a source.
pub(super) fn source_id(text: &str) -> Result<SourceId, String> {
    let is_hex = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = text.parse().ok().filter(|_| is_hex);
    id.ok_or_else(|| "a source is named by 16 hex digits; `senstation source list` shows them".to_owned())
}

/// A model that there is a codec for.
pub(super) fn model(text: &str) -> Result<&'static Codec, String> {
    let models = || Codec::all().iter().map(Codec::model);
    Codec::find(text).ok_or_else(|| match nearest(text, models()) {
        Some(near) => format!("there is no such model; did you mean `{near}`?"),
        None => format!("there is no such model; there are {}", models().collect::<Vec<_>>().join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_line_of_bearable_length() {
        assert_eq!(name("").as_deref(), Ok(""));
        assert_eq!(name_required(" Hof Süd ").as_deref(), Ok(" Hof Süd "));
        assert!(name_required(&"é".repeat(128)).is_ok());
        for wrong in ["", " ", "a\nb", "\u{1b}[2J", "a\u{85}", &"é".repeat(129)] {
            assert!(name_required(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn scopes_are_named_and_at_least_one() {
        assert_eq!(scopes("read+write"), Ok(Scopes::READ_WRITE));
        assert_eq!(scopes("read"), Ok(Scopes { write: false, ..Scopes::READ_WRITE }));
        assert!(scopes("").unwrap_err().contains("of no use"));
        assert!(scopes("read,write").unwrap_err().contains("is no scope"));
    }

    #[test]
    fn ids_are_refused_in_sentences() {
        assert!(org("521853156991105").is_ok());
        assert!(org("Farm").unwrap_err().contains("`senstation org list`"));
        assert!(source_id("0123456789abcdef").is_ok());
        for wrong in ["", "xyz", "+123456789abcdef", "0123456789abcdef0", "1"] {
            assert!(source_id(wrong).unwrap_err().contains("16 hex digits"), "{wrong}");
        }
    }
}
