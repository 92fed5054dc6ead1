//! Cookies: who is signed in, and which language and colours somebody prefers.

use axum::http::{HeaderMap, HeaderValue, header};

/// The longest `Cookie` header that is looked at.
const BYTES_MAX: usize = 8 * 1024;

/// Under TLS a browser keeps a cookie of this prefix to this very host.
const fn session_name(is_secure: bool) -> &'static str {
    if is_secure { "__Host-session" } else { "session" }
}

/// The value of a cookie, if the request carries it.
pub(crate) fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get_all(header::COOKIE).iter().find_map(|header| parse(header.as_bytes(), name))
}

fn parse<'a>(header: &'a [u8], name: &str) -> Option<&'a str> {
    let text = std::str::from_utf8(header.get(..BYTES_MAX.min(header.len()))?).ok()?;
    text.split(';').find_map(|pair| {
        let (found, value) = pair.split_once('=')?;
        (found.trim() == name).then(|| value.trim())
    })
}

/// The token of the session that the request belongs to.
pub(crate) fn session(headers: &HeaderMap, is_secure: bool) -> Option<&str> {
    find(headers, session_name(is_secure))
}

/// Signs a browser in.
pub(crate) fn set_session(token: &str, is_secure: bool) -> HeaderValue {
    const DAYS_30: u32 = 30 * 24 * 3_600;
    set(session_name(is_secure), token, DAYS_30, is_secure, true)
}

/// Signs a browser out.
pub(crate) fn end_session(is_secure: bool) -> HeaderValue {
    set(session_name(is_secure), "", 0, is_secure, true)
}

/// Keeps a preference.
pub(crate) fn set_preference(name: &str, value: &str, is_secure: bool) -> HeaderValue {
    const YEAR: u32 = 365 * 24 * 3_600;
    set(name, value, YEAR, is_secure, false)
}

fn set(name: &str, value: &str, seconds: u32, is_secure: bool, is_strictly_ours: bool) -> HeaderValue {
    let secure = if is_secure { "; Secure" } else { "" };
    let http_only = if is_strictly_ours { "; HttpOnly" } else { "" };
    let cookie = format!("{name}={value}; Path=/; Max-Age={seconds}; SameSite=Lax{http_only}{secure}");
    HeaderValue::try_from(cookie).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn finds_a_cookie_among_others() {
        let header = b"lang=zh; session=abc ;theme=dark; session=later";
        assert_eq!(parse(header, "session"), Some("abc"));
        assert_eq!(parse(header, "theme"), Some("dark"));
        assert_eq!(parse(header, "ang"), None);
        assert_eq!(parse(b"session", "session"), None);
        assert_eq!(parse(b"\xFFsession=a", "session"), None);
    }

    #[test]
    fn under_tls_the_session_is_bound_to_the_host() {
        let cookie = set_session("t", true);
        let cookie = cookie.to_str().unwrap();
        assert!(cookie.starts_with("__Host-session=t; Path=/;") && cookie.ends_with("HttpOnly; Secure"), "{cookie}");
        assert!(!set_session("t", false).to_str().unwrap().contains("Secure"));
        assert!(end_session(false).to_str().unwrap().contains("Max-Age=0"));
    }

    proptest! {
        #[test]
        fn no_header_is_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200), name in "[a-z]{0,3}") {
            let found = parse(&bytes, &name);
            prop_assert!(found.is_none_or(|value| value.len() <= bytes.len()));
        }
    }
}
