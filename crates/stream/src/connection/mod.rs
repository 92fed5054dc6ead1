//! One connection, from its first byte to its last.

mod delivery;
mod line;
mod requests;
mod session;

use std::{pin::pin, sync::Arc, time::Duration};

use store::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use self::{
    delivery::Delivery,
    line::{Exchanged, Line, PACKET_BYTES_MAX},
    requests::Done,
    session::Session,
};
use crate::{
    broker::Inner,
    login::{self, Arrival},
    packet::{
        Connect, Fault, Packet, Reason, Version,
        write::{self, Welcome},
    },
    seats::Taken,
};

/// How long a client may take to say who it is.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// How long it may take to hear why it has to go.
const GOODBYE_PATIENCE: Duration = Duration::from_secs(1);
/// Most bytes of the name of a client.
const CLIENT_ID_BYTES_MAX: usize = 128;
/// How many bytes are put on their way to a client at once.
const SEND_BYTES_MAX: usize = 32 * 1024;

/// Why a connection ends.
enum End {
    /// The client has gone.
    Gone,
    /// It has to go.
    Told(Reason),
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        tracing::debug!("a client is turned away: {}", fault.what);
        Self::Told(fault.reason)
    }
}

/// What to tell a client when the store failed.
fn failed(error: &Error) -> Fault {
    tracing::warn!("a reader of the stream cannot be served: {error}");
    Fault { reason: Reason::ServerUnavailable, what: "the store failed" }
}

pub(crate) async fn serve<S>(inner: &Arc<Inner>, socket: S, arrival: Arrival, stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut line = Line::new(socket);
    let first = tokio::select! {
        _ = stopped(stop.clone()) => return,
        first = timeout(CONNECT_PATIENCE, first(&mut line)) => first,
    };
    let (version, refused) = match first {
        // Whoever says nothing, or goes, is told nothing.
        Err(_) | Ok(Err(End::Gone)) => return,
        Ok(Err(End::Told(reason))) => (Version::V3, reason),
        Ok(Ok(connect)) => match let_in(inner, &connect, &arrival, &mut line).await {
            Ok((taken, session, delivery)) => {
                live(inner, &connect, line, taken, session, delivery, stop).await;
                return;
            }
            Err(reason) => (connect.version, reason),
        },
    };
    inner.counters.refused.add(1);
    write::refusal(&mut line.out, version, refused);
    // A client that does not even take this is not waited for.
    let _gone = timeout(GOODBYE_PATIENCE, line.close()).await;
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    // Nobody is left to say so: that is a stop too.
    let _stopped = stop.wait_for(|stop| *stop).await;
}

/// The connect that a client begins with.
async fn first<S: AsyncRead + AsyncWrite + Unpin>(line: &mut Line<S>) -> Result<Connect, End> {
    loop {
        if let Some(Packet::Connect(connect)) = line.next_packet()? {
            return Ok(*connect);
        }
        match line.exchange().await {
            Ok(Exchanged::Read | Exchanged::Written) => {}
            Ok(Exchanged::Closed) | Err(_) => return Err(End::Gone),
        }
    }
}

/// Finds out who a client is, takes a seat for it, and welcomes it.
async fn let_in<S: AsyncRead + AsyncWrite + Unpin>(
    inner: &Arc<Inner>,
    connect: &Connect,
    arrival: &Arrival,
    line: &mut Line<S>,
) -> Result<(Taken, Session, Delivery), Reason> {
    if connect.has_method {
        return Err(Reason::BadAuthenticationMethod);
    }
    let is_nameless = connect.client_id.is_empty();
    let cannot_be_named = connect.version == Version::V3 && !connect.is_clean;
    if is_nameless && cannot_be_named || connect.client_id.len() > CLIENT_ID_BYTES_MAX {
        return Err(Reason::ClientIdentifierNotValid);
    }
    let key = login::find_key(&*inner.store, connect, arrival, inner.now()).await?;
    let assigned_id = if is_nameless { Some(login::random_client_id(key.org)?) } else { None };
    let client_id = assigned_id.as_deref().unwrap_or(&connect.client_id);
    let taken = inner.seats.take(key.org, client_id, key.id).await?;
    let mut delivery = Delivery::new(key.org, connect.version, connect.receive_max, connect.packet_bytes_max);
    delivery.limit_to(key.limits.groups);
    let seat = Arc::clone(&taken.seat);
    let (session, session_is_present) = Session::open(inner, connect, seat, &mut delivery).await?;
    let expires_after_s = Some(session.expires_after_s).filter(|seconds| *seconds != connect.expires_after_s);
    let packet_bytes_max = PACKET_BYTES_MAX as u32;
    let assigned_id = assigned_id.as_deref();
    let welcome = Welcome { session_is_present, assigned_id, expires_after_s, packet_bytes_max };
    write::welcome(&mut line.out, connect.version, welcome);
    Ok((taken, session, delivery))
}

/// Serves a client that was let in, until it goes or has to go.
async fn live<S: AsyncRead + AsyncWrite + Unpin>(
    inner: &Arc<Inner>,
    connect: &Connect,
    mut line: Line<S>,
    taken: Taken,
    mut session: Session,
    mut delivery: Delivery,
    stop: watch::Receiver<bool>,
) {
    let end = talk(inner, connect, &mut line, &taken, &mut session, &mut delivery, stop).await;
    taken.seat.set_position(delivery.arrived());
    session.close(inner).await;
    // From here on whoever comes by the same name goes on where this one was.
    drop(taken);
    if let End::Told(reason) = end {
        write::goodbye(&mut line.out, connect.version, reason);
    }
    // As above.
    let _gone = timeout(GOODBYE_PATIENCE, line.close()).await;
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    inner: &Arc<Inner>,
    connect: &Connect,
    line: &mut Line<S>,
    taken: &Taken,
    session: &mut Session,
    delivery: &mut Delivery,
    stop: watch::Receiver<bool>,
) -> End {
    let mut stopped = pin!(stopped(stop));
    let mut ends = taken.seat.ends.subscribe();
    let keep_alive = Duration::from_secs(connect.keep_alive_s.into()) * 3 / 2;
    let mut silence = pin!(sleep_until(Instant::now() + keep_alive));
    loop {
        let mut has_heard = false;
        while line.has_room() {
            let packet = match line.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => break,
                Err(fault) => return fault.into(),
            };
            has_heard = true;
            match requests::answer(packet, inner, session, delivery, &mut line.out).await {
                Ok(Done::GoesOn) => {}
                Ok(Done::Left) => return End::Gone,
                Err(fault) => return fault.into(),
            }
        }
        if has_heard {
            silence.as_mut().reset(Instant::now() + keep_alive);
        }
        if line.out.is_empty() {
            delivery.send(inner, &mut line.out, SEND_BYTES_MAX).await;
        }
        delivery.prepare(inner);
        delivery.keep_up(inner);
        taken.seat.set_position(delivery.arrived());
        let needs_more = delivery.needs_more();
        tokio::select! {
            biased;
            ended = ends.wait_for(Option::is_some) => {
                return End::Told(ended.ok().and_then(|reason| *reason).unwrap_or(Reason::UnspecifiedError));
            }
            () = &mut stopped => return End::Told(Reason::ServerShuttingDown),
            exchanged = line.exchange() => match exchanged {
                Ok(Exchanged::Read | Exchanged::Written) => {}
                Ok(Exchanged::Closed) | Err(_) => return End::Gone,
            },
            next = delivery.more(), if needs_more => {
                if let Err(error) = delivery.take(next, inner) {
                    return failed(&error).into();
                }
            }
            () = &mut silence, if !keep_alive.is_zero() => return End::Told(Reason::KeepAliveTimeout),
        }
    }
}
