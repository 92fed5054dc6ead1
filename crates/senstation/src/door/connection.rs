//! One connection, from its first byte to its last.

use std::{
    convert::Infallible,
    future::poll_fn,
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use stream::Arrival;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::watch,
    time::timeout,
};

use super::{
    Door,
    guard::{Guard, Parts, Patience},
    refusal::Refusal,
    websocket::WebSocket,
};

/// How much of what a refused client still sends is read away.
const LINGER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// For how long.
const LINGER_PATIENCE: Duration = Duration::from_secs(2);

/// Serves requests until the client goes away, one is refused, or the station stops; from a request for
/// a WebSocket on, MQTT.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send>(
    door: Arc<Door>,
    socket: S,
    peer: SocketAddr,
    patience: Patience,
    mut stop: watch::Receiver<bool>,
) {
    let has_asked = AtomicBool::new(false);
    let stopping = stop.clone();
    let opened = OnceLock::<Arrival>::new();
    let service = service_fn(|request| {
        has_asked.store(true, Relaxed);
        let (door, stopping, opened) = (&door, &stopping, &opened);
        Box::pin(async move { Ok::<_, Infallible>(door.answer(peer, request, stopping, opened).await) })
    });
    let mut connection =
        http1::Builder::new().half_close(true).serve_connection(TokioIo::new(Guard::new(socket, patience)), service);
    let mut is_stopping = false;
    let outcome = loop {
        tokio::select! {
            outcome = poll_fn(|cx| connection.poll_without_shutdown(cx)) => break outcome,
            _ = stop.wait_for(|stop| *stop), if !is_stopping => {
                // The library would wait for a first request before it lets go.
                if !has_asked.load(Relaxed) {
                    break Ok(());
                }
                is_stopping = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%peer, "connection ended: {error}");
    }
    let parts = connection.into_parts();
    let Parts { refusal, socket, unread, peer_has_closed } = parts.io.into_inner().into_parts();
    if let (Some(broker), Some(arrival)) = (&door.broker, opened.get()) {
        let arrived = [&parts.read_buf[..], &unread].concat();
        broker.serve(WebSocket::resume(socket, arrived).await, arrival.clone(), stop).await;
        return;
    }
    if let Some(refusal) = &refusal {
        door.note(peer, "", refusal);
    }
    close(socket, refusal.as_ref(), peer_has_closed).await;
}

/// Tells the client what there is to tell, and closes so that it can be read.
pub(super) async fn close<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: S,
    refusal: Option<&Refusal>,
    peer_has_closed: bool,
) {
    let goodbye = async {
        if let Some(refusal) = refusal {
            socket.write_all(&refusal.to_bytes()).await?;
        }
        socket.shutdown().await?;
        // Closing with unread bytes would reset the connection, and the answer with it.
        let (mut left, mut sink) = (LINGER_BYTES_MAX, vec![0; 16 * 1024]);
        while !peer_has_closed && left > 0 {
            match socket.read(&mut sink).await? {
                0 => break,
                count => left = left.saturating_sub(count),
            }
        }
        std::io::Result::Ok(())
    };
    // A client that does not even take this is not waited for.
    let _gone = timeout(LINGER_PATIENCE, goodbye).await;
}
