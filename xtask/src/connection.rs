use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, ensure};

/// A keep-alive connection: one request, its answer, the next. Does as little as a client can, so
/// that what is measured is the server.
pub(crate) struct Connection {
    stream: TcpStream,
    bytes: Vec<u8>,
}

/// An answer; head and body are where the connection read them to.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { stream, bytes: vec![0; 1 << 20] })
    }

    pub(crate) fn ask(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request)?;
        let mut filled = 0;
        let (head, length) = loop {
            filled += self.read(filled)?;
            if let Some(head) = self.bytes[..filled].windows(4).position(|end| end == b"\r\n\r\n") {
                break (head, content_length(&self.bytes[..head])?);
            }
        };
        let end = head + 4 + length;
        while filled < end {
            filled += self.read(filled)?;
        }
        let status = std::str::from_utf8(&self.bytes[9..12])?.parse()?;
        Ok(Answer { status, body: &self.bytes[head + 4..end] })
    }

    fn read(&mut self, filled: usize) -> anyhow::Result<usize> {
        if filled == self.bytes.len() {
            self.bytes.resize(2 * filled, 0);
        }
        let count = self.stream.read(&mut self.bytes[filled..])?;
        ensure!(count > 0, "the server closed the connection");
        Ok(count)
    }
}

fn content_length(head: &[u8]) -> anyhow::Result<usize> {
    let head = std::str::from_utf8(head)?;
    let of = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().to_owned())
    };
    match head.lines().find_map(of) {
        Some(length) => length.parse().context("an answer has a strange length"),
        None => Ok(0),
    }
}
