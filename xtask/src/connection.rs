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
        let (begin, length) = loop {
            filled += self.read(filled)?;
            if let Some(head) = self.bytes[..filled].windows(4).position(|end| end == b"\r\n\r\n") {
                break (head + 4, length(&self.bytes[..head])?);
            }
        };
        let status = std::str::from_utf8(&self.bytes[9..12])?.parse()?;
        let end = match length {
            Length::Bytes(length) => {
                while filled < begin + length {
                    filled += self.read(filled)?;
                }
                begin + length
            }
            Length::Chunks => self.join_chunks(begin, filled)?,
        };
        Ok(Answer { status, body: &self.bytes[begin..end] })
    }

    /// Reads a body that comes in chunks and puts them together; says where it ends.
    fn join_chunks(&mut self, begin: usize, mut filled: usize) -> anyhow::Result<usize> {
        let (mut at, mut end) = (begin, begin);
        loop {
            let size = loop {
                match self.bytes[at..filled].windows(2).position(|end| end == b"\r\n") {
                    Some(line) => break line,
                    None => filled += self.read(filled)?,
                }
            };
            let bytes = usize::from_str_radix(std::str::from_utf8(&self.bytes[at..at + size])?.trim(), 16)?;
            let data = at + size + 2;
            while filled < data + bytes + 2 {
                filled += self.read(filled)?;
            }
            if bytes == 0 {
                return Ok(end);
            }
            self.bytes.copy_within(data..data + bytes, end);
            end += bytes;
            at = data + bytes + 2;
        }
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

enum Length {
    Bytes(usize),
    Chunks,
}

fn length(head: &[u8]) -> anyhow::Result<Length> {
    let head = std::str::from_utf8(head)?;
    let of = |name: &str| {
        let is_it = move |line: &&str| line.split_once(':').is_some_and(|(other, _)| other.eq_ignore_ascii_case(name));
        head.lines().find(is_it).and_then(|line| line.split_once(':')).map(|(_, value)| value.trim())
    };
    match (of("content-length"), of("transfer-encoding")) {
        (Some(length), _) => Ok(Length::Bytes(length.parse().context("an answer has a strange length")?)),
        (None, Some("chunked")) => Ok(Length::Chunks),
        (None, _) => Ok(Length::Bytes(0)),
    }
}
