//! The open port: how many connections there may be, and how they end.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::http::StatusCode;
use socket2::{Domain, Socket, Type};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

use super::{
    Door, connection,
    guard::Patience,
    refusal::Refusal,
    tls::{self, Greeting},
};

/// How many connections are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// In all.
    pub(crate) connections_max: usize,
    /// From one address.
    pub(crate) connections_per_address_max: usize,
}

/// How long requests under way may take once the station stops.
const DRAIN_PATIENCE: Duration = Duration::from_secs(5);
/// How many connections beyond the limits are told so at a time; others are just closed.
const TURNED_AWAY_MAX: usize = 64;

const PATIENCE: Patience =
    Patience { head: Duration::from_secs(10), idle: Duration::from_secs(75), write: Duration::from_secs(10) };

/// How much of an answer the operating system holds that was not sent yet; with more, a client that
/// reads slowly could not be told from one that does not read.
#[cfg(target_os = "linux")]
const UNSENT_BYTES_MAX: u32 = 16 * 1024;

/// An open port.
pub(crate) struct Listener {
    socket: TcpListener,
    tls: Option<TlsAcceptor>,
    seats: Arc<Seats>,
}

impl Listener {
    /// Opens a port; port 0 is any free one.
    pub(crate) fn bind(address: SocketAddr, tls: Option<TlsAcceptor>, seats: Arc<Seats>) -> io::Result<Self> {
        Ok(Self { socket: listen(address)?, tls, seats })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves connections until told to stop, and then those under way to their end.
    pub(crate) async fn serve(self, door: Arc<Door>, mut stop: watch::Receiver<bool>) {
        let turned_away = Arc::new(Semaphore::new(TURNED_AWAY_MAX));
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                Some(_) = connections.join_next() => continue,
                accepted = self.socket.accept() => accepted,
            };
            let (socket, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!("cannot accept a connection: {error}");
                    // Out of file descriptors: some come back when connections end.
                    sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let _best_effort = socket.set_nodelay(true);
            match self.seats.take(peer.ip()) {
                Ok(seat) => {
                    let (door, stop, tls) = (Arc::clone(&door), stop.clone(), self.tls.clone());
                    door.metrics.connections.inc();
                    connections.spawn(async move {
                        let metrics = Arc::clone(&door.metrics);
                        match tls {
                            None => connection::serve(door, socket, peer, PATIENCE, stop).await,
                            Some(tls) => serve_encrypted(door, tls, socket, peer, stop).await,
                        }
                        metrics.connections.dec();
                        drop(seat);
                    });
                }
                Err(refusal) => {
                    door.note(peer, "", &refusal);
                    // Saying anything over TLS would cost more than serving it.
                    if self.tls.is_some() {
                        continue;
                    }
                    if let Ok(permit) = Arc::clone(&turned_away).try_acquire_owned() {
                        connections.spawn(async move {
                            connection::close(socket, Some(&refusal), false).await;
                            drop(permit);
                        });
                    }
                }
            }
        }
        drop(self.socket);
        let drained = async { while connections.join_next().await.is_some() {} };
        if timeout(DRAIN_PATIENCE, drained).await.is_err() {
            tracing::warn!(connections = connections.len(), "connections did not end in time and were cut");
            connections.shutdown().await;
        }
    }
}

/// A socket that listens.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    // Connections have what the port has.
    #[cfg(target_os = "linux")]
    socket.set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
    socket.bind(&address.into())?;
    socket.listen(1024)?;
    TcpListener::from_std(socket.into())
}

/// Serves a connection that is to be encrypted first.
async fn serve_encrypted(
    door: Arc<Door>,
    tls: TlsAcceptor,
    socket: TcpStream,
    peer: SocketAddr,
    mut stop: watch::Receiver<bool>,
) {
    let greeted = tokio::select! {
        greeted = tls::greet(&tls, socket) => greeted,
        _ = stop.wait_for(|stop| *stop) => return,
    };
    match greeted {
        Ok(Greeting::Encrypted(socket)) => connection::serve(door, socket, peer, PATIENCE, stop).await,
        Ok(Greeting::Plain(socket)) => {
            let refusal = Refusal::bad_request("this port speaks TLS: the address begins with `https://`");
            door.note(peer, "", &refusal);
            connection::close(socket, Some(&refusal), false).await;
        }
        Err(error) => tracing::debug!(%peer, "no TLS came about: {error}"),
    }
}

/// Which connections there are; ports may share them.
pub(crate) struct Seats {
    limits: Limits,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A place for one connection, given back when dropped.
struct Seat {
    seats: Arc<Seats>,
    address: IpAddr,
}

impl Seats {
    /// All free.
    pub(crate) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, taken: Mutex::default() })
    }

    fn take(self: &Arc<Self>, address: IpAddr) -> Result<Seat, Refusal> {
        let address = household(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.limits.connections_max {
            return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too many connections; come back in a moment"));
        }
        let count = taken.by_address.get(&address).copied().unwrap_or_default();
        if count >= self.limits.connections_per_address_max {
            let message = format!("your address has {count} connections, which is all it may have; reuse them");
            return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, message));
        }
        taken.all += 1;
        taken.by_address.insert(address, count + 1);
        Ok(Seat { seats: Arc::clone(self), address })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        match taken.by_address.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.by_address.remove(&self.address)),
        }
    }
}

/// Addresses that one client commonly has at its disposal count as one.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_given_back() {
        let limits = Limits { connections_max: 3, connections_per_address_max: 2 };
        let seats = Seats::new(limits);
        let status = |address: &str| seats.take(address.parse().unwrap()).map_err(|refusal| refusal.status().as_u16());
        let one = status("10.0.0.1").unwrap();
        let two = status("::ffff:10.0.0.1").unwrap();
        assert_eq!(status("10.0.0.1").err(), Some(429));
        let three = status("2001:db8::1").unwrap();
        assert_eq!(status("10.0.0.2").err(), Some(503));
        drop((one, two, three));
        let taken = seats.taken.lock().unwrap();
        assert_eq!((taken.all, taken.by_address.len()), (0, 0));
    }

    #[test]
    fn neighbours_within_64_bits_are_one_household() {
        let same = |one: &str, other: &str| household(one.parse().unwrap()) == household(other.parse().unwrap());
        assert!(same("2001:db8::1", "2001:db8::ffff:0:0:2"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(!same("10.0.0.1", "10.0.0.2"));
    }
}
