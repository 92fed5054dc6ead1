//! MQTT inside of WebSocket: a stream of bytes cut into messages anyhow.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{self, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
};
use futures_util::{Sink, Stream};
use stream::Arrival;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async_with_config,
    tungstenite::{
        Message,
        handshake::{
            derive_accept_key,
            server::{ErrorResponse, Request, Response},
        },
        protocol::{Role, WebSocketConfig},
    },
};

use super::refusal::Refusal;

/// Where a WebSocket is opened.
pub(super) const PATH: &str = "/mqtt";
/// What they say that they speak.
const PROTOCOL: &str = "mqtt";
/// How long opening one may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most bytes of one message; a packet may come in several.
const MESSAGE_BYTES_MAX: usize = 256 * 1024;

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(4 * 1024)
        .write_buffer_size(0)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX))
}

/// Opens the WebSocket that a client asks for; `None` if it asks for something else, or takes too long.
pub(super) async fn accept<S>(socket: S) -> Option<(WebSocket<S>, Arrival)>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut arrival = Arrival::default();
    #[expect(clippy::result_large_err, reason = "the type of the refusal is the library's")]
    let answer = |request: &Request, mut response: Response| {
        if request.uri().path() != PATH {
            return Err(refusal(StatusCode::NOT_FOUND, "MQTT is spoken at the path `/mqtt`"));
        }
        if !speaks_mqtt(request.headers()) {
            return Err(refusal(StatusCode::BAD_REQUEST, "name the sub-protocol `mqtt`"));
        }
        arrival = arrival_of(request.headers());
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
        Ok(response)
    };
    let opening = accept_hdr_async_with_config(socket, answer, Some(config()));
    let socket = timeout(PATIENCE, opening).await.ok()?.ok()?;
    Some((WebSocket::new(socket), arrival))
}

/// Answers a request for a WebSocket on a port that serves other things too.
///
/// **Errors**: it asks for something else.
pub(super) fn upgrade(request: &Parts) -> Result<(http::Response<Body>, Arrival), Refusal> {
    let headers = &request.headers;
    let names = |name: HeaderName, wanted: &str| {
        let named = headers.get_all(name).iter().filter_map(|named| named.to_str().ok());
        named.flat_map(|named| named.split(',')).any(|named| named.trim().eq_ignore_ascii_case(wanted))
    };
    let asks = request.method == Method::GET
        && names(header::CONNECTION, "upgrade")
        && names(header::UPGRADE, "websocket")
        && names(header::SEC_WEBSOCKET_VERSION, "13");
    let Some(key) = headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| asks) else {
        let message = "MQTT is spoken here inside of a WebSocket, version 13; open one";
        return Err(Refusal::new(StatusCode::UPGRADE_REQUIRED, message));
    };
    if !speaks_mqtt(headers) {
        return Err(Refusal::bad_request("name the sub-protocol `mqtt`"));
    }
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes()));
    let accept = accept.map_err(|_| Refusal::bad_request("the key of the WebSocket is none"))?;
    let mut response = http::Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().extend([
        (header::CONNECTION, HeaderValue::from_static("Upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
        (header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL)),
    ]);
    Ok((response, arrival_of(headers)))
}

fn refusal(status: StatusCode, message: &str) -> ErrorResponse {
    let mut response = ErrorResponse::new(Some(format!("{message}\n")));
    *response.status_mut() = status;
    response
}

/// Whether a request names the sub-protocol.
fn speaks_mqtt(headers: &HeaderMap) -> bool {
    let named = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|named| named.to_str().ok());
    named.flat_map(|named| named.split(',')).any(|named| named.trim() == PROTOCOL)
}

/// Whose page opens a WebSocket, where it is one's and there is no doubt.
fn arrival_of(headers: &HeaderMap) -> Arrival {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let origin = origins.next().and_then(|origin| origin.to_str().ok()).map(str::to_owned);
    Arrival { origin: origin.filter(|_| origins.next().is_none()) }
}

/// A WebSocket as a stream of bytes.
pub(super) struct WebSocket<S> {
    socket: WebSocketStream<S>,
    /// What is left of the last message.
    arrived: Bytes,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// One that was agreed on already; `arrived` came behind the request for it.
    pub(super) async fn resume(socket: S, arrived: Vec<u8>) -> Self {
        Self::new(WebSocketStream::from_partially_read(socket, arrived, Role::Server, Some(config())).await)
    }
}

impl<S> WebSocket<S> {
    const fn new(socket: WebSocketStream<S>) -> Self {
        Self { socket, arrived: Bytes::new() }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for WebSocket<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.arrived.is_empty() {
            match ready!(Pin::new(&mut self.socket).poll_next(cx)) {
                Some(Ok(Message::Binary(bytes))) => self.arrived = bytes,
                Some(Ok(Message::Text(_))) => return Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
                // Answered by the library.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_))) | None => return Poll::Ready(Ok(())),
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
            }
        }
        let count = out.remaining().min(self.arrived.len());
        out.put_slice(&self.arrived.split_to(count));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for WebSocket<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut socket = Pin::new(&mut self.socket);
        ready!(socket.as_mut().poll_ready(cx)).map_err(io::Error::other)?;
        socket.start_send(Message::Binary(Bytes::copy_from_slice(bytes))).map_err(io::Error::other)?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx).map_err(io::Error::other)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(cx).map_err(io::Error::other)
    }
}
