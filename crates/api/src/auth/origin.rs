//! Keys that are meant for the pages of some origins.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::{call, error::Refusal};

/// Refuses a call from elsewhere than the origins that a key is limited to, if it is to any. A call
/// that does not say where it comes from is no page's.
pub(super) fn check(origins: &[String], headers: &HeaderMap) -> Result<(), Refusal> {
    if origins.is_empty() {
        return Ok(());
    }
    let mut given = headers.get_all(header::ORIGIN).iter();
    let origin = given.next().filter(|given| origins.iter().any(|origin| *given == origin));
    let origin = origin.filter(|_| given.next().is_none());
    // A page elsewhere may read why it is refused.
    let answer = origin.cloned().unwrap_or(HeaderValue::from_static("*"));
    call::note(|notes| notes.answer_origin = Some(answer));
    if origin.is_some() { Ok(()) } else { Err(Refusal::ForeignOrigin) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_origins(origins: &[&str], given: &[&str], is_good: bool) {
        let origins: Vec<String> = origins.iter().map(|&origin| origin.to_owned()).collect();
        let mut headers = HeaderMap::new();
        for origin in given {
            headers.append(header::ORIGIN, origin.parse().unwrap());
        }
        assert_eq!(check(&origins, &headers).is_ok(), is_good, "{origins:?} {given:?}");
    }

    #[test]
    fn a_page_is_of_one_origin_that_is_named_in_full() {
        const HERE: &str = "https://a.example";
        check_origins(&[], &[], true);
        check_origins(&[], &["null"], true);
        check_origins(&[HERE], &[HERE], true);
        check_origins(&["https://b.example", HERE], &[HERE], true);
        for given in [
            &[][..],
            &[""],
            &["null"],
            &["http://a.example"],
            &["https://a.example:8443"],
            &["https://a.example.org"],
            &["https://a.example/"],
            &["https://x.a.example"],
            &[HERE, "https://b.example"],
            &[HERE, HERE],
        ] {
            check_origins(&[HERE], given, false);
        }
    }
}
