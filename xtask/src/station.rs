use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, bail, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The real binary at work on a folder, with an organization, a key and a source.
pub(crate) struct Station {
    child: Child,
    folder: PathBuf,
    pub(crate) address: SocketAddr,
    /// Access ID and Access Key of a client.
    pub(crate) user: String,
    /// The header line that lets a client read.
    pub(crate) reads: String,
    /// The header line that lets ChirpStack write, and the one that lets somebody post readings.
    pub(crate) writes: String,
    pub(crate) writes_readings: String,
    /// Whose it all is.
    pub(crate) org: String,
    /// Where MQTT is spoken.
    pub(crate) mqtt: Option<SocketAddr>,
    /// Who publishes in the private space, and who reads the stream.
    pub(crate) publishes: (String, String),
    pub(crate) reads_stream: Option<(String, String)>,
}

impl Station {
    /// Builds the binary if need be, in the profile that this program has, and starts it.
    pub(crate) fn start(folder: &Path) -> anyhow::Result<Self> {
        let binary = build()?;
        let org = text(&tell(&binary, folder, &["org", "create", "--name", "xtask"])?, "org_id")?;
        let key = tell(&binary, folder, &["key", "create", "--org", &org])?;
        let source = tell(&binary, folder, &["source", "create", "--org", &org, "--kind", "chirpstack", "--auto-add"])?;
        let readings = tell(&binary, folder, &["source", "create", "--org", &org, "--kind", "http", "--auto-add"])?;
        let publisher = tell(&binary, folder, &["source", "create", "--org", &org, "--kind", "mqtt"])?;
        let pair = format!("{}:{}", text(&key, "access_id")?, text(&key, "access_key")?);
        let (child, line) = serve(&binary, folder)?;
        Ok(Self {
            address: http_address(&line)?,
            mqtt: address_of(&line, "mqtt://"),
            folder: folder.to_owned(),
            publishes: (text(&publisher, "source_id")?, text(&publisher, "token")?),
            reads_stream: Some((format!("org-{org}"), text(&key, "access_key")?)),
            org,
            child,
            reads: format!("Authorization: Basic {}\r\n", BASE64_STANDARD.encode(&pair)),
            user: pair,
            writes: format!("Authorization: Bearer {}\r\n", text(&source, "token")?),
            writes_readings: format!("Authorization: Bearer {}\r\n", text(&readings, "token")?),
        })
    }

    /// Stops it as an operator does, looks at what lies there then, and starts it again.
    pub(crate) fn restart<T>(&mut self, look: impl FnOnce(&Path) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).context("a process without an id")?;
        kill_process(pid, Signal::TERM)?;
        ensure!(self.child.wait()?.success(), "the station ends badly");
        let seen = look(&self.folder)?;
        let (child, line) = serve(&build()?, &self.folder)?;
        (self.child, self.address, self.mqtt) = (child, http_address(&line)?, address_of(&line, "mqtt://"));
        Ok(seen)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn is_running(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// A request of a client.
    pub(crate) fn get(&self, path: &str) -> Vec<u8> {
        format!("GET {path} HTTP/1.1\r\nHost: station\r\n{}\r\n", self.reads).into_bytes()
    }

    /// What ChirpStack posts of an uplink.
    pub(crate) fn post(&self, body: &str) -> Vec<u8> {
        let head = format!(
            "POST /ingest/chirpstack?event=up HTTP/1.1\r\nHost: station\r\n{}Content-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.writes,
            body.len()
        );
        head.into_bytes()
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A station that serves, and what it says first.
fn serve(binary: &Path, folder: &Path) -> anyhow::Result<(Child, String)> {
    let doors = ["serve", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--mqtt-ws", "off"];
    let mut serve = Command::new(binary);
    serve.arg("--data-dir").arg(folder).args(doors).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = serve.spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("the station has no output")?).read_line(&mut line)?;
    Ok((child, line))
}

fn address_of(line: &str, scheme: &str) -> Option<SocketAddr> {
    line.split(scheme).nth(1)?.split_whitespace().next()?.parse().ok()
}

fn http_address(line: &str) -> anyhow::Result<SocketAddr> {
    address_of(line, "http://").with_context(|| format!("the station says `{}`", line.trim()))
}

/// An S2101's message as ChirpStack v4 posts it: 21.4 ℃ and 31.4 %RH.
///
/// **Units**: `time` in milliseconds of some day.
pub(crate) fn uplink(eui: u64, number: u64, time_ms: i64) -> String {
    message(eui, number, time_ms, "S2101", 2, "AQEQmFMAAAECEKh6AACvUQ==")
}

/// An S2120's, with all eight things that it measures.
///
/// **Units**: `time` in milliseconds of some day.
pub(crate) fn weather(eui: u64, number: u64, time_ms: i64) -> String {
    message(eui, number, time_ms, "S2120", 3, "AQCFTQAAD0cAABUCAH8AAAAAJu4=")
}

fn message(eui: u64, number: u64, time_ms: i64, model: &str, port: u8, data: &str) -> String {
    let time = model::Timestamp::from_millis(time_ms);
    format!(
        r#"{{"deduplicationId":"{number:08x}-0000-4000-8000-{eui:012x}","time":"{time}","deviceInfo":{{"tenantId":"52f14cd4-c6f1-4fbd-8f87-4025e1d49242","tenantName":"Farm","applicationId":"ca739e26-7b67-4f14-b69e-d568c22a5a75","applicationName":"Fields","deviceProfileId":"605d08d4-65f5-4d2c-8a5a-3d2457662f79","deviceProfileName":"SenseCAP {model}","deviceName":"greenhouse","devEui":"{eui:016x}","tags":{{"sensecap_model":"{model}"}}}},"devAddr":"01f3a1c2","adr":true,"dr":5,"fCnt":{},"fPort":{port},"confirmed":false,"data":"{data}","rxInfo":[{{"gatewayId":"2cf7f11053100012","uplinkId":4217,"rssi":-51,"snr":12.5,"channel":2,"location":{{}},"context":"aa5f9b0c","metadata":{{"region_common_name":"EU868"}}}}],"txInfo":{{"frequency":868500000,"modulation":{{"lora":{{"bandwidth":125000,"spreadingFactor":7,"codeRate":"CR_4_5"}}}}}}}}"#,
        number % 65_536
    )
}

/// The station's program: what `STATION_BINARY` names, or what is built now.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    if let Some(binary) = std::env::var_os("STATION_BINARY") {
        return Ok(binary.into());
    }
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--package", "senstation"]).current_dir(crate::root());
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    ensure!(cargo.status()?.success(), "the station cannot be built");
    Ok(std::env::current_exe()?.with_file_name("senstation"))
}

/// Gives the binary a command and takes the JSON it answers.
fn tell(binary: &Path, folder: &Path, command: &[&str]) -> anyhow::Result<Value> {
    let output = Command::new(binary).arg("--data-dir").arg(folder).arg("--json").args(command).output()?;
    if !output.status.success() {
        bail!("`senstation {}` failed: {}", command.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn text(value: &Value, name: &str) -> anyhow::Result<String> {
    Ok(value[name].as_str().with_context(|| format!("the answer has no `{name}`"))?.to_owned())
}
