//! The MQTT doors: readers of the stream, by TCP or by WebSocket.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use stream::{Arrival, Broker};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{listener, websocket};

/// How long readers may take to go once the station stops.
const DRAIN_PATIENCE: Duration = Duration::from_secs(3);

/// An open port for readers of the stream.
pub(crate) struct MqttListener {
    socket: TcpListener,
    transport: Transport,
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
    /// Opens a port; port 0 is any free one.
    pub(crate) fn bind(address: SocketAddr, transport: Transport) -> io::Result<Self> {
        Ok(Self { socket: listener::listen(address)?, transport })
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
                        let (broker, stop) = (broker.clone(), stop.clone());
                        connections.spawn(async move {
                            serve(socket, self.transport, &broker, stop).await;
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

async fn serve(socket: TcpStream, transport: Transport, broker: &Broker, stop: watch::Receiver<bool>) {
    let _best_effort = socket.set_nodelay(true);
    match transport {
        Transport::Tcp => broker.serve(socket, Arrival::default(), stop).await,
        Transport::WebSocket => {
            if let Some((socket, arrival)) = websocket::accept(socket).await {
                broker.serve(socket, arrival, stop).await;
            }
        }
    }
}
