//! What the headers say about limits.

use std::fmt::Write;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use model::Timestamp;

use super::{Limited, Standing, Subject, What};

/// The fields as they are being standardized: every policy, and how things stand with each.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STANDING: HeaderName = HeaderName::from_static("ratelimit");
/// The fields that many clients read: one limit, its reset in seconds from now, or, after an `x-`, as the second it is
/// at since 1970.
const SINGLE: [[HeaderName; 3]; 2] = [
    [
        HeaderName::from_static("ratelimit-limit"),
        HeaderName::from_static("ratelimit-remaining"),
        HeaderName::from_static("ratelimit-reset"),
    ],
    [
        HeaderName::from_static("x-ratelimit-limit"),
        HeaderName::from_static("x-ratelimit-remaining"),
        HeaderName::from_static("x-ratelimit-reset"),
    ],
];

/// What pages may read of an answer that says something about limits.
const EXPOSED: &str = "api-gateway-excute-second, api-gateway-mpuo-consume, API-VERSION, ETag, Retry-After, RateLimit, \
                       RateLimit-Policy, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, X-RateLimit-Limit, \
                       X-RateLimit-Remaining, X-RateLimit-Reset";

/// Adds what there is to say about limits; nothing where there are none.
pub(crate) fn write(headers: &mut HeaderMap, standings: &[Standing], refused: Option<&Limited>, now: Timestamp) {
    if let Some(limited) = refused {
        headers.insert(header::RETRY_AFTER, limited.wait_s.into());
    }
    if standings.is_empty() {
        return;
    }
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    let (mut policies, mut states) = (String::new(), String::new());
    for (at, standing) in standings.iter().enumerate() {
        let Standing { quota, window_s, remaining, reset_s, .. } = standing;
        let (name, comma) = (name(standing), if at > 0 { ", " } else { "" });
        let unit = match standing.what {
            What::Calls { .. } => "",
            What::Dm(_) => ";qu=\"dm\"",
            What::Um(_) => ";qu=\"um\"",
        };
        let _never = write!(policies, "{comma}\"{name}\";q={quota}{unit};w={window_s}");
        let _never = write!(states, "{comma}\"{name}\";r={remaining};t={reset_s}");
    }
    for (name, text) in [(POLICY, policies), (STANDING, states)] {
        headers.extend(HeaderValue::try_from(text).ok().map(|text| (name, text)));
    }
    let calls = standings.iter().filter(|standing| matches!(standing.what, What::Calls { .. }));
    let tightest = calls.min_by_key(|standing| standing.remaining);
    if let Some(standing) = refused.map(|limited| &limited.standing).or(tightest) {
        let reset_at = now.as_millis().div_euclid(1_000) + i64::try_from(standing.reset_s).unwrap_or_default();
        let resets = [HeaderValue::from(standing.reset_s), HeaderValue::from(reset_at)];
        for ([limit, remaining, reset], reset_value) in SINGLE.into_iter().zip(resets) {
            headers.insert(limit, standing.quota.into());
            headers.insert(remaining, standing.remaining.into());
            headers.insert(reset, reset_value);
        }
    }
}

const fn name(standing: &Standing) -> &'static str {
    match (standing.subject, standing.what) {
        (Subject::Organization(_), What::Calls { .. }) => "organization-calls",
        (Subject::Organization(_), What::Dm(_)) => "organization-dm",
        (Subject::Organization(_), What::Um(_)) => "organization-um",
        (Subject::Key(_), What::Calls { .. }) => "key-calls",
        (Subject::Key(_), What::Dm(_)) => "key-dm",
        (Subject::Key(_), What::Um(_)) => "key-um",
    }
}
