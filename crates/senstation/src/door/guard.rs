//! The socket as the HTTP library may see it: whole heads, framed bodies, nothing else, in time.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::http::StatusCode;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use super::{
    framing::{Framer, Step},
    refusal::Refusal,
};

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patience {
    /// From the connection, or the first byte of a later request, to the end of its head.
    pub(super) head: Duration,
    /// Between two requests.
    pub(super) idle: Duration,
    /// For a client to take any byte of an answer.
    pub(super) write: Duration,
}

/// A connection's socket behind the checks.
pub(super) struct Guard<S> {
    socket: S,
    patience: Patience,
    framer: Framer,
    /// Bytes that arrived: `start..released` may be read by the library, the rest not yet.
    buffer: Vec<u8>,
    start: usize,
    released: usize,
    end: usize,
    waits_for: Wait,
    read_deadline: Pin<Box<Sleep>>,
    write_deadline: Option<Pin<Box<Sleep>>>,
    refusal: Option<Refusal>,
    has_ended: bool,
    peer_has_closed: bool,
}

/// What is left of a guarded connection.
pub(super) struct Parts<S> {
    /// What the client is still to be told.
    pub(super) refusal: Option<Refusal>,
    pub(super) socket: S,
    /// What it sent that nobody has read.
    pub(super) unread: Vec<u8>,
    pub(super) peer_has_closed: bool,
}

/// What the read deadline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    FirstRequest,
    Request,
    RestOfHead,
    Nothing,
}

const HEAD_READ_BYTES: usize = 2 * 1024;
const BODY_READ_BYTES: usize = 16 * 1024;

impl<S: AsyncRead + AsyncWrite + Unpin> Guard<S> {
    pub(super) fn new(socket: S, patience: Patience) -> Self {
        Self {
            socket,
            patience,
            framer: Framer::new(),
            buffer: Vec::new(),
            start: 0,
            released: 0,
            end: 0,
            waits_for: Wait::FirstRequest,
            read_deadline: Box::pin(sleep_until(Instant::now() + patience.head)),
            write_deadline: None,
            refusal: None,
            has_ended: false,
            peer_has_closed: false,
        }
    }

    /// What is left when the HTTP library has nothing more to do.
    pub(super) fn into_parts(self) -> Parts<S> {
        let Self { refusal, socket, peer_has_closed, buffer, start, end, .. } = self;
        Parts { refusal, socket, unread: buffer[start..end].to_vec(), peer_has_closed }
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.refusal = Some(refusal);
        self.has_ended = true;
    }

    /// Sorts what has arrived; whether more must arrive first.
    fn needs_more(&mut self) -> bool {
        while self.start == self.released && !self.has_ended {
            let is_in_head = self.framer.is_in_head();
            match self.framer.advance(&self.buffer[self.start..self.end]) {
                Ok(Step::Release(count)) => {
                    self.released += count;
                    self.waits_for = Wait::Nothing;
                }
                Ok(Step::Skip(count)) => {
                    self.start += count;
                    self.released = self.start;
                }
                Ok(Step::More) => return true,
                Ok(Step::End) => self.has_ended = true,
                Err(refusal) if is_in_head => self.refuse(refusal),
                // Whoever waits for the rest of this body answers.
                Err(_) => self.has_ended = true,
            }
        }
        false
    }

    /// Ends the connection when the client has taken too long with a head.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.framer.is_in_head() {
            return Poll::Pending;
        }
        let wanted = match (self.waits_for, self.start < self.end) {
            (Wait::FirstRequest | Wait::RestOfHead, _) => self.waits_for,
            (_, true) => Wait::RestOfHead,
            (_, false) => Wait::Request,
        };
        if wanted != self.waits_for {
            let patience = if wanted == Wait::Request { self.patience.idle } else { self.patience.head };
            self.read_deadline.as_mut().reset(Instant::now() + patience);
            self.waits_for = wanted;
        }
        ready!(self.read_deadline.as_mut().poll(cx));
        self.has_ended = true;
        if self.start < self.end {
            self.refuse(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the header took too long"));
        }
        Poll::Ready(())
    }

    /// Reads from the socket into the buffer.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let want = if self.framer.is_in_head() { HEAD_READ_BYTES } else { BODY_READ_BYTES };
        if self.start == self.end {
            (self.start, self.released, self.end) = (0, 0, 0);
            if self.buffer.len() > want {
                self.buffer = Vec::new();
            }
        } else if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.released, self.end) = (self.released - self.start, self.end - self.start);
            self.start = 0;
        }
        if self.buffer.len() - self.end < want / 2 {
            self.buffer.resize(self.end + want, 0);
        }
        let mut space = ReadBuf::new(&mut self.buffer[self.end..]);
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut space))?;
        match space.filled().len() {
            0 => {
                self.peer_has_closed = true;
                self.has_ended = true;
                if self.framer.is_in_head() && self.start < self.end {
                    self.refuse(Refusal::bad_request("the connection was closed within the header"));
                }
            }
            count => self.end += count,
        }
        Poll::Ready(Ok(()))
    }

    /// Fails a write that the client has not taken anything of for too long.
    fn in_time<T>(&mut self, outcome: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.write_deadline = None;
            return outcome;
        }
        let until = Instant::now() + self.patience.write;
        let deadline = self.write_deadline.get_or_insert_with(|| Box::pin(sleep_until(until)));
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guard<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.start < this.released {
                let count = out.remaining().min(this.released - this.start);
                out.put_slice(&this.buffer[this.start..this.start + count]);
                this.start += count;
                return Poll::Ready(Ok(()));
            }
            if this.has_ended {
                return Poll::Ready(Ok(()));
            }
            if this.needs_more() {
                match this.poll_fill(cx) {
                    Poll::Ready(filled) => filled?,
                    Poll::Pending => ready!(this.poll_deadline(cx)),
                }
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.socket).poll_write(cx, bytes);
        this.in_time(outcome, cx)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // What is encrypted is on its way only then.
        let outcome = Pin::new(&mut this.socket).poll_flush(cx);
        this.in_time(outcome, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.socket).poll_write_vectored(cx, slices);
        this.in_time(outcome, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const PATIENCE: Patience =
        Patience { head: Duration::from_secs(10), idle: Duration::from_secs(75), write: Duration::from_secs(10) };

    fn guarded() -> (DuplexStream, Guard<DuplexStream>) {
        let (client, socket) = duplex(1024);
        (client, Guard::new(socket, PATIENCE))
    }

    async fn refused_after(guard: &mut Guard<DuplexStream>) -> (u64, Option<u16>) {
        let begun = Instant::now();
        let mut passed = Vec::new();
        guard.read_to_end(&mut passed).await.unwrap();
        (begun.elapsed().as_secs(), guard.refusal.as_ref().map(|refusal| refusal.status().as_u16()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_trickles_in_is_refused_after_ten_seconds() {
        let (mut client, mut guard) = guarded();
        let trickle = async {
            for byte in b"GET / HTTP/1.1\r\nHost: a\r\n" {
                client.write_all(&[*byte]).await.unwrap();
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let (refused, ()) = tokio::join!(refused_after(&mut guard), trickle);
        assert_eq!(refused, (10, Some(408)));
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_is_let_go_without_a_word() {
        let (_client, mut guard) = guarded();
        assert_eq!(refused_after(&mut guard).await, (10, None));
    }

    #[tokio::test(start_paused = true)]
    async fn between_requests_there_is_more_time_and_within_one_again_less() {
        let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        for (next, expected) in [(&b""[..], (75, None)), (b"G", (10, Some(408)))] {
            let (mut client, mut guard) = guarded();
            client.write_all(request).await.unwrap();
            let mut passed = vec![0; request.len()];
            guard.read_exact(&mut passed).await.unwrap();
            assert_eq!(passed, request);
            client.write_all(next).await.unwrap();
            assert_eq!(refused_after(&mut guard).await, expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_nothing_is_cut_off_after_ten_seconds() {
        let (_client, mut guard) = guarded();
        let begun = Instant::now();
        let error = guard.write_all(&[0; 4096]).await.unwrap_err();
        assert_eq!((error.kind(), begun.elapsed().as_secs()), (io::ErrorKind::TimedOut, 10));
    }
}
