//! One connection, from its first byte to its last.

mod delivery;
mod flight;
mod line;
mod publishing;
mod requests;
mod session;
mod subscriptions;

use std::{pin::pin, sync::Arc, time::Duration};

use store::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use self::{
    delivery::Delivery,
    line::{Exchanged, Line},
    publishing::{ALIASES_MAX, Publishing, RECEIVE_MAX},
    requests::Done,
    session::Session,
    subscriptions::Subscriptions,
};
use crate::{
    broker::Inner,
    login::{self, Arrival, Reach},
    packet::{
        Connect, Fault, Packet, Reason, Version,
        write::{self, Welcome},
    },
    post::Sender,
    published::Space,
    seats::Taken,
};

/// How long it may take to hear why it has to go.
const GOODBYE_PATIENCE: Duration = Duration::from_secs(1);
/// How many bytes are put on their way to a client at once.
const SEND_BYTES_MAX: usize = 32 * 1024;

/// Why a connection ends.
enum End {
    /// The client has gone.
    Gone,
    /// It said that it would.
    Left { with_will: bool },
    /// It has to go.
    Told(Reason),
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        tracing::debug!("a client is turned away: {}", fault.what);
        Self::Told(fault.reason)
    }
}

/// A client that was let in.
struct Client {
    taken: Taken,
    session: Session,
    delivery: Delivery,
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
    let mut line = Line::new(socket, inner.settings.packet_bytes_max);
    // Boxed, as here and below: what is over soon is no part of what a client costs that only is there.
    let first = Box::pin(async {
        tokio::select! {
            _ = stopped(stop.clone()) => Err(End::Gone),
            first = timeout(inner.settings.connect_patience, first(&mut line)) => first.unwrap_or(Err(End::Gone)),
        }
    });
    let (version, refused) = match first.await {
        // Whoever says nothing, or goes, is told nothing.
        Err(End::Gone | End::Left { .. }) => return,
        Err(End::Told(reason)) => (Version::V3, reason),
        Ok(mut connect) => match Box::pin(let_in(inner, &mut connect, &arrival, &mut line)).await {
            Ok(client) => {
                let keep_alive = Duration::from_secs(keep_alive_s(inner, &connect).into()) * 3 / 2;
                drop(connect);
                Box::pin(live(inner, &mut line, client, keep_alive, stop)).await;
                return;
            }
            Err(reason) => (connect.version, reason),
        },
    };
    inner.counters.refused.add(1);
    write::refusal(&mut line.out, version, refused);
    // A client that does not even take this is not waited for.
    let _gone = Box::pin(timeout(GOODBYE_PATIENCE, line.close())).await;
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    // Nobody is left to say so: that is a stop too.
    let _stopped = stop.wait_for(|stop| *stop).await;
}

/// The connect that a client begins with.
async fn first<S: AsyncRead + AsyncWrite + Unpin>(line: &mut Line<S>) -> Result<Box<Connect>, End> {
    loop {
        if let Some(Packet::Connect(connect)) = line.next_packet()? {
            return Ok(connect);
        }
        match line.exchange().await {
            Ok(Exchanged::Read | Exchanged::Written) => {}
            Ok(Exchanged::Closed) | Err(_) => return Err(End::Gone),
        }
    }
}

/// Whether a device comes by a name that is not its own: it would end the session of whoever has that
/// name, and what waits for them would be gone.
fn is_named_as_another(reach: &Reach, client_id: &str, is_assigned: bool) -> bool {
    let Reach::Private { device: Some(eui), .. } = reach else { return false };
    !is_assigned && !client_id.starts_with(&format!("device-3000-{eui}"))
}

/// Finds out who a client is, takes a seat for it, and welcomes it.
async fn let_in<S: AsyncRead + AsyncWrite + Unpin>(
    inner: &Arc<Inner>,
    connect: &mut Connect,
    arrival: &Arrival,
    line: &mut Line<S>,
) -> Result<Box<Client>, Reason> {
    if connect.has_method {
        return Err(Reason::BadAuthenticationMethod);
    }
    let is_nameless = connect.client_id.is_empty();
    let cannot_be_named = connect.version == Version::V3 && !connect.is_clean;
    if is_nameless && cannot_be_named || connect.client_id.len() > inner.settings.client_id_bytes_max {
        return Err(Reason::ClientIdentifierNotValid);
    }
    let member = login::find_member(inner, connect, arrival).await?;
    let org = member.org;
    let assigned_id = if is_nameless { Some(login::random_client_id(org)?) } else { None };
    let client_id = assigned_id.as_deref().unwrap_or(&connect.client_id);
    if is_named_as_another(&member.reach, client_id, assigned_id.is_some()) {
        return Err(Reason::ClientIdentifierNotValid);
    }
    let taken = inner.seats.take(org, client_id, member.credential).await?;
    let counts = inner.counters.of(org);
    let (device, sender, groups) = match member.reach {
        Reach::Stream { groups } => (None, None, groups),
        Reach::Private { source, device } => {
            let (credential, client_id) = (member.credential, client_id.into());
            (device, Some(Sender { org, credential, source, client_id }), Vec::new())
        }
    };
    let space = Space { org, is_private: sender.is_some() };
    let subscriptions = Subscriptions::new(space, client_id, device);
    let publishing = Publishing::new(connect.version, sender, device, Arc::clone(&counts));
    let mut delivery = Delivery::new(space, connect, Arc::clone(&taken.seat.inbox), subscriptions, counts);
    delivery.limit_to(groups);
    let seat = Arc::clone(&taken.seat);
    let mut resumed = Vec::new();
    let (session, session_is_present) =
        Session::open(inner, connect, seat, space, publishing, &mut delivery, &mut resumed).await?;
    let welcome = Welcome {
        session_is_present,
        assigned_id: assigned_id.as_deref(),
        expires_after_s: Some(session.expires_after_s).filter(|seconds| *seconds != connect.expires_after_s),
        packet_bytes_max: inner.settings.packet_bytes_max as u32,
        receive_max: space.is_private.then_some(RECEIVE_MAX),
        aliases_max: if space.is_private { ALIASES_MAX } else { 0 },
        keep_alive_s: Some(keep_alive_s(inner, connect)).filter(|seconds| *seconds != connect.keep_alive_s),
        has_shares: space.is_private,
    };
    write::welcome(&mut line.out, connect.version, welcome);
    line.out.append(&mut resumed);
    Ok(Box::new(Client { taken, session, delivery }))
}

/// How long a client may be silent; 0 is for ever.
fn keep_alive_s(inner: &Inner, connect: &Connect) -> u16 {
    match (connect.keep_alive_s, inner.settings.keep_alive_s_max) {
        (asked, 0) => asked,
        (0, max) => max,
        (asked, max) => asked.min(max),
    }
}

/// Serves a client that was let in, until it goes or has to go.
async fn live<S: AsyncRead + AsyncWrite + Unpin>(
    inner: &Arc<Inner>,
    line: &mut Line<S>,
    mut client: Box<Client>,
    keep_alive: Duration,
    stop: watch::Receiver<bool>,
) {
    let version = client.session.version;
    let end = talk(inner, line, &mut client, keep_alive, stop).await;
    Box::pin(leave(inner, line, version, client, end)).await;
}

/// Ends what a client had here, and tells it why.
async fn leave<S: AsyncRead + AsyncWrite + Unpin>(
    inner: &Arc<Inner>,
    line: &mut Line<S>,
    version: Version,
    mut client: Box<Client>,
    end: End,
) {
    let Client { taken, session, delivery } = &mut *client;
    delivery.keep_up(inner);
    taken.seat.set_position(delivery.arrived());
    let with_will = !matches!(end, End::Left { with_will: false });
    session.close(inner, delivery, with_will).await;
    // From here on whoever comes by the same name goes on where this one was.
    drop(client);
    if let End::Told(reason) = end {
        write::goodbye(&mut line.out, version, reason);
    }
    // As above.
    let _gone = timeout(GOODBYE_PATIENCE, line.close()).await;
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    inner: &Arc<Inner>,
    line: &mut Line<S>,
    client: &mut Client,
    keep_alive: Duration,
    stop: watch::Receiver<bool>,
) -> End {
    let Client { taken, session, delivery } = client;
    let mut stopped = pin!(stopped(stop));
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
                Ok(Done::Left { with_will }) => return End::Left { with_will },
                Err(fault) => return fault.into(),
            }
        }
        match session.publishing.flush(inner, &mut line.out).await {
            Ok(is_new) => delivery.is_unsaved |= is_new,
            Err(fault) => return fault.into(),
        }
        if has_heard {
            silence.as_mut().reset(Instant::now() + keep_alive);
        }
        if line.out.is_empty() {
            delivery.send(inner, &mut line.out, SEND_BYTES_MAX).await;
        }
        // What must not come twice is written down before it goes.
        if delivery.is_unsaved
            && let Err(fault) = session.keep(inner, delivery).await
        {
            return fault.into();
        }
        delivery.prepare(inner);
        delivery.keep_up(inner);
        taken.seat.set_position(delivery.arrived());
        delivery.rest();
        let needs_more = delivery.needs_more() || delivery.is_fetching();
        tokio::select! {
            biased;
            reason = taken.seat.ended() => return End::Told(reason),
            () = &mut stopped => return End::Told(Reason::ServerShuttingDown),
            exchanged = line.exchange() => match exchanged {
                Ok(Exchanged::Read | Exchanged::Written) => {}
                Ok(Exchanged::Closed) | Err(_) => return End::Gone,
            },
            next = delivery.more(), if needs_more => {
                if let Err(error) = delivery.take(next) {
                    return failed(&error).into();
                }
            }
            () = &mut silence, if !keep_alive.is_zero() => return End::Told(Reason::KeepAliveTimeout),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::DuplexStream;

    use super::*;

    type Stop = watch::Receiver<bool>;

    /// What a client costs that only is there: its state above all.
    #[test]
    fn a_client_that_only_is_there_is_small() {
        type Talks<'a, F> = fn(&'a Arc<Inner>, &'a mut Line<DuplexStream>, Box<Client>, Duration, Stop) -> F;
        fn talks<'a, F: 'a>(_: Talks<'a, F>) -> usize {
            size_of::<F>()
        }
        fn comes<'a, F: 'a>(_: fn(&'a Arc<Inner>, DuplexStream, Arrival, Stop) -> F) -> usize {
            size_of::<F>()
        }
        let parts = [comes(serve::<DuplexStream>), talks(live::<DuplexStream>), size_of::<Client>()];
        assert!(parts.iter().sum::<usize>() <= 1_920, "{parts:?}");
    }
}
