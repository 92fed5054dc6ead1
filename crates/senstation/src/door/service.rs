//! One request: its body comes in whole, a room answers, and what it left empty is filled.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    http::{HeaderMap, Method, Request, Response, StatusCode, header},
};
use hyper::body::Incoming;
use ipnet::IpNet;
use stream::{Arrival, Broker};
use tokio::{
    sync::{Semaphore, SemaphorePermit, watch},
    time::timeout,
};
use tower::Service;

use super::{Metrics, allowance::Allowance, body, refusal::Refusal, websocket};

/// The most bytes that the body of a call may have; webhooks may have fewer.
const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bodies up to this size come in without asking whether there is room.
const SMALL_BODY_BYTES: usize = 16 * 1024;
/// How much larger bodies may take together.
const LARGE_BODIES_KIB: usize = 64 * 1024;
/// How long a larger body waits for room.
const ROOM_PATIENCE: Duration = Duration::from_secs(5);

/// The address that a request came from, in its extensions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// What answers requests.
pub(crate) struct Door {
    router: Router,
    /// What speaks MQTT here, if anything does.
    pub(super) broker: Option<Broker>,
    pub(super) metrics: Arc<Metrics>,
    /// Whose word counts on whom they ask for.
    proxies: Arc<[IpNet]>,
    room: Arc<Semaphore>,
    refusal_lines: Arc<Allowance>,
}

impl Door {
    pub(crate) fn new(router: Router, metrics: Arc<Metrics>, proxies: &[IpNet]) -> Self {
        let room = Arc::new(Semaphore::new(LARGE_BODIES_KIB));
        Self { router, broker: None, metrics, proxies: proxies.into(), room, refusal_lines: Arc::default() }
    }

    /// The same door, with MQTT inside of a WebSocket.
    pub(crate) fn with_mqtt(self, broker: Broker) -> Self {
        Self { broker: Some(broker), ..self }
    }

    /// A door to other rooms, within the same limits.
    pub(crate) fn beside(&self, router: Router) -> Self {
        Self {
            router,
            broker: self.broker.clone(),
            metrics: Arc::clone(&self.metrics),
            proxies: Arc::clone(&self.proxies),
            room: Arc::clone(&self.room),
            refusal_lines: Arc::clone(&self.refusal_lines),
        }
    }

    /// Answers a request; `opened` is set where what follows is a WebSocket.
    pub(super) async fn answer(
        &self,
        peer: SocketAddr,
        request: Request<Incoming>,
        stop: &watch::Receiver<bool>,
        opened: &OnceLock<Arrival>,
    ) -> Response<Body> {
        let begun = Instant::now();
        let (mut parts, body) = request.into_parts();
        if self.broker.is_some() && parts.uri.path() == websocket::PATH {
            return match websocket::upgrade(&parts) {
                Ok((response, arrival)) => {
                    opened.get_or_init(|| arrival);
                    response
                }
                Err(refusal) => {
                    self.note(peer, websocket::PATH, &refusal);
                    refusal.into_response(begun.elapsed(), true)
                }
            };
        }
        let (body, _room) = match self.take_in(&parts.method, parts.uri.path(), &parts.headers, body, stop).await {
            Ok(taken) => taken,
            Err(refusal) => {
                self.note(peer, told(parts.uri.path()), &refusal);
                return refusal.into_response(begun.elapsed(), true);
            }
        };
        let is_head = parts.method == Method::HEAD;
        parts.extensions.insert(Peer(peer));
        let client = client(peer, &parts.headers, &self.proxies);
        parts.extensions.insert(portal::Address(client));
        parts.extensions.insert(api::ClientAddress(client));
        parts.extensions.insert(api::Begun(begun));
        let path = told(parts.uri.path()).to_owned();
        let answered = self.router.clone().call(Request::from_parts(parts, Body::from(body))).await;
        let Ok(mut response) = answered;
        if !is_head {
            response = fill(response, begun.elapsed());
        }
        self.metrics.count_answer(&path, &response);
        tracing::debug!(%peer, path, status = response.status().as_u16(), "answered");
        response
    }

    /// Counts a refusal, and writes it into the log unless there are too many; `path` is empty where
    /// it is not known.
    pub(super) fn note(&self, peer: SocketAddr, path: &str, refusal: &Refusal) {
        self.metrics.count_refusal(refusal.status());
        let Some(left_out) = self.refusal_lines.take(Instant::now()) else { return };
        if left_out > 0 {
            tracing::warn!(count = left_out, "more was refused than is told here");
        }
        tracing::warn!(%peer, path, status = refusal.status().as_u16(), "refused: {}", refusal.message());
    }

    /// The whole body, and the room that it takes while the request is worked on.
    async fn take_in(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        body: Incoming,
        stop: &watch::Receiver<bool>,
    ) -> Result<(Bytes, Option<SemaphorePermit<'_>>), Refusal> {
        let is_webhook = path.starts_with("/ingest/") || path.starts_with("/deviceapi/");
        let says_length =
            headers.contains_key(header::CONTENT_LENGTH) || headers.contains_key(header::TRANSFER_ENCODING);
        if is_webhook && method == Method::POST && !says_length {
            return Err(Refusal::new(StatusCode::LENGTH_REQUIRED, "say how long the body is with `Content-Length`"));
        }
        let bytes_max = if is_webhook { ingest::BODY_BYTES_MAX } else { BODY_BYTES_MAX };
        let declared = body.size_hint().upper().map_or(bytes_max, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        if declared > bytes_max {
            return Err(body::too_large(bytes_max));
        }
        if body.is_end_stream() {
            return Ok((Bytes::new(), None));
        }
        let room = if declared > SMALL_BODY_BYTES { Some(self.wait_for_room(declared).await?) } else { None };
        Ok((body::read(body, bytes_max, stop.clone()).await?, room))
    }

    async fn wait_for_room(&self, bytes: usize) -> Result<SemaphorePermit<'_>, Refusal> {
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        match timeout(ROOM_PATIENCE, self.room.acquire_many(kib)).await {
            Ok(Ok(room)) => Ok(room),
            _ => Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too many large bodies at once; send it again")),
        }
    }
}

/// What may be told of a path: a link that lets somebody in ends before its token.
fn told(path: &str) -> &str {
    const LINK: &str = "/join/";
    if path.starts_with(LINK) { LINK } else { path }
}

/// The address of whoever asks: what a trusted proxy says it passes on for, or the peer's. A proxy
/// writes the address that it saw last; what stands before that, anybody may have written, unless
/// that address is a trusted proxy's too.
fn client(peer: SocketAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let mut client = peer.ip().to_canonical();
    let headers = headers.get_all("x-forwarded-for").iter().rev();
    let mut passed_on = headers.flat_map(|header| header.to_str().unwrap_or_default().rsplit(','));
    while proxies.iter().any(|proxy| proxy.contains(&client)) {
        let Some(Ok(before)) = passed_on.next().map(|address| address.trim().parse::<IpAddr>()) else { break };
        client = before.to_canonical();
    }
    client
}

/// Says in words what an answer says by its status alone.
fn fill(response: Response<Body>, took: Duration) -> Response<Body> {
    let message = match response.status() {
        StatusCode::NOT_FOUND => "there is nothing under this path",
        StatusCode::METHOD_NOT_ALLOWED => "use a method that the header `Allow` names",
        status if status.is_client_error() || status.is_server_error() => "the request cannot be served",
        _ => return response,
    };
    if response.body().size_hint().exact() != Some(0) {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    let (filled, body) = Refusal::new(parts.status, message).into_response(took, false).into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(filled.headers);
    Response::from_parts(parts, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_a_link_is_not_told() {
        assert_eq!(told("/join/0123456789abcdef"), "/join/");
        assert_eq!(told("/devices/2CF7F12004100005"), "/devices/2CF7F12004100005");
    }

    #[test]
    fn a_trusted_proxy_says_for_whom_it_asks_and_nobody_else_does() {
        let proxies = ["127.0.0.0/8", "::1/128", "10.0.0.0/8"].map(|proxy| proxy.parse().unwrap());
        let check = |peer: &str, forwarded: &[&str], expected: &str| {
            let mut headers = HeaderMap::new();
            for text in forwarded {
                headers.append("x-forwarded-for", text.parse().unwrap());
            }
            let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
            assert_eq!(client(peer, &headers, &proxies), expected.parse::<IpAddr>().unwrap(), "{peer} {forwarded:?}");
        };
        check("127.0.0.1", &[], "127.0.0.1");
        check("127.0.0.1", &["203.0.113.9"], "203.0.113.9");
        check("::1", &["10.0.0.1, 203.0.113.9"], "203.0.113.9");
        check("127.0.0.1", &["10.0.0.1", "2001:db8::1"], "2001:db8::1");
        check("127.0.0.1", &["nonsense"], "127.0.0.1");
        check("127.0.0.1", &["203.0.113.9, nonsense"], "127.0.0.1");
        check("192.0.2.7", &["203.0.113.9"], "192.0.2.7");
        // From proxy to proxy, as far as they are trusted.
        check("10.1.1.1", &["198.51.100.1, 203.0.113.9, 10.2.2.2"], "203.0.113.9");
        check("::ffff:10.1.1.1", &["198.51.100.1", "203.0.113.9", "::ffff:10.2.2.2,127.0.0.1"], "203.0.113.9");
        check("10.1.1.1", &["10.2.2.2"], "10.2.2.2");
        check("11.1.1.1", &["10.2.2.2"], "11.1.1.1");
    }
}
