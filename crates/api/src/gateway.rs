//! What stands around every call: the watch, the headers, the log of what failed.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use model::{AccessKey, Call, Hint};
use store::{Charge, Used};

use crate::{
    Answered, ApiState,
    call::{Notes, with_notes},
    envelope::failure,
    error::{Refusal, Refused, meaning},
    limits,
};

/// Run time in seconds; the missing letter is the contract's.
const EXCUTE_SECOND: HeaderName = HeaderName::from_static("api-gateway-excute-second");
/// How many data the call read, in the contract's unit `dm`.
const MPUO_CONSUME: HeaderName = HeaderName::from_static("api-gateway-mpuo-consume");
/// The version that served the call, whatever the caller wrote there.
const API_VERSION: HeaderName = HeaderName::from_static("api-version");

/// When the head of a request was there, in its extensions, for whoever takes its body in before
/// the API sees it.
#[derive(Debug, Clone, Copy)]
pub struct Begun(pub Instant);

/// Who asks, in the extensions of a request, for the calls that only some networks may make.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

/// Adds what every answer carries.
pub(crate) async fn dress(
    State((api, endpoint)): State<(ApiState, &'static str)>,
    request: Request,
    next: Next,
) -> Response {
    let begun = request.extensions().get().map_or_else(Instant::now, |Begun(begun)| *begun);
    let version = version(request.uri().path());
    let method = named(request.method());
    let (mut response, mut notes) = with_notes(api.since_begin(begun), next.run(request)).await;
    let refusal = response.extensions_mut().remove().map(|Refused(refusal)| refusal);
    if let Some(refusal) = &refusal {
        let allowed = response.headers_mut().remove(header::ALLOW);
        response = write(&api, endpoint, refusal);
        response.headers_mut().extend(allowed.map(|methods| (header::ALLOW, methods)));
    }
    let answered = response.extensions_mut().get_mut::<Answered>().map(|answered| {
        answered.endpoint = endpoint;
        *answered
    });
    let took = begun.elapsed();
    let status = response.status();
    let headers = response.headers_mut();
    if version == "1" {
        weaken(headers);
    }
    headers.extend(gateway_headers(took, answered.map_or(0, |answered| answered.dm)));
    headers.insert(API_VERSION, version);
    if let Some(origin) = notes.answer_origin.take() {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
    let limited = match refusal.as_deref() {
        Some(Refusal::Limited(limited)) => Some(&**limited),
        _ => None,
    };
    limits::write(headers, &notes.standings, limited, api.now());
    if let (Some(key), Some(answered)) = (notes.key.take(), answered) {
        if let Some(limited) = limited {
            notes.hints.push(Hint::Limit(limited.advice().into()));
        }
        count(&api, &key, notes, method, status, answered, took);
    }
    response
}

/// Counts a call of a key, and remembers it.
fn count(
    api: &ApiState,
    key: &AccessKey,
    mut notes: Notes,
    method: &'static str,
    status: StatusCode,
    answered: Answered,
    took: Duration,
) {
    let Answered { endpoint, code, dm } = answered;
    if code != "0" {
        // A call that was refused may not have come to read all it was given.
        notes.hints.retain(|hint| !matches!(hint, Hint::Unknown { meant: None, .. }));
    }
    let is_unchanged = status == StatusCode::NOT_MODIFIED;
    if is_unchanged {
        notes.hints.push(Hint::Unchanged);
    }
    let (device, at) = (notes.device, api.now());
    let (refused, unchanged) = (u64::from(code != "0"), u64::from(is_unchanged));
    let used = Used { calls: 1, refused, unchanged, dm };
    api.meter().count(Charge { org: key.org, id: key.id, endpoint, device, last_used_at: at, used });
    let call = Call {
        at,
        method,
        endpoint,
        status: status.as_u16(),
        code,
        meaning: meaning(code),
        dm,
        took_us: u32::try_from(took.as_micros()).unwrap_or(u32::MAX),
        device,
        hints: notes.hints,
    };
    api.calls().remember(key.org, key.id, call);
}

/// The name of a method as it is remembered.
fn named(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

/// In the API of 2019 an answer tells how long it took: two of one version are not the same to the last byte.
fn weaken(headers: &mut HeaderMap) {
    if let Some(tag) = headers.get_mut(header::ETAG)
        && let Ok(weak) = HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat())
    {
        *tag = weak;
    }
}

/// The version of the API that a path belongs to.
fn version(path: &str) -> HeaderValue {
    let below = path.strip_prefix("/openapi").unwrap_or(path);
    HeaderValue::from_static(if below.starts_with("/1.0/") {
        "1"
    } else if ["/device/create_development_kit", "/device/view_node_key"].contains(&below) {
        "2"
    } else if ["/device/", "/channel/", "/sensor/", "/view_simcard"].iter().any(|older| below.starts_with(older)) {
        "1.5"
    } else {
        "2"
    })
}

/// What every answer carries, also one that is given before the API is asked.
///
/// **Units**: `took` from the request's head to the answer, `dm` in data read.
pub fn gateway_headers(took: Duration, dm: u64) -> [(HeaderName, HeaderValue); 5] {
    let read = HeaderValue::from_static("api-gateway-excute-second, api-gateway-mpuo-consume, API-VERSION, ETag");
    [
        (EXCUTE_SECOND, seconds(took.as_micros())),
        (MPUO_CONSUME, if dm == 0 { HeaderValue::from_static("0") } else { dm.into() }),
        (API_VERSION, HeaderValue::from_static("2")),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, read),
    ]
}

/// Seconds as a plain decimal with six digits after the point.
fn seconds(micros: u128) -> HeaderValue {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("0.000"))
}

/// What a browser asks before it sends credentials.
pub(crate) async fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PATCH, PUT, DELETE"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, Content-Type, API-VERSION, X-HTTP-Method-Override, If-None-Match",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Writes a refusal out, and its cause into the log.
fn write(api: &ApiState, endpoint: &'static str, refusal: &Refusal) -> Response {
    let (mut status, public, advice) = refusal.public();
    if let Refusal::Unchanged(tag) = refusal {
        let kept =
            [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"))];
        let mut response = (status, kept).into_response();
        response.extensions_mut().insert(Answered { endpoint, code: public.code, dm: 0 });
        return response;
    }
    let mut msg = public.text.to_owned();
    if !advice.is_empty() {
        msg = format!("{msg}: {advice}");
    }
    if let Some(cause) = refusal.cause() {
        let request_id = api.request_id();
        tracing::error!(%request_id, endpoint, status = status.as_u16(), cause = chain(cause), "a call failed");
        msg = format!("{msg} (the station's log has the cause, under request `{request_id}`)");
    }
    let challenged = status == StatusCode::UNAUTHORIZED;
    if challenged && api.settings().unauthorized_status_200 {
        status = StatusCode::OK;
    }
    let mut response = failure(status, public.code, &msg);
    let headers = response.headers_mut();
    match status {
        StatusCode::UNAUTHORIZED => drop(headers.insert(header::WWW_AUTHENTICATE, api.challenge())),
        StatusCode::SERVICE_UNAVAILABLE => drop(headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"))),
        _ => {}
    }
    if let Refusal::TooManySignIns { wait_s } = refusal {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(*wait_s));
    }
    response.extensions_mut().insert(Answered { endpoint, code: public.code, dm: 0 });
    response
}

/// An error and everything that caused it.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use axum::body::to_bytes;
    use model::{StationKey, Timestamp};
    use store::{Error, Reference};
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;
    use crate::Settings;

    #[test]
    fn seconds_have_no_exponent() {
        assert_eq!(seconds(0), "0.000000");
        assert_eq!(seconds(42), "0.000042");
        assert_eq!(seconds(61_000_001), "61.000001");
    }

    /// A log that can be read back.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Log {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    /// The answer to a call that failed, and what stands in the log then.
    async fn failed(error: Error) -> (Response, String) {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
        let clock = Arc::new(|| Timestamp::from_millis(0xABC));
        let api = ApiState::new(Arc::new(Reference::new()), clock, StationKey::from_raw([7; 32]), Settings::default());
        let response =
            tracing::subscriber::with_default(subscriber, || write(&api, "/openapi/list_devices", &error.into()));
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        (response, log)
    }

    async fn body(response: Response) -> String {
        String::from_utf8(to_bytes(response.into_body(), 10_000).await.unwrap().into()).unwrap()
    }

    #[tokio::test]
    async fn the_cause_of_a_failure_is_logged_once_and_not_told() {
        let (response, log) = failed(Error::internal("page 7 is torn")).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(log.lines().count(), 1, "{log}");
        for told in ["request_id=ABC-0", "the store failed: page 7 is torn", "/openapi/list_devices", "status=500"] {
            assert!(log.contains(told), "{log}");
        }
        let body = body(response).await;
        assert!(body.starts_with(r#"{"code":"10000","msg":"#) && body.contains("`ABC-0`"), "{body}");
        assert!(!body.contains("torn"), "{body}");
    }

    #[tokio::test]
    async fn a_store_that_takes_no_calls_asks_for_patience() {
        let (response, log) = failed(Error::Unavailable("disk full".to_owned())).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "5");
        assert_eq!(log.lines().count(), 1, "{log}");
        let body = body(response).await;
        assert!(body.starts_with(r#"{"code":"10000","msg":"#) && !body.contains("disk"), "{body}");
    }
}
