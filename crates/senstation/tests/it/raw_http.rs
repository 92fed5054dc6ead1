//! Requests that no honest client sends, and a few that some do.

use std::{io::Write, net::Shutdown};

use crate::support::{Answer, EUI, Farm, Station, read_to_end};

/// What follows a case's name: the bytes, and the status that refuses them.
type Case = (&'static str, String, u16);

const OK: &str = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// What every answer carries, as answers are parsed: in small letters.
const CONTRACT_HEADERS: [&str; 5] = [
    "\r\napi-gateway-excute-second: 0.",
    "\r\napi-gateway-mpuo-consume: 0\r\n",
    "\r\napi-version: 2\r\n",
    "\r\naccess-control-allow-origin: *\r\n",
    "\r\naccess-control-expose-headers: api-gateway-excute-second, api-gateway-mpuo-consume, api-version, etag\r\n",
];

fn get(line: &str, fields: &str) -> String {
    format!("{line}\r\n{fields}\r\n\r\n")
}

fn post(fields: &str, body: &str) -> String {
    format!("POST /openapi/view_devices HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n{body}")
}

fn webhook(fields: &str, body: &str) -> String {
    format!("POST /ingest/chirpstack?event=up HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n{body}")
}

/// Each is answered once, in an envelope, and the connection is closed.
fn refused() -> Vec<Case> {
    let line = "GET /healthz HTTP/1.1";
    let a = "Host: a\r\n";
    vec![
        // The request line.
        ("no request line", get("", "Host: a"), 400),
        ("one word", get("GET", "Host: a"), 400),
        ("two words", get("GET /healthz", "Host: a"), 400),
        ("four words", get("GET /healthz now HTTP/1.1", "Host: a"), 400),
        ("two blanks", get("GET  /healthz HTTP/1.1", "Host: a"), 400),
        ("a blank first", get(" GET /healthz HTTP/1.1", "Host: a"), 400),
        ("a blank last", get("GET /healthz HTTP/1.1 ", "Host: a"), 400),
        ("a tab", get("GET\t/healthz\tHTTP/1.1", "Host: a"), 400),
        ("a method with a bracket", get("G(T /healthz HTTP/1.1", "Host: a"), 400),
        ("a path in Latin", get("GET /h\u{e9}althz HTTP/1.1", "Host: a"), 400),
        ("a path with NUL", get("GET /heal\0thz HTTP/1.1", "Host: a"), 400),
        ("a version in small letters", get("GET /healthz http/1.1", "Host: a"), 400),
        ("no version number", get("GET /healthz HTTP", "Host: a"), 400),
        ("a later version", get("GET /healthz HTTP/2.0", "Host: a"), 505),
        ("a version in between", get("GET /healthz HTTP/1.9", "Host: a"), 505),
        ("an early version", get("GET /healthz HTTP/0.9", "Host: a"), 505),
        ("the opening of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), 505),
        ("a proxy's request", get("CONNECT a:443 HTTP/1.1", "Host: a:443"), 405),
        ("a long path", get(&format!("GET /{} HTTP/1.1", "a".repeat(8_200)), "Host: a"), 414),
        ("an endless path", format!("GET /{}", "a".repeat(200_000)), 414),
        ("a path without a slash", get("GET healthz HTTP/1.1", "Host: a"), 400),
        ("everything", get("GET * HTTP/1.1", "Host: a"), 400),
        ("a fragment", get("GET /healthz#a HTTP/1.1", "Host: a"), 400),
        ("a URL of another scheme", get("GET ftp://a/healthz HTTP/1.1", "Host: a"), 400),
        ("a URL without a host", get("GET http:///healthz HTTP/1.1", "Host: a"), 400),
        ("a URL with a user", get("GET http://user@a/healthz HTTP/1.1", "Host: a"), 400),
        ("lines that end in CR", get("GET /healthz HTTP/1.1\rHost: a\r\r", ""), 400),
        ("a byte order mark", get("\u{feff}GET /healthz HTTP/1.1", "Host: a"), 400),
        ("NUL first", get("\0GET /healthz HTTP/1.1", "Host: a"), 400),
        // Hosts.
        ("a URL of another host", get("GET http://b/healthz HTTP/1.1", "Host: a"), 400),
        ("a URL of another port", get("GET http://a:8080/healthz HTTP/1.1", "Host: a"), 400),
        ("no host", get(line, "Accept: */*"), 400),
        ("two hosts", get(line, "Host: a\r\nHost: b"), 400),
        ("the same host twice", get(line, "Host: a\r\nHost: a"), 400),
        ("an empty host", get(line, "Host:"), 400),
        ("two hosts in one", get(line, "Host: a, b"), 400),
        ("a host with a path", get(line, "Host: a/b"), 400),
        ("a host with a user", get(line, "Host: user@a"), 400),
        // Fields.
        ("a folded field", get(line, &format!("{a}X: 1\r\n 2")), 400),
        ("a field folded by a tab", get(line, &format!("{a}X: 1\r\n\t2")), 400),
        ("a folded first field", get(line, &format!(" X: 1\r\n{a}Y: 1")), 400),
        ("a blank before the colon", get(line, &format!("{a}X : 1")), 400),
        ("no colon", get(line, &format!("{a}X")), 400),
        ("no name", get(line, &format!("{a}: 1")), 400),
        ("a name with a slash", get(line, &format!("{a}X/Y: 1")), 400),
        ("a name in Latin", get(line, &format!("{a}\u{e9}: 1")), 400),
        ("a value with NUL", get(line, &format!("{a}X: 1\x002")), 400),
        ("a value with DEL", get(line, &format!("{a}X: 1\x7f")), 400),
        ("a value with a bell", get(line, &format!("{a}X: \x07")), 400),
        ("a value with a vertical tab", get(line, &format!("{a}X: 1\x0b2")), 400),
        ("an expectation", post("Expect: 200-ok\r\nContent-Length: 2", "{}"), 417),
        ("a value with a bare CR", get(line, &format!("{a}X: 1\rY: 2")), 400),
        ("a line that ends in LF", format!("{line}\r\n{a}X: 1\nY: 2\r\n\r\n"), 400),
        ("all lines end in LF", "GET /healthz HTTP/1.1\nHost: a\n\n".to_owned(), 400),
        ("the head ends in LF", format!("{line}\r\n{a}\n"), 400),
        ("a large field", get(line, &format!("{a}X: {}", "a".repeat(200_000))), 431),
        ("a large head", get(line, &format!("{a}{}X: 1", "X: aaaaaaaaaaaaaaaaaaaa\r\n".repeat(900))), 431),
        ("many fields", get(line, &format!("{a}{}X: 1", "X: 1\r\n".repeat(200))), 431),
        // Lengths.
        ("two lengths", post("Content-Length: 2\r\nContent-Length: 3", "{}"), 400),
        ("the same length twice", post("Content-Length: 2\r\nContent-Length: 2", "{}"), 400),
        ("two lengths in one", post("Content-Length: 2, 2", "{}"), 400),
        ("a length with a sign", post("Content-Length: +2", "{}"), 400),
        ("a negative length", post("Content-Length: -2", "{}"), 400),
        ("a length in hex", post("Content-Length: 0x2", "{}"), 400),
        ("a length with a point", post("Content-Length: 2.0", "{}"), 400),
        ("an empty length", post("Content-Length:", "{}"), 400),
        ("a length beyond numbers", post("Content-Length: 99999999999999999999999", "{}"), 400),
        ("a length and chunks", post("Content-Length: 2\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), 400),
        ("chunks and a length", post("Transfer-Encoding: chunked\r\nContent-Length: 2", "0\r\n\r\n"), 400),
        ("chunks twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), 400),
        ("chunks within chunks", post("Transfer-Encoding: chunked, chunked", "0\r\n\r\n"), 501),
        ("another encoding", post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"), 501),
        ("an unknown encoding", post("Transfer-Encoding: xchunked", "0\r\n\r\n"), 501),
        (
            "chunks of HTTP/1.0",
            "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
            400,
        ),
        ("a length with a blank in it", post("Content-Length: 1 2", "{}"), 400),
        ("a length before a colon with a blank", post("Content-Length : 2", "{}"), 400),
        ("a length that is too large", post("Content-Length: 2097153", ""), 413),
        ("a huge length", post("Content-Length: 9223372036854775807", ""), 413),
        ("a webhook's length that is too large", webhook("Content-Length: 1048577", ""), 413),
        ("a webhook without a length", webhook("Accept: */*", ""), 411),
        // Chunks.
        ("a chunk without a size", post("Transfer-Encoding: chunked", "\r\n{}\r\n0\r\n\r\n"), 400),
        ("a chunk's size in letters", post("Transfer-Encoding: chunked", "zz\r\n{}\r\n0\r\n\r\n"), 400),
        ("a chunk's size in hex notation", post("Transfer-Encoding: chunked", "0x2\r\n{}\r\n0\r\n\r\n"), 400),
        ("a negative chunk", post("Transfer-Encoding: chunked", "-2\r\n{}\r\n0\r\n\r\n"), 400),
        ("a chunk beyond numbers", post("Transfer-Encoding: chunked", "fffffffffffffffff\r\n{}"), 400),
        ("a chunk's size of nine digits", post("Transfer-Encoding: chunked", "000000002\r\n{}\r\n0\r\n\r\n"), 400),
        ("a chunk's size before a blank", post("Transfer-Encoding: chunked", "2 \r\n{}\r\n0\r\n\r\n"), 400),
        ("a chunk shorter than said", post("Transfer-Encoding: chunked", "5\r\n{}\r\n0\r\n\r\n"), 400),
        (
            "chunks that are too large",
            post("Transfer-Encoding: chunked", &format!("200001\r\n{}", " ".repeat(2_097_153))),
            413,
        ),
        ("a chunk longer than said", post("Transfer-Encoding: chunked", "1\r\n{}\r\n0\r\n\r\n"), 400),
        ("a chunk with an extension", post("Transfer-Encoding: chunked", "2;a=b\r\n{}\r\n0\r\n\r\n"), 400),
        ("a chunk that ends in LF", post("Transfer-Encoding: chunked", "2\n{}\n0\n\n"), 400),
        ("a trailer", post("Transfer-Encoding: chunked", "2\r\n{}\r\n0\r\nX: 1\r\n\r\n"), 400),
        // Other protocols.
        ("a TLS client", "\x16\x03\x01\x02\0\x01\0\x01\u{7c}\x03\x03".to_owned(), 400),
        ("an MQTT client", "\x10\x0c\0\x04MQTT\x04\x02\0<\0\0".to_owned(), 400),
        ("an SMTP client", "EHLO a\r\n\r\n".to_owned(), 400),
    ]
}

#[test]
fn each_is_refused_once_in_an_envelope_and_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let cases = refused();
    assert!(cases.len() >= 90, "{}", cases.len());
    for (name, request, status) in cases {
        // What follows must not be taken for a request of its own.
        let text = station.talk(&[request.as_bytes(), OK.as_bytes()].concat());
        let answer = Answer::parse(&text);
        assert_eq!(answer.status, status, "{name}: {text}");
        assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{name}: {text}");
        assert!(answer.body["code"].is_string() && answer.body["msg"].is_string(), "{name}: {text}");
        assert!(answer.head.contains("connection: close"), "{name}: {text}");
        for header in CONTRACT_HEADERS {
            assert_eq!(answer.head.matches(header).count(), 1, "{name}: `{header}` in {text}");
        }
    }
    assert_eq!(Answer::parse(&station.talk(OK.as_bytes())).status, 200, "the next client is served");
}

#[test]
fn the_design_page_lists_every_status_of_the_door() {
    let page = include_str!("../../../../docs/api-design.md");
    let statuses = refused().into_iter().map(|(_, _, status)| status).chain([408, 429, 503]);
    for status in statuses {
        assert!(page.contains(&format!("\n| {status} | `10000` |")), "{status}");
    }
}

#[test]
fn what_honest_clients_send_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let close = "Connection: close";
    for (name, request, status) in [
        ("an empty line first", format!("\r\n{OK}"), 200),
        ("HTTP/1.0 without a host", "GET /healthz HTTP/1.0\r\n\r\n".to_owned(), 200),
        ("a whole URL", get("GET http://a/healthz HTTP/1.1", &format!("Host: a\r\n{close}")), 200),
        ("a whole URL of HTTP/1.0", "GET http://a/healthz HTTP/1.0\r\n\r\n".to_owned(), 200),
        ("everything there is", get("OPTIONS * HTTP/1.1", &format!("Host: a\r\n{close}")), 404),
        ("zeros before a length", post(&format!("Content-Length: 0002\r\n{close}"), "{}"), 401),
        ("a port in the host", get("GET /healthz HTTP/1.1", &format!("Host: [::1]:8080\r\n{close}")), 200),
        ("a value in Latin", get("GET /healthz HTTP/1.1", &format!("Host: a\r\nX: \u{e9}\r\n{close}")), 200),
        ("an unknown path", get("GET /nothing HTTP/1.1", &format!("Host: a\r\n{close}")), 404),
        ("an unknown method", get("BREW /healthz HTTP/1.1", &format!("Host: a\r\n{close}")), 405),
        ("a wrong method", get("GET /ingest/chirpstack HTTP/1.1", &format!("Host: a\r\n{close}")), 405),
        ("chunks without a key", post(&format!("Transfer-Encoding: chunked\r\n{close}"), "2\r\n{}\r\n0\r\n\r\n"), 401),
        ("a path out of the tree", get("GET /../etc/passwd HTTP/1.1", &format!("Host: a\r\n{close}")), 404),
        ("a full body limit", post(&format!("Content-Length: 2097152\r\n{close}"), &" ".repeat(2_097_152)), 401),
    ] {
        let text = station.talk(request.as_bytes());
        assert_eq!(Answer::parse(&text).status, status, "{name}: {text}");
        assert_eq!(text.matches("HTTP/1.1 ").count() + text.matches("HTTP/1.0 ").count(), 1, "{name}: {text}");
    }
}

#[test]
fn what_breaks_off_is_refused_once() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    for (name, request, status) in [
        ("within the request line", "GET /heal".to_owned(), 400),
        ("within the header", "GET /healthz HTTP/1.1\r\nHo".to_owned(), 400),
        ("before the empty line", "GET /healthz HTTP/1.1\r\nHost: a\r\n".to_owned(), 400),
        ("before the body", post("Content-Length: 2", ""), 400),
        ("within the body", post("Content-Length: 3", "{}"), 400),
        ("before the first chunk", post("Transfer-Encoding: chunked", ""), 400),
        ("within a chunk", post("Transfer-Encoding: chunked", "5\r\n{}"), 400),
        ("before the last chunk", post("Transfer-Encoding: chunked", "2\r\n{}\r\n"), 400),
        ("within the last chunk", post("Transfer-Encoding: chunked", "2\r\n{}\r\n0\r\n"), 400),
        ("within a webhook", webhook("Content-Length: 100", "{\"deviceInfo\""), 400),
    ] {
        let mut socket = station.connect();
        socket.write_all(request.as_bytes()).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        let text = read_to_end(&mut socket);
        let answer = Answer::parse(&text);
        assert_eq!(answer.status, status, "{name}: {text}");
        assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{name}: {text}");
        assert!(answer.body["code"].is_string() && answer.head.contains("connection: close"), "{name}: {text}");
    }
}

#[test]
fn json_that_is_deep_or_huge_or_none_is_a_logical_failure() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let farm = Farm::set_up(folder);
    let much = 200_000;
    for (name, body) in [
        ("deep lists", "[".repeat(much)),
        ("deep and closed", format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))),
        ("deep objects", "{\"device_eui\":".repeat(much / 16)),
        ("deep below a parameter", format!("{{\"device_eui\":{}{}}}", "[".repeat(65), "]".repeat(65))),
        ("an endless number", format!("{{\"limit\":{}}}", "9".repeat(much))),
        ("an endless string", format!("{{\"device_eui\":\"{}\"}}", "A".repeat(much))),
        ("an open string", "{\"device_eui\":\"2CF7".to_owned()),
        ("half a surrogate", "{\"device_eui\":\"\\ud800\"}".to_owned()),
        ("NUL", "{\"device_eui\":\"\0\"}".to_owned()),
        ("a byte order mark", "\u{feff}{}".to_owned()),
        ("two values", "{} {}".to_owned()),
        ("a comment", "{} // none".to_owned()),
        ("nothing but blanks", " ".repeat(much)),
    ] {
        let answer = station.post("/openapi/view_latest_telemetry_data", &farm.key, &body);
        // A string is JSON, though no EUI.
        let code = if name == "an endless string" { "11203" } else { "11202" };
        assert_eq!((answer.status, &answer.body["code"]), (200, &code.into()), "{name}: {answer:?}");
        let answer = station.uplink(&farm.token, body.as_bytes());
        assert!((400..500).contains(&answer.status), "{name}: {answer:?}");
    }
    let answer = station.get(&format!("/openapi/view_devices?device_euis={EUI}"), &farm.key);
    assert_eq!(answer.body["code"], "0", "{answer:?}");
}

#[test]
fn pipelined_requests_are_answered_in_order_up_to_the_broken_one() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let good = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let text = station.talk(format!("{good}{good}GET /readyz HTTP/1.1\nHost: a\n\n{good}").as_bytes());
    let statuses: Vec<_> = text.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["200", "200", "400"], "{text}");
    let many = "POST /openapi/view_devices HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}".repeat(500);
    let text = station.talk(format!("{many}{OK}").as_bytes());
    let count = |status: &str| text.matches(&format!("HTTP/1.1 {status} ")).count();
    assert_eq!((count("401"), count("200")), (500, 1));
}
