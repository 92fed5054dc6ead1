//! Follows the bytes of a connection from request to request.

use super::{
    head::{self, BodyEnd, HEAD_BYTES_MAX},
    refusal::Refusal,
};

/// What to do with the bytes that have arrived.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The first so many, at least one, are as they should be: let them through.
    Release(usize),
    /// Drop the first so many.
    Skip(usize),
    /// Wait for more.
    More,
    /// No further request comes.
    End,
}

/// Where in the stream of requests a connection is.
#[derive(Debug)]
pub(super) struct Framer {
    state: State,
    is_last: bool,
}

#[derive(Debug)]
enum State {
    /// So many bytes of the head were looked at; the line that they end in starts there.
    Head { scanned: usize, line: usize },
    /// So many bytes of the body are still to come.
    Body { left: u64 },
    /// Within a body of chunks.
    Chunk(Chunk),
    /// After the last request.
    End,
}

#[derive(Debug, Clone, Copy)]
enum Chunk {
    Size { digits: u8, size: u64 },
    SizeLf { size: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    EndCr,
    EndLf,
}

const FIRST_SIZE: Chunk = Chunk::Size { digits: 0, size: 0 };

impl Framer {
    pub(super) const fn new() -> Self {
        Self { state: State::Head { scanned: 0, line: 0 }, is_last: false }
    }

    /// Whether the next byte belongs to a head.
    pub(super) const fn is_in_head(&self) -> bool {
        matches!(self.state, State::Head { .. })
    }

    /// Looks at what has arrived and was not released yet.
    ///
    /// **Errors**: what the client is refused with; nothing after it can be understood.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Result<Step, Refusal> {
        match &mut self.state {
            State::Head { .. } => self.head(bytes),
            State::Body { left } => {
                let count = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= count as u64;
                if *left == 0 {
                    self.next_request();
                }
                Ok(if count == 0 { Step::More } else { Step::Release(count) })
            }
            State::Chunk(_) => self.chunks(bytes),
            State::End => Ok(Step::End),
        }
    }

    fn head(&mut self, bytes: &[u8]) -> Result<Step, Refusal> {
        let State::Head { scanned, line } = &mut self.state else { return Ok(Step::More) };
        // Some clients send an empty line after a body.
        match bytes {
            [b'\r'] => return Ok(Step::More),
            [b'\r', b'\n', ..] if *scanned == 0 => return Ok(Step::Skip(2)),
            _ => {}
        }
        if *scanned == 0 && bytes.first().is_some_and(|byte| !byte.is_ascii_graphic() && *byte != b'\r') {
            return Err(Refusal::bad_request("this is no HTTP; the port takes plain HTTP/1.1"));
        }
        let limited = &bytes[..bytes.len().min(HEAD_BYTES_MAX)];
        while let Some(offset) = limited[*scanned..].iter().position(|byte| *byte == b'\n') {
            let at = *scanned + offset;
            if at == 0 || limited[at - 1] != b'\r' {
                return Err(Refusal::bad_request("a line ends in a bare line feed instead of CR LF"));
            }
            let is_empty = at - 1 == *line;
            *scanned = at + 1;
            *line = *scanned;
            if is_empty {
                let head = head::inspect(&bytes[..=at])?;
                self.is_last = head.is_last;
                match head.body {
                    BodyEnd::Length(0) => self.next_request(),
                    BodyEnd::Length(left) => self.state = State::Body { left },
                    BodyEnd::Chunked => self.state = State::Chunk(FIRST_SIZE),
                }
                return Ok(Step::Release(at + 1));
            }
        }
        *scanned = limited.len();
        if bytes.len() >= HEAD_BYTES_MAX { Err(head::too_large(bytes)) } else { Ok(Step::More) }
    }

    fn chunks(&mut self, bytes: &[u8]) -> Result<Step, Refusal> {
        let malformed = || Refusal::bad_request("a chunk is not framed as `SIZE` in hex, CR LF, data, CR LF");
        let mut at = 0;
        while let (State::Chunk(chunk), Some(byte)) = (&mut self.state, bytes.get(at)) {
            let mut taken = 1;
            *chunk = match (*chunk, byte) {
                (Chunk::Size { digits: 0..8, size }, digit) if digit.is_ascii_hexdigit() => {
                    let digit = char::from(*digit).to_digit(16).unwrap_or_default();
                    let Chunk::Size { digits, .. } = *chunk else { return Err(malformed()) };
                    Chunk::Size { digits: digits + 1, size: size * 16 + u64::from(digit) }
                }
                (Chunk::Size { digits: 1.., size }, b'\r') => Chunk::SizeLf { size },
                (Chunk::SizeLf { size: 0 }, b'\n') => Chunk::EndCr,
                (Chunk::SizeLf { size }, b'\n') => Chunk::Data { left: size },
                (Chunk::Data { left }, _) => {
                    taken = (bytes.len() - at).min(usize::try_from(left).unwrap_or(usize::MAX));
                    match left - taken as u64 {
                        0 => Chunk::DataCr,
                        left => Chunk::Data { left },
                    }
                }
                (Chunk::DataCr, b'\r') => Chunk::DataLf,
                (Chunk::DataLf, b'\n') => FIRST_SIZE,
                (Chunk::EndCr, b'\r') => Chunk::EndLf,
                (Chunk::EndLf, b'\n') => {
                    self.next_request();
                    return Ok(Step::Release(at + 1));
                }
                // What came before passes, in however many pieces it came.
                _ if at > 0 => return Ok(Step::Release(at)),
                _ => return Err(malformed()),
            };
            at += taken;
        }
        Ok(if at == 0 { Step::More } else { Step::Release(at) })
    }

    fn next_request(&mut self) {
        self.state = if self.is_last { State::End } else { State::Head { scanned: 0, line: 0 } };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What passes of a stream that arrives in pieces of so many bytes, and the status that ends it.
    fn pass(stream: &[u8], piece: usize) -> (Vec<u8>, Option<u16>) {
        let (mut framer, mut passed, mut waiting) = (Framer::new(), Vec::new(), Vec::new());
        for piece in stream.chunks(piece) {
            waiting.extend_from_slice(piece);
            loop {
                match framer.advance(&waiting) {
                    Ok(Step::Release(count)) => passed.extend(waiting.drain(..count)),
                    Ok(Step::Skip(count)) => drop(waiting.drain(..count)),
                    Ok(Step::More) => break,
                    Ok(Step::End) => return (passed, None),
                    Err(refusal) => return (passed, Some(refusal.status().as_u16())),
                }
            }
        }
        (passed, None)
    }

    #[track_caller]
    fn check(stream: &str, passes: usize, status: Option<u16>) {
        for piece in [1, 2, 7, stream.len()] {
            let (passed, refused) = pass(stream.as_bytes(), piece);
            assert_eq!((passed.len(), refused), (passes, status), "{stream:?} in pieces of {piece}");
        }
    }

    proptest::proptest! {
        #[test]
        fn where_a_stream_is_cut_makes_no_difference(
            parts in proptest::collection::vec(
                proptest::prop_oneof![
                    proptest::strategy::Just(GET.as_bytes().to_vec()),
                    proptest::strategy::Just(POST.as_bytes().to_vec()),
                    proptest::strategy::Just(CHUNKED.as_bytes().to_vec()),
                    proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40),
                    proptest::strategy::Strategy::prop_map("[ -~\r\n]{0,60}", String::into_bytes),
                ],
                1..6,
            ),
            piece in 1_usize..50,
        ) {
            let stream = parts.concat();
            let whole = pass(&stream, stream.len().max(1));
            proptest::prop_assert_eq!(pass(&stream, piece), whole);
        }
    }

    #[test]
    fn the_corpus_is_cut_anywhere_and_makes_no_difference() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/http");
        let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(files.len() >= 8, "{files:?}");
        for file in files {
            let stream = std::fs::read(&file).unwrap();
            let whole = pass(&stream, stream.len().max(1));
            for piece in [1, 2, 7, 64] {
                assert_eq!(pass(&stream, piece), whole, "{}", file.display());
            }
        }
    }

    const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    const CHUNKED: &str =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n";

    #[test]
    fn requests_follow_each_other() {
        let stream = format!("{GET}{POST}{CHUNKED}{GET}");
        check(&stream, stream.len(), None);
    }

    #[test]
    fn empty_lines_between_requests_are_dropped() {
        check(&format!("\r\n{GET}\r\n\r\n{POST}"), GET.len() + POST.len(), None);
    }

    #[test]
    fn nothing_passes_after_the_last_request() {
        let last = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        check(&format!("{last}{GET}"), last.len(), None);
    }

    #[test]
    fn a_bad_request_passes_not_even_in_part() {
        for bad in ["GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\n\r\n", "\u{16}\u{3}\u{1}", "\n\n"] {
            check(&format!("{POST}{bad}"), POST.len(), Some(400));
        }
    }

    #[test]
    fn chunks_that_are_not_framed_as_chunks_end_the_connection() {
        let head = &CHUNKED[..CHUNKED.find("3\r\n").unwrap()];
        for bad in ["\r\n", "g\r\n", "3;a=b\r\n", "123456789\r\n", "3\n", "1\r\nabc", "0\r\nX: 1\r\n\r\n", "-1\r\n"] {
            for piece in [1, 1000] {
                let (_, refused) = pass(format!("{head}{bad}").as_bytes(), piece);
                assert_eq!(refused, Some(400), "{bad:?}");
            }
        }
    }

    #[test]
    fn a_head_without_end_is_refused() {
        check(&format!("GET /{}", "a".repeat(20_000)), 0, Some(414));
        check(&format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(200_000)), 0, Some(431));
    }
}
