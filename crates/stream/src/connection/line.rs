use std::{
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::packet::{Fault, Packet, Reader};

/// How many bytes may wait for a client to take them before nothing more is read or sent.
const WAITING_BYTES_MAX: usize = 64 * 1024;
/// How many bytes are read at once from a client that has little to say, and from one that has much.
const READ_BYTES: usize = 512;
const READ_BYTES_MAX: usize = 16 * 1024;

/// The socket of a client, with what came from it and what goes to it.
pub(super) struct Line<S> {
    socket: S,
    reader: Reader,
    arrived: BytesMut,
    /// Whether what came last was all that there was room for.
    is_busy: bool,
    /// What is to be sent.
    pub(super) out: Vec<u8>,
    /// How much of it has been.
    sent: usize,
    is_flushed: bool,
}

/// What happened on a line.
pub(super) enum Exchanged {
    /// Something came.
    Read,
    /// Something went.
    Written,
    /// The client has closed its end.
    Closed,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    /// With a client whose packets may have so many bytes.
    pub(super) fn new(socket: S, packet_bytes_max: usize) -> Self {
        let (arrived, out) = (BytesMut::new(), Vec::new());
        Self { socket, reader: Reader::new(packet_bytes_max), arrived, is_busy: false, out, sent: 0, is_flushed: true }
    }

    /// Whether more may be put into `out`.
    pub(super) fn has_room(&self) -> bool {
        self.out.len() - self.sent < WAITING_BYTES_MAX
    }

    /// The next packet that has arrived as a whole.
    pub(super) fn next_packet(&mut self) -> Result<Option<Packet>, Fault> {
        self.reader.read(&mut self.arrived)
    }

    /// Reads or writes, whichever is possible first. Nothing is read while too much waits to be sent.
    /// What was not finished goes on the next time.
    pub(super) async fn exchange(&mut self) -> io::Result<Exchanged> {
        poll_fn(|cx| {
            if let Poll::Ready(written) = self.poll_write(cx) {
                return Poll::Ready(written.map(|()| Exchanged::Written));
            }
            if !self.has_room() {
                return Poll::Pending;
            }
            self.poll_read(cx).map_ok(|count| if count == 0 { Exchanged::Closed } else { Exchanged::Read })
        })
        .await
    }

    /// How many bytes came; 0 is the end.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.is_busy {
            self.arrived.reserve(READ_BYTES_MAX);
            let room = self.arrived.capacity() - self.arrived.len();
            let count = ready!(pin!(self.socket.read_buf(&mut self.arrived)).poll(cx))?;
            self.is_busy = count == room;
            return Poll::Ready(Ok(count));
        }
        // A client that says nothing costs no memory to be heard.
        if self.arrived.is_empty() {
            self.arrived = BytesMut::new();
        }
        let mut bytes = [0; READ_BYTES];
        let mut read = ReadBuf::new(&mut bytes);
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut read))?;
        self.arrived.extend_from_slice(read.filled());
        self.is_busy = read.remaining() == 0;
        Poll::Ready(Ok(read.filled().len()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.sent < self.out.len() {
            let written = Pin::new(&mut self.socket).poll_write(cx, &self.out[self.sent..]);
            return written.map(|count| {
                self.sent += count?;
                self.is_flushed = false;
                if self.sent == self.out.len() {
                    self.sent = 0;
                    // A client that has nothing to be sent costs no memory for it.
                    self.out = Vec::new();
                }
                Ok(())
            });
        }
        if self.is_flushed {
            return Poll::Pending;
        }
        match Pin::new(&mut self.socket).poll_flush(cx) {
            Poll::Ready(Ok(())) => {
                self.is_flushed = true;
                Poll::Pending
            }
            other => other,
        }
    }

    /// Sends what is left, and closes.
    pub(super) async fn close(&mut self) -> io::Result<()> {
        self.socket.write_all(&self.out[self.sent..]).await?;
        self.socket.shutdown().await
    }
}
