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
    net::TcpStream,
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
pub(super) struct Guard {
    socket: TcpStream,
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

impl Guard {
    pub(super) fn new(socket: TcpStream, patience: Patience) -> Self {
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

    /// What the client is still to be told, the socket, and whether the client has closed its side.
    pub(super) fn into_parts(self) -> (Option<Refusal>, TcpStream, bool) {
        (self.refusal, self.socket, self.peer_has_closed)
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.refusal = Some(refusal);
        self.has_ended = true;
    }

    /// Sorts what has arrived; whether more must arrive first.
    fn needs_more(&mut self) -> bool {
        while self.start == self.released && !self.has_ended {
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
                Err(refusal) => self.refuse(refusal),
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
    fn in_time(&mut self, outcome: Poll<io::Result<usize>>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
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

impl AsyncRead for Guard {
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

impl AsyncWrite for Guard {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.socket).poll_write(cx, bytes);
        this.in_time(outcome, cx)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
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
