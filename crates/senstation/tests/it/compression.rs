//! Answers go out compressed to whoever asks, if it is worth it, and say the same.

use std::io::{Read, Write};

use flate2::read::GzDecoder;

use crate::support::Station;

/// Head and whole body, chunks put together.
fn ask(station: &Station, path: &str, accepts: &str) -> (String, Vec<u8>) {
    let mut socket = station.connect();
    let request = format!("GET {path} HTTP/1.1\r\nHost: station\r\n{accepts}Connection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
    let head = String::from_utf8(answer[..end].to_vec()).unwrap().to_ascii_lowercase();
    let body = answer.split_off(end);
    let body = if head.contains("transfer-encoding: chunked") { unchunk(&body) } else { body };
    (head, body)
}

fn unchunk(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = chunks.windows(2).position(|window| window == b"\r\n").expect("a chunk's length");
        let bytes = usize::from_str_radix(std::str::from_utf8(&chunks[..line]).unwrap(), 16).unwrap();
        if bytes == 0 {
            return body;
        }
        body.extend_from_slice(&chunks[line + 2..line + 2 + bytes]);
        chunks = &chunks[line + 2 + bytes + 2..];
    }
}

#[test]
fn a_large_answer_is_compressed_for_whoever_asks() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    let (head, plain) = ask(&station, "/refer/def/sensor.json", "");
    assert!(!head.contains("content-encoding"), "{head}");
    let (head, zipped) = ask(&station, "/refer/def/sensor.json", "Accept-Encoding: deflate, gzip\r\n");
    assert!(head.contains("content-encoding: gzip") && head.contains("vary: accept-encoding"), "{head}");
    assert!(head.contains("api-gateway-excute-second: "), "{head}");
    assert!(zipped.len() * 2 < plain.len(), "{} of {}", zipped.len(), plain.len());
    let mut unzipped = Vec::new();
    GzDecoder::new(zipped.as_slice()).read_to_end(&mut unzipped).unwrap();
    assert_eq!(unzipped, plain);
}

#[test]
fn a_small_answer_and_one_that_nobody_wants_compressed_go_out_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::serve(folder.path());
    for (path, accepts) in [
        ("/openapi/view_organization", "Accept-Encoding: gzip\r\n"),
        ("/refer/def/sensor.json", "Accept-Encoding: gzip;q=0\r\n"),
        ("/refer/def/sensor.json", "Accept-Encoding: br, zstd\r\n"),
    ] {
        let (head, body) = ask(&station, path, accepts);
        assert!(!head.contains("content-encoding"), "{head}");
        assert!(body.starts_with(b"{"), "{path} {accepts}");
    }
}
