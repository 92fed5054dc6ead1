//! Keys that are meant for the pages of some origins.

use std::cell::Cell;

use axum::http::{HeaderMap, HeaderValue, header};

use crate::error::Refusal;

/// The pages that may read the answer, where that depends on where the call comes from.
#[derive(Debug)]
pub(crate) struct AnswerOrigin(pub(crate) HeaderValue);

tokio::task_local! {
    /// Of the call that is being answered; who finds the key is far from who writes the headers.
    static ANSWER: Cell<Option<AnswerOrigin>>;
}

/// Answers a call, and tells what its key has to say about who may read the answer: nothing, unless
/// it is limited to origins.
pub(crate) async fn with_answer_origin<T>(call: impl Future<Output = T>) -> (T, Option<AnswerOrigin>) {
    let call = async { (call.await, ANSWER.with(Cell::take)) };
    ANSWER.scope(Cell::new(None), call).await
}

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
    let answer = AnswerOrigin(origin.cloned().unwrap_or(HeaderValue::from_static("*")));
    // Without a call around it nobody writes headers.
    let _unheard = ANSWER.try_with(|cell| cell.set(Some(answer)));
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
