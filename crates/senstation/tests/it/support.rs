//! A station as a process of its own, and a client that says exactly what it is told to say.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const EUI: &str = "2CF7F12004100005";
pub(crate) const UP: &str = include_str!("../../../ingest/fixtures/chirpstack/up.json");

/// The program, run in a folder of its own and with none of our settings around it.
pub(crate) fn senstation(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_senstation"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SENSTATION_")) {
        command.env_remove(name);
    }
    // Stations that run side by side cannot all have the usual ports.
    command.env("SENSTATION_MQTT_LISTEN", "127.0.0.1:0").env("SENSTATION_MQTT_WEBSOCKET_LISTEN", "127.0.0.1:0");
    command.env("SENSTATION_MQTT_TLS_LISTEN", "127.0.0.1:0");
    command.current_dir(folder);
    command
}

/// What a command prints with `--json`.
pub(crate) fn json(folder: &Path, arguments: &[&str]) -> Value {
    let output = senstation(folder).arg("--json").args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A running station, killed when dropped.
pub(crate) struct Station {
    child: Child,
    pub(crate) address: SocketAddr,
    /// What it printed first.
    pub(crate) greeting: String,
}

impl Station {
    pub(crate) fn serve(folder: &Path) -> Self {
        Self::start(folder, senstation(folder).args(["serve", "--http", "127.0.0.1:0"]))
    }

    /// Starts it and waits until it says where it listens.
    pub(crate) fn start(folder: &Path, command: &mut Command) -> Self {
        let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
        Self::start_logging_to(log, folder, command)
    }

    /// As [`Station::start`], with its log somewhere else.
    pub(crate) fn start_logging_to(log: File, folder: &Path, command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut greeting = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut greeting).unwrap();
        let address = greeting.split("http://").nth(1).and_then(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_digit() && !".:".contains(c)).unwrap_or(rest.len());
            rest[..end].parse().ok()
        });
        let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        Self { child, address: address.unwrap_or_else(|| panic!("{greeting:?}\n{}", log())), greeting }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as the power switch would end the process.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    pub(crate) fn signal(&self, name: &str) {
        assert!(Command::new("kill").args(["-s", name, &self.pid().to_string()]).status().unwrap().success());
    }

    pub(crate) fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Sends bytes as they are and reads until the station closes.
    pub(crate) fn talk(&self, bytes: &[u8]) -> String {
        let mut socket = self.connect();
        // A station that refuses early may have closed before everything was sent.
        let _sent = socket.write_all(bytes);
        read_to_end(&mut socket)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        socket
    }

    pub(crate) fn get(&self, path: &str, key: &Value) -> Answer {
        self.send("GET", path, &basic(key), b"")
    }

    pub(crate) fn post(&self, path: &str, key: &Value, body: &str) -> Answer {
        self.send("POST", path, &basic(key), body.as_bytes())
    }

    pub(crate) fn uplink(&self, token: &str, body: &[u8]) -> Answer {
        self.send("POST", "/ingest/chirpstack?event=up", &format!("Bearer {token}"), body)
    }

    pub(crate) fn send(&self, method: &str, path: &str, authorization: &str, body: &[u8]) -> Answer {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: station\r\nAuthorization: {authorization}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        Answer::parse(&self.talk(&[head.as_bytes(), body].concat()))
    }
}

pub(crate) fn basic(key: &Value) -> String {
    let pair = format!("{}:{}", key["access_id"].as_str().unwrap(), key["access_key"].as_str().unwrap());
    format!("Basic {}", BASE64_STANDARD.encode(pair))
}

impl Drop for Station {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

pub(crate) fn read_to_end(socket: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = if body.is_empty() { Value::Null } else { serde_json::from_str(body).unwrap_or(body.into()) };
        Self { status, head: head.to_ascii_lowercase(), body }
    }
}

/// A folder with an organization, a key, a device and a source.
pub(crate) struct Farm {
    pub(crate) folder: TempDir,
    pub(crate) org: String,
    pub(crate) key: Value,
    pub(crate) token: String,
}

impl Farm {
    /// Sets everything up by commands; a station may be running meanwhile.
    pub(crate) fn set_up(folder: TempDir) -> Self {
        let text = |value: Value| value.as_str().unwrap().to_owned();
        let run = |arguments: &[&str]| json(folder.path(), arguments);
        let org = text(run(&["org", "create", "--name", "Farm"])["org_id"].take());
        let key = run(&["key", "create", "--org", &org]);
        run(&["device", "add", "--org", &org, "--eui", EUI, "--model", "S2101"]);
        let token = text(run(&["source", "create", "--org", &org, "--kind", "chirpstack"])["token"].take());
        Self { folder, org, key, token }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The token of another source of an organization.
    pub(crate) fn source(&self, org: &str, kind: &str) -> String {
        let source = json(self.path(), &["source", "create", "--org", org, "--kind", kind]);
        source["token"].as_str().unwrap().to_owned()
    }

    /// Another organization, which has a device of the same EUI.
    pub(crate) fn another(&self, name: &str) -> String {
        let org = json(self.path(), &["org", "create", "--name", name])["org_id"].as_str().unwrap().to_owned();
        json(self.path(), &["device", "add", "--org", &org, "--eui", EUI, "--model", "S2101"]);
        org
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path().join("log")).unwrap()
    }
}
