//! The same over TLS: with an authority of one's own, a certificate that is replaced, and clients
//! that are none.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, StreamOwned, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
    version::{TLS12, TLS13},
};

use crate::support::{Answer, Station, json, senstation};

const GET: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const KEPT: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

pub(crate) fn make_certificate(folder: &Path) {
    json(folder, &["ca", "init"]);
    json(folder, &["ca", "issue", "--host", "127.0.0.1", "--host", "station.lan"]);
}

pub(crate) fn serve(folder: &Path, more: &[(&str, &str)]) -> (Station, SocketAddr) {
    let mut command = senstation(folder);
    command.args(["serve", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"]);
    command.args(["--tls-certificate", "senstation-data/tls/station.crt"]);
    command.args(["--tls-key", "senstation-data/tls/station.key"]);
    command.envs(more.iter().copied());
    let station = Station::start(folder, &mut command);
    let rest = station.greeting.split("https://").nth(1).unwrap();
    let address = rest.split_whitespace().next().unwrap().parse().unwrap();
    (station, address)
}

pub(crate) type Encrypted = StreamOwned<ClientConnection, TcpStream>;

/// A client that trusts the authority in a folder and calls the station by a name.
pub(crate) fn connect(
    folder: &Path,
    address: SocketAddr,
    name: &str,
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<Encrypted> {
    connect_as(folder, address, name, versions, &["h2", "http/1.1"])
}

/// The same, and says what it wants to speak.
pub(crate) fn connect_as(
    folder: &Path,
    address: SocketAddr,
    name: &str,
    versions: &[&'static SupportedProtocolVersion],
    protocols: &[&str],
) -> std::io::Result<Encrypted> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("senstation-data/tls/ca.crt")).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let connection = ClientConnection::new(Arc::new(config), ServerName::try_from(name.to_owned()).unwrap()).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(address)?);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

fn ask(stream: &mut Encrypted, request: &[u8]) -> Answer {
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    Answer::parse(&String::from_utf8(answer).unwrap())
}

/// Asks on a connection that stays open.
fn ask_and_stay(stream: &mut Encrypted) {
    stream.write_all(KEPT).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"ok\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
}

#[test]
fn clients_that_trust_the_authority_are_served_under_every_name() {
    let folder = tempfile::tempdir().unwrap();
    make_certificate(folder.path());
    let (station, address) = serve(folder.path(), &[]);
    for name in ["127.0.0.1", "station.lan", "sensecap.seeed.cc", "sensecap-openapi.seeed.cc", "sensecap.seeed.cn"] {
        for (version, expected) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
            let mut stream = connect(folder.path(), address, name, &[version]).unwrap();
            assert_eq!(stream.conn.protocol_version(), Some(expected));
            assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
            assert_eq!(ask(&mut stream, GET).status, 200, "{name}");
        }
    }
    assert!(connect(folder.path(), address, "other.lan", &[&TLS13]).is_err());
    assert_eq!(Answer::parse(&station.talk(GET)).status, 200, "and in the clear");
}

#[test]
fn a_client_without_tls_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    make_certificate(folder.path());
    let (_station, address) = serve(folder.path(), &[]);
    let mut plain = TcpStream::connect(address).unwrap();
    plain.write_all(GET).unwrap();
    let mut text = String::new();
    plain.read_to_string(&mut text).unwrap();
    let answer = Answer::parse(&text);
    assert_eq!(answer.status, 400);
    assert!(answer.body["msg"].as_str().unwrap().contains("https://"), "{answer:?}");
    // What begins as TLS and goes on as nothing gets no word, and keeps nobody else out.
    let mut broken = TcpStream::connect(address).unwrap();
    broken.write_all(b"\x16\x03\x01\x00\x05nonsense").unwrap();
    broken.read_to_end(&mut Vec::new()).unwrap();
    assert_eq!(ask(&mut connect(folder.path(), address, "station.lan", &[&TLS13]).unwrap(), GET).status, 200);
}

#[test]
fn what_is_refused_over_tls_is_refused_in_an_envelope_and_the_connection_closed() {
    let folder = tempfile::tempdir().unwrap();
    make_certificate(folder.path());
    let (_station, address) = serve(folder.path(), &[]);
    let mut stream = connect(folder.path(), address, "station.lan", &[&TLS13]).unwrap();
    let answer = ask(&mut stream, b"GET /healthz HTTP/1.1\nHost: a\n\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(answer.status, 400);
    assert!(answer.body["code"].is_string(), "{answer:?}");
}

#[test]
fn the_limits_of_connections_count_both_doors_together() {
    let folder = tempfile::tempdir().unwrap();
    make_certificate(folder.path());
    let (station, address) = serve(folder.path(), &[("SENSTATION_HTTP_CONNECTIONS_PER_ADDRESS_MAX", "2")]);
    let mut encrypted = connect(folder.path(), address, "station.lan", &[&TLS13]).unwrap();
    ask_and_stay(&mut encrypted);
    let mut plain = station.connect();
    plain.write_all(KEPT).unwrap();
    plain.read_exact(&mut [0; 12]).unwrap();
    assert!(connect(folder.path(), address, "station.lan", &[&TLS13]).is_err());
    assert_eq!(Answer::parse(&crate::support::read_to_end(&mut station.connect())).status, 429);
    ask_and_stay(&mut encrypted);
}

#[test]
fn a_new_certificate_is_shown_after_a_hangup_and_connections_go_on() {
    let folder = tempfile::tempdir().unwrap();
    make_certificate(folder.path());
    let (station, address) = serve(folder.path(), &[]);
    let shown = || {
        let stream = connect(folder.path(), address, "station.lan", &[&TLS13]).unwrap();
        stream.conn.peer_certificates().unwrap()[0].clone().into_owned()
    };
    let on_disk = || CertificateDer::from_pem_file(folder.path().join("senstation-data/tls/station.crt")).unwrap();
    let log = || std::fs::read_to_string(folder.path().join("log")).unwrap();
    let mut old_connection = connect(folder.path(), address, "station.lan", &[&TLS12]).unwrap();
    ask_and_stay(&mut old_connection);
    let first = shown();
    assert_eq!(first, on_disk());

    json(folder.path(), &["ca", "issue", "--host", "station.lan", "--replace"]);
    assert_ne!(first, on_disk());
    station.signal("HUP");
    while !log().contains("was read again") {
        ask_and_stay(&mut old_connection);
    }
    assert_eq!(shown(), on_disk());

    // A key that does not belong to it, and then nothing that could be read: both change nothing.
    for (breaks, words) in [
        (&b"-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg\n-----END PRIVATE KEY-----\n"[..], "cannot be used"),
        (b"", "no private key"),
    ] {
        let key = folder.path().join("senstation-data/tls/station.key");
        std::fs::write(&key, breaks).unwrap();
        station.signal("HUP");
        while !log().contains(words) {
            ask_and_stay(&mut old_connection);
        }
        assert!(log().contains("left as it was"));
        assert_eq!(shown(), on_disk());
    }
    ask_and_stay(&mut old_connection);
    station.terminate();
    assert!(station.wait().success());
}

#[test]
fn a_station_says_what_is_wrong_with_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    make_certificate(folder.path());
    let tls = folder.path().join("senstation-data/tls");
    let refused = |arguments: &[&str]| {
        let command = [&["serve", "--http", "off", "--https", "127.0.0.1:0"], arguments].concat();
        let output = senstation(folder.path()).args(command).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let with = |certificate: &str, key: &str| {
        let [certificate, key] = [certificate, key].map(|name| tls.join(name).to_str().unwrap().to_owned());
        refused(&["--tls-certificate", &certificate, "--tls-key", &key])
    };
    std::fs::write(tls.join("empty"), "").unwrap();
    std::fs::write(tls.join("nonsense"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    for (said, words) in [
        (refused(&[]), "`senstation ca init`"),
        (with("station.crt", "ca.key"), "does not belong to the certificate"),
        (with("station.key", "station.key"), "no `BEGIN CERTIFICATE`"),
        (with("station.crt", "station.crt"), "no private key"),
        (with("none", "station.key"), "cannot read"),
        (with("station.crt", "none"), "cannot read"),
        (with("empty", "station.key"), "no `BEGIN CERTIFICATE`"),
        (with("nonsense", "station.key"), "cannot be understood"),
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn authority_and_certificate_are_made_once_and_their_keys_kept() {
    let folder = tempfile::tempdir().unwrap();
    let made = json(folder.path(), &["ca", "init"]);
    assert!(made["sha256"].as_str().unwrap().contains(':'), "{made}");
    let issued = json(folder.path(), &["ca", "issue", "--host", "192.168.1.10"]);
    let hosts = issued["hosts"].as_array().unwrap();
    assert!(hosts.contains(&"192.168.1.10".into()) && hosts.contains(&"sensecap.seeed.cc".into()), "{issued}");
    for key in [&made["key"], &issued["key"]] {
        let mode = std::fs::metadata(folder.path().join(key.as_str().unwrap())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{key}");
    }
    let refused = |arguments: &[&str]| {
        let output = senstation(folder.path()).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused(&["ca", "init"]).contains("there already"));
    assert!(refused(&["ca", "issue"]).contains("`--replace`"));
    assert!(refused(&["ca", "issue", "--replace", "--host", "example.org"]).contains("may not sign for `example.org`"));
    assert!(refused(&["ca", "issue", "--folder", "elsewhere"]).contains("`senstation ca init`"));
    let left: Vec<_> = std::fs::read_dir(folder.path().join("senstation-data/tls")).unwrap().collect();
    assert_eq!(left.len(), 4, "{left:?}");

    let steps = senstation(folder.path()).args(["ca", "issue", "--replace", "--host", "10.0.0.7"]).output().unwrap();
    let steps = String::from_utf8(steps.stdout).unwrap();
    for words in ["10.0.0.7 sensecap.seeed.cc ", "[tls]\ncertificate = \"", "keytool", "update-ca-certificates"] {
        assert!(steps.contains(words), "{words}: {steps}");
    }
}

#[test]
fn sign_ins_over_tls_are_bound_to_it() {
    let folder = tempfile::tempdir().unwrap();
    make_certificate(folder.path());
    let (station, address) = serve(folder.path(), &[]);
    let link = json(folder.path(), &["owner-link"]);
    let url = link["url"].as_str().unwrap();
    let path = &url[url.find("/join/").unwrap()..];
    let form = "organization=Farm&email=ada%40example.org&name=Ada&password=correct+horse+battery&time_zone=UTC";
    let post = format!(
        "POST {path} HTTP/1.1\r\nHost: station.lan\r\nOrigin: https://station.lan\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{form}",
        form.len()
    );
    let mut stream = connect(folder.path(), address, "station.lan", &[&TLS13]).unwrap();
    let answer = ask(&mut stream, post.as_bytes());
    let cookie =
        answer.head.lines().find(|line| line.starts_with("set-cookie: ")).unwrap_or_else(|| panic!("{answer:?}"));
    assert!(cookie.contains("__host-session=") && cookie.ends_with("; secure"), "{cookie}");
    // The same form in the clear is about a station in the clear.
    let plain = Answer::parse(&station.talk(b"GET /sign-in HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    assert!(!plain.head.contains("secure"), "{plain:?}");
}
