//! What arguments have to be, said in sentences.

use codec::Codec;
use model::{GroupId, OrgId, Scopes, SourceId, Timestamp};
use store::Registry;

use crate::{authority::Host, config::nearest};

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

/// A browser origin, as browsers write it: in lower case, without a port that goes without saying.
pub(super) fn origin(text: &str) -> Result<String, String> {
    portal::origin(text)
        .ok_or_else(|| format!("`{text}` is no origin: give scheme and host, such as `https://dashboard.example.org`"))
}

/// A host's name, or its address.
pub(super) fn host(text: &str) -> Result<Host, String> {
    text.parse().map_err(|()| format!("`{text}` is neither a name such as `station.lan` nor an address"))
}

/// A time, or the beginning of a day in UTC.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    let instant = text.parse::<jiff::Timestamp>().ok();
    let day = || jiff::tz::TimeZone::UTC.to_timestamp(text.parse::<jiff::civil::Date>().ok()?.into()).ok();
    let instant = instant.or_else(day);
    instant
        .map(|at| Timestamp::from_millis(at.as_millisecond()))
        .ok_or_else(|| format!("`{text}` is no time such as `2026-07-01T12:00:00Z`, nor a day such as `2026-07-01`"))
}

/// The id of a group.
pub(super) fn group(text: &str) -> Result<GroupId, String> {
    let id = text.parse().ok().filter(|_| is_id(text));
    id.ok_or_else(|| {
        "a group is named by 16 hex digits, its `group_uuid`; `list_groups` of the API shows it".to_owned()
    })
}

/// The id of a source.
pub(super) fn source_id(text: &str) -> Result<SourceId, String> {
    let id = text.parse().ok().filter(|_| is_id(text));
    id.ok_or_else(|| "a source is named by 16 hex digits; `senstation source list` shows them".to_owned())
}

fn is_id(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A model that there is a codec for, or that the organization has one for.
pub(super) async fn find_model(registry: &dyn Registry, org: OrgId, text: &str) -> anyhow::Result<String> {
    if let Some(codec) = registry.find_user_codec(org, text).await? {
        return Ok(codec.model.clone());
    }
    match model(text) {
        Ok(codec) => Ok(codec.model().to_owned()),
        Err(trouble) => super::wrong_usage(&format!("`{text}`: {trouble}")),
    }
}

/// A model that there is a built-in codec for.
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
    fn an_origin_is_written_as_browsers_do() {
        for (given, expected) in [
            ("https://dashboard.example.org", "https://dashboard.example.org"),
            ("HTTPS://Dashboard.Example.ORG/", "https://dashboard.example.org"),
            ("https://a.example:443", "https://a.example"),
            ("http://a.example:80/", "http://a.example"),
            ("http://a.example:443", "http://a.example:443"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://192.168.1.7:8080", "http://192.168.1.7:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("https://xn--hof-sd-5ya.example", "https://xn--hof-sd-5ya.example"),
        ] {
            assert_eq!(origin(given).as_deref(), Ok(expected), "{given}");
        }
        for wrong in [
            "",
            "*",
            "null",
            "a.example",
            "a.example:443",
            "//a.example",
            "https://",
            "https:///",
            "https://*.example.org",
            "https://a.example//",
            "https://a.example/page",
            "https://a.example?q",
            "https://a.example/#x",
            "https://a.example:",
            "https://a.example:0",
            "https://a.example:99999",
            "https://me@a.example",
            "https://höfe.example",
            "https://a b.example",
            "https://[::g]",
            "ftp://a.example",
            "file:///page.html",
        ] {
            assert!(origin(wrong).unwrap_err().contains("is no origin"), "{wrong}");
        }
    }

    #[test]
    fn a_time_may_be_a_day() {
        assert_eq!(time("2026-07-10").map(|at| at.to_string()), Ok("2026-07-10T00:00:00.000Z".to_owned()));
        assert_eq!(time("2026-07-10T02:00:00+02:00"), time("2026-07-10"));
        for wrong in ["", "yesterday", "2026-13-01", "10.7.2026"] {
            assert!(time(wrong).unwrap_err().contains("is no time"), "{wrong}");
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address() {
        for right in ["station.lan", "Station.LAN", "station", "192.168.1.10", "fd00::1", "xn--hof-sd-5ya.example"] {
            assert_eq!(host(right).map(|host| host.to_string()), Ok(right.to_ascii_lowercase()));
        }
        let long = "a".repeat(64);
        for wrong in ["", ".", "a..b", "a.", ".a", "-a", "a-", "a b", "*.lan", "a:1", "https://a", "höfe.lan", &long] {
            assert!(host(wrong).unwrap_err().contains("neither a name"), "{wrong}");
        }
    }

    #[test]
    fn ids_are_refused_in_sentences() {
        assert!(org("521853156991105").is_ok());
        assert!(org("Farm").unwrap_err().contains("`senstation org list`"));
        assert!(source_id("0123456789abcdef").is_ok());
        for wrong in ["", "xyz", "+123456789abcdef", "0123456789abcdef0", "1"] {
            assert!(source_id(wrong).unwrap_err().contains("16 hex digits"), "{wrong}");
            assert!(group(wrong).unwrap_err().contains("16 hex digits"), "{wrong}");
        }
    }
}
