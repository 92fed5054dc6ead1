//! The MQTT doors: by TCP or by WebSocket, in the clear or over TLS.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
use stream::{Arrival, Broker};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

use super::{
    listener,
    tls::{self, Greeting},
    websocket,
};

/// After how long a silent peer is asked whether it is there, by TCP.
const PROBE_AFTER: Duration = Duration::from_secs(120);
/// How long readers may take to go once the station stops.
const DRAIN_PATIENCE: Duration = Duration::from_secs(3);

/// An open port for readers of the stream.
pub(crate) struct MqttListener {
    socket: TcpListener,
    transport: Transport,
    tls: Option<TlsAcceptor>,
}

/// What MQTT is spoken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Tcp,
    WebSocket,
}

/// Lets no more in than there is room for, through all doors.
#[derive(Debug)]
pub(crate) struct Room {
    left: AtomicUsize,
}

struct Place(Arc<Room>);

impl Room {
    pub(crate) fn new(connections_max: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(connections_max) })
    }

    fn take(self: &Arc<Self>) -> Option<Place> {
        let taken = self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
        taken.ok().map(|_| Place(Arc::clone(self)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.left.fetch_add(1, Relaxed);
    }
}

impl MqttListener {
    /// Opens a port; port 0 is any free one. With a certificate TCP is encrypted, and a WebSocket
    /// is if it asks to be.
    pub(crate) fn bind(address: SocketAddr, transport: Transport, tls: Option<TlsAcceptor>) -> io::Result<Self> {
        Ok(Self { socket: listener::listen(address)?, transport, tls })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves readers until told to stop; they hear of it too.
    pub(crate) async fn serve(self, broker: Broker, room: Arc<Room>, mut stop: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                Some(_) = connections.join_next() => continue,
                accepted = self.socket.accept() => accepted,
            };
            match accepted {
                Ok((socket, peer)) => match room.take() {
                    Some(place) => {
                        let (broker, stop, tls) = (broker.clone(), stop.clone(), self.tls.clone());
                        connections.spawn(async move {
                            serve(socket, self.transport, tls, &broker, stop).await;
                            drop(place);
                        });
                    }
                    None => tracing::warn!(%peer, "too many MQTT connections; one more was closed"),
                },
                Err(error) => {
                    tracing::warn!("cannot accept an MQTT connection: {error}");
                    // Out of file descriptors: some come back when connections end.
                    sleep(Duration::from_millis(50)).await;
                }
            }
        }
        drop(self.socket);
        let drained = async { while connections.join_next().await.is_some() {} };
        if timeout(DRAIN_PATIENCE, drained).await.is_err() {
            connections.shutdown().await;
        }
    }
}

async fn serve(
    socket: TcpStream,
    transport: Transport,
    tls: Option<TlsAcceptor>,
    broker: &Broker,
    stop: watch::Receiver<bool>,
) {
    let _best_effort = socket.set_nodelay(true);
    // A peer that is gone without a word is found out, also where it has no keep-alive of its own.
    let _best_effort = SockRef::from(&socket).set_tcp_keepalive(&TcpKeepalive::new().with_time(PROBE_AFTER));
    // Boxed, here and below, so that a connection costs what its own kind does.
    match tls {
        None => speak(socket, transport, broker, stop).await,
        Some(tls) => Box::pin(serve_encrypted(socket, transport, tls, broker, stop)).await,
    }
}

async fn serve_encrypted(
    socket: TcpStream,
    transport: Transport,
    tls: TlsAcceptor,
    broker: &Broker,
    mut stop: watch::Receiver<bool>,
) {
    let greeted = tokio::select! {
        greeted = tls::greet(&tls, socket) => greeted,
        _ = stop.wait_for(|stop| *stop) => return,
    };
    match greeted {
        Ok(Greeting::Encrypted(socket)) => speak(socket, transport, broker, stop).await,
        Ok(Greeting::Plain(socket)) if transport == Transport::WebSocket => {
            speak(socket, transport, broker, stop).await;
        }
        Ok(Greeting::Plain(_)) => tracing::debug!("MQTT in the clear where TLS is spoken"),
        Err(error) => tracing::debug!("no TLS came about: {error}"),
    }
}

async fn speak<S>(socket: S, transport: Transport, broker: &Broker, stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    match transport {
        Transport::Tcp => Box::pin(broker.serve(socket, Arrival::default(), stop)).await,
        Transport::WebSocket => Box::pin(open(socket, broker, stop)).await,
    }
}

/// Opens a WebSocket, and serves what comes by it.
async fn open<S>(socket: S, broker: &Broker, mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let opened = tokio::select! {
        opened = websocket::accept(socket) => opened,
        _ = stop.wait_for(|stop| *stop) => return,
    };
    if let Some((socket, arrival)) = opened {
        Box::pin(broker.serve(socket, arrival, stop)).await;
    }
}
