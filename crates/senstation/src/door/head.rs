//! What a request's head must be before anything else looks at it.
//!
//! The HTTP library forgives more than is good between strangers: lines that end in a bare line
//! feed, two hosts, a length said twice. What is forgiven here and not in a proxy before us, or the
//! other way round, is how one request becomes two.

use axum::http::StatusCode;

use super::refusal::Refusal;

/// How many bytes a head may have, request line included.
pub(super) const HEAD_BYTES_MAX: usize = 16 * 1024;
/// How many bytes the target of a request may have.
const TARGET_BYTES_MAX: usize = 8 * 1024;
/// How many header fields a head may have.
const FIELDS_MAX: usize = 100;

/// Where the body of a request ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyEnd {
    /// After so many bytes.
    Length(u64),
    /// Where its chunks say.
    Chunked,
}

/// What follows a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) body: BodyEnd,
    /// Whether the client will not send another request on this connection.
    pub(super) is_last: bool,
}

/// Reads a whole head, from the request line to the empty line, all lines ending in CR LF.
///
/// **Errors**: the status and the words that the client is refused with.
pub(super) fn inspect(head: &[u8]) -> Result<Head, Refusal> {
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let (version, host) = request_line(lines.next().unwrap_or_default())?;
    let mut fields = Fields { target_host: host, ..Fields::default() };
    for (count, line) in lines.take_while(|line| !line.is_empty()).enumerate() {
        if count == FIELDS_MAX {
            return Err(Refusal::new(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                format!("send at most {FIELDS_MAX} header fields"),
            ));
        }
        fields.add(line)?;
    }
    fields.finish(version)
}

/// The refusal of a head that has no end within the limit.
pub(super) fn too_large(head: &[u8]) -> Refusal {
    if head.contains(&b'\n') {
        let message = format!("send at most {HEAD_BYTES_MAX} bytes of header");
        Refusal::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, message)
    } else {
        target_too_long()
    }
}

fn target_too_long() -> Refusal {
    Refusal::new(StatusCode::URI_TOO_LONG, format!("send at most {TARGET_BYTES_MAX} bytes of path and query"))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Http10,
    Http11,
}

/// The version, and the host if the target is a whole URL.
fn request_line(line: &[u8]) -> Result<(Version, Option<&[u8]>), Refusal> {
    let malformed = || Refusal::bad_request("the request line is not `METHOD TARGET HTTP/1.1`");
    let mut words = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(malformed());
    };
    if !is_token(method) || target.is_empty() || !target.iter().all(u8::is_ascii_graphic) {
        return Err(malformed());
    }
    if target.len() > TARGET_BYTES_MAX {
        return Err(target_too_long());
    }
    if method == b"CONNECT" {
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "this is no proxy"));
    }
    let version = match version {
        b"HTTP/1.1" => Version::Http11,
        b"HTTP/1.0" => Version::Http10,
        other if other.starts_with(b"HTTP/") => {
            return Err(Refusal::new(StatusCode::HTTP_VERSION_NOT_SUPPORTED, "send HTTP/1.1"));
        }
        _ => return Err(malformed()),
    };
    let host = match target {
        [b'/', ..] => None,
        b"*" if method == b"OPTIONS" => None,
        _ => Some(host_of(target).ok_or_else(malformed_target)?),
    };
    if target.contains(&b'#') {
        return Err(malformed_target());
    }
    Ok((version, host))
}

/// The host of a URL, its port included.
fn host_of(url: &[u8]) -> Option<&[u8]> {
    let is_of = |scheme: &&[u8]| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let scheme = [&b"http://"[..], b"https://"].into_iter().find(is_of)?;
    let rest = &url[scheme.len()..];
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    Some(&rest[..end]).filter(|host| is_authority(host))
}

fn malformed_target() -> Refusal {
    Refusal::bad_request("what is asked for is neither a path nor a URL")
}

/// The fields that say where a request ends and for whom it is.
#[derive(Default)]
struct Fields<'a> {
    target_host: Option<&'a [u8]>,
    hosts: usize,
    length: Option<u64>,
    is_chunked: bool,
    says_close: bool,
    says_keep_alive: bool,
}

impl Fields<'_> {
    fn add(&mut self, line: &[u8]) -> Result<(), Refusal> {
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = match colon {
            Some(colon) => (&line[..colon], without_blanks(&line[colon + 1..])),
            None => (line, &b""[..]),
        };
        if colon.is_none() || !is_token(name) {
            return Err(Refusal::bad_request("a header field is not `Name: value` on one line"));
        }
        if !value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..)) {
            return Err(Refusal::bad_request("a header field has a control character"));
        }
        // Few names matter; their lengths tell most others apart.
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => self.host(value),
            6 if name.eq_ignore_ascii_case(b"expect") && !value.eq_ignore_ascii_case(b"100-continue") => {
                Err(Refusal::new(StatusCode::EXPECTATION_FAILED, "expect nothing but `100-continue`"))
            }
            10 if name.eq_ignore_ascii_case(b"connection") => {
                let mut options = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
                self.says_close |= options.clone().any(|option| option.eq_ignore_ascii_case(b"close"));
                self.says_keep_alive |= options.any(|option| option.eq_ignore_ascii_case(b"keep-alive"));
                Ok(())
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => self.length(value),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.encoding(value),
            _ => Ok(()),
        }
    }

    fn host(&mut self, value: &[u8]) -> Result<(), Refusal> {
        self.hosts += 1;
        if !is_authority(value) {
            return Err(Refusal::bad_request("`Host` names no host"));
        }
        match self.target_host {
            Some(host) if !host.eq_ignore_ascii_case(value) => {
                Err(Refusal::bad_request("`Host` names another host than the URL that is asked for"))
            }
            _ => Ok(()),
        }
    }

    fn length(&mut self, value: &[u8]) -> Result<(), Refusal> {
        let number = Some(value).filter(|digits| digits.iter().all(u8::is_ascii_digit));
        let number = number.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        match (number, self.length) {
            (Some(number), None) => self.length = Some(number),
            (Some(_), Some(_)) => return Err(Refusal::bad_request("there is more than one `Content-Length`")),
            (None, _) => return Err(Refusal::bad_request("`Content-Length` is not a number of bytes")),
        }
        Ok(())
    }

    fn encoding(&mut self, value: &[u8]) -> Result<(), Refusal> {
        if self.is_chunked {
            return Err(Refusal::bad_request("there is more than one `Transfer-Encoding`"));
        }
        if !value.eq_ignore_ascii_case(b"chunked") {
            return Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, "send no `Transfer-Encoding` but `chunked`"));
        }
        self.is_chunked = true;
        Ok(())
    }

    fn finish(self, version: Version) -> Result<Head, Refusal> {
        if self.hosts > 1 || (self.hosts == 0 && version == Version::Http11) {
            return Err(Refusal::bad_request("send exactly one `Host`"));
        }
        let body = match (self.is_chunked, self.length) {
            (true, Some(_)) => {
                return Err(Refusal::bad_request("send `Content-Length` or `Transfer-Encoding`, not both"));
            }
            (true, None) if version == Version::Http10 => {
                return Err(Refusal::bad_request("HTTP/1.0 has no `Transfer-Encoding`"));
            }
            (true, None) => BodyEnd::Chunked,
            (false, length) => BodyEnd::Length(length.unwrap_or(0)),
        };
        let is_last = match version {
            Version::Http11 => self.says_close,
            Version::Http10 => self.says_close || !self.says_keep_alive,
        };
        Ok(Head { body, is_last })
    }
}

/// Without the spaces and tabs around it; a carriage return is no blank.
fn without_blanks(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

fn is_authority(text: &[u8]) -> bool {
    let is_fine =
        |byte: &u8| matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b':' | b'[' | b']');
    !text.is_empty() && text.iter().all(is_fine)
}

fn is_token(name: &[u8]) -> bool {
    let is_tchar = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !name.is_empty() && name.iter().all(is_tchar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lines: &str, expected: Result<Head, u16>) {
        let head = format!("{}\r\n\r\n", lines.replace('\n', "\r\n"));
        assert_eq!(inspect(head.as_bytes()).map_err(|refusal| refusal.status().as_u16()), expected, "{lines}");
    }

    const PLAIN: Head = Head { body: BodyEnd::Length(0), is_last: false };

    #[test]
    fn takes_what_ordinary_clients_send() {
        check("GET / HTTP/1.1\nHost: a", Ok(PLAIN));
        check("GET /a?b=%20 HTTP/1.1\nhost:[::1]:8080\nX-Empty:\nX-High: é", Ok(PLAIN));
        check("GET http://A:80/a HTTP/1.1\nHost: a:80", Ok(PLAIN));
        check("GET HTTPS://a?b HTTP/1.1\nHost: a", Ok(PLAIN));
        check("OPTIONS * HTTP/1.1\nHost: a", Ok(PLAIN));
        check("GET / HTTP/1.1\nHost: a\nExpect: 100-Continue", Ok(PLAIN));
        check("GET / HTTP/1.1\nHost: a\nConnection: Close", Ok(Head { is_last: true, ..PLAIN }));
        check("GET / HTTP/1.0", Ok(Head { is_last: true, ..PLAIN }));
        check("GET / HTTP/1.0\nConnection: keep-alive", Ok(PLAIN));
        check("POST / HTTP/1.1\nHost: a\nContent-Length: 7", Ok(Head { body: BodyEnd::Length(7), ..PLAIN }));
        check("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: Chunked", Ok(Head { body: BodyEnd::Chunked, ..PLAIN }));
    }

    #[test]
    fn refuses_what_leaves_the_end_of_the_request_open() {
        for fields in [
            "Content-Length: 1\nContent-Length: 1",
            "Content-Length: 1\nContent-Length: 2",
            "Content-Length: 1, 1",
            "Content-Length: +1",
            "Content-Length: -1",
            "Content-Length: 0x1",
            "Content-Length: 1 1",
            "Content-Length:",
            "Content-Length: 99999999999999999999",
            "Content-Length: 1\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\nContent-Length: 1",
            "Transfer-Encoding: chunked\nTransfer-Encoding: chunked",
            "Content-Length : 1",
            " Content-Length: 1",
            "X: 1\n folded",
            "X: 1\n\tfolded",
            "X: a\u{0}b",
            "X: a\rb",
            "X: a\r",
            "X:\r",
            "X:\r 1",
            "X: 1\u{c}",
            "no colon",
            ": no name",
            "Host: b",
            "Näme: a",
        ] {
            check(&format!("POST / HTTP/1.1\nHost: a\n{fields}"), Err(400));
        }
        check("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: gzip, chunked", Err(501));
        check("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: identity", Err(501));
        check("POST / HTTP/1.0\nHost: a\nTransfer-Encoding: chunked", Err(400));
    }

    #[test]
    fn refuses_other_request_lines() {
        for line in ["", "GET", "GET /", "GET  / HTTP/1.1", "GET / a HTTP/1.1", " GET / HTTP/1.1", "GET / HTTP/1.1 "] {
            check(&format!("{line}\nHost: a"), Err(400));
        }
        check("G=T / HTTP/1.1\nHost: a", Err(400));
        check("GET /é HTTP/1.1\nHost: a", Err(400));
        check("GET /\t HTTP/1.1\nHost: a", Err(400));
        check("GET / http/1.1\nHost: a", Err(400));
        check("GET / HTTP/2.0\nHost: a", Err(505));
        check("GET / HTTP/1.2\nHost: a", Err(505));
        check("CONNECT a:443 HTTP/1.1\nHost: a", Err(405));
        check(&format!("GET /{} HTTP/1.1\nHost: a", "a".repeat(8192)), Err(414));
    }

    #[test]
    fn refuses_targets_that_are_neither_path_nor_url_of_the_host() {
        for target in
            ["a", "*", "a/b", "?a", "/a#b", "ftp://a/", "http://", "http:///a", "http:a", "http://b/", "http://u@a/"]
        {
            check(&format!("GET {target} HTTP/1.1\nHost: a"), Err(400));
        }
        check("GET http://a:81/ HTTP/1.1\nHost: a", Err(400));
        check("GET http://a/ HTTP/1.1\nHost: a\nHost: a", Err(400));
    }

    #[test]
    fn refuses_other_expectations() {
        for expected in ["", "200-ok", "100-continue, 200-ok"] {
            check(&format!("POST / HTTP/1.1\nHost: a\nExpect: {expected}"), Err(417));
        }
    }

    proptest::proptest! {
        #[test]
        fn what_passes_has_one_host_and_one_end(
            line in "(GET|POST|OPTIONS) (/|\\*|http://a|[ -~]{1,8}) HTTP/1\\.[01]",
            fields in proptest::collection::vec(
                "(Host|host|Content-Length|Transfer-Encoding|Expect|X|[ -~\t]{0,9}):? ?(a|b|3|chunked|[ -~\t\r\0]{0,9})",
                0..5,
            ),
        ) {
            let head = format!("{line}\r\n{}\r\n\r\n", fields.join("\r\n"));
            let count = |name: &str| {
                let of = |field: &&String| field.split(':').next().is_some_and(|found| found.eq_ignore_ascii_case(name));
                fields.iter().filter(of).count()
            };
            if inspect(head.as_bytes()).is_ok() {
                proptest::prop_assert!(count("host") == 1 || (count("host") == 0 && line.ends_with('0')), "{head:?}");
                proptest::prop_assert!(count("content-length") + count("transfer-encoding") <= 1, "{head:?}");
                proptest::prop_assert!(!fields.iter().any(|field| field.contains(['\r', '\0'])), "{head:?}");
            }
        }
    }

    #[test]
    fn refuses_all_but_one_host() {
        check("GET / HTTP/1.1", Err(400));
        check("GET / HTTP/1.1\nHost: a\nhost: a", Err(400));
        for host in ["", "a b", "a,b", "a/b", "user@a", "a?b"] {
            check(&format!("GET / HTTP/1.1\nHost: {host}"), Err(400));
        }
    }

    #[test]
    fn refuses_too_many_fields() {
        let fields = |count| format!("GET / HTTP/1.1\nHost: a{}", "\nX: 1".repeat(count));
        check(&fields(99), Ok(PLAIN));
        check(&fields(100), Err(431));
    }
}
