use std::{
    fs,
    net::{SocketAddr, TcpListener as PortFinder, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::ensure;

use super::Side;

/// Another broker as a process, with no limits and nobody kept out.
pub(super) struct Peer {
    name: &'static str,
    address: SocketAddr,
    child: Child,
}

impl Peer {
    /// Those that are installed: mosquitto, and rumqttd (`cargo install rumqttd`).
    pub(super) fn start_all(folder: &Path) -> anyhow::Result<Vec<Self>> {
        let mut peers = Vec::new();
        peers.extend(Self::start(folder, "mosquitto", &["-c"], |port| {
            format!("listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 100000\nmax_inflight_messages 1000\n")
        })?);
        peers.extend(Self::start(folder, "rumqttd", &["--quiet", "--config"], |port| {
            let router = "max_connections = 20000\nmax_outgoing_packet_count = 200\nmax_segment_size = 104857600\nmax_segment_count = 10";
            let door = "connection_timeout_ms = 60000\nmax_payload_size = 262144\nmax_inflight_count = 1000\ndynamic_filters = true";
            format!("id = 0\n[router]\nid = 0\n{router}\n[v4.1]\nname = \"v4-1\"\nlisten = \"127.0.0.1:{port}\"\nnext_connection_delay_ms = 0\n[v4.1.connections]\n{door}\n")
        })?);
        Ok(peers)
    }

    fn start(
        folder: &Path,
        name: &'static str,
        arguments: &[&str],
        settings: impl Fn(u16) -> String,
    ) -> anyhow::Result<Option<Self>> {
        let address = PortFinder::bind("127.0.0.1:0")?.local_addr()?;
        let file = folder.join(format!("{name}.toml"));
        fs::write(&file, settings(address.port()))?;
        let mut command = Command::new(name);
        command.args(arguments).arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(child) = command.spawn() else {
            println!("{name} is not installed; its figures are left out");
            return Ok(None);
        };
        let mut peer = Self { name, address, child };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            ensure!(peer.child.try_wait()?.is_none(), "{name} ends at once");
            ensure!(began.elapsed() < Duration::from_secs(10), "{name} does not listen");
            std::thread::yield_now();
        }
        Ok(Some(peer))
    }

    pub(super) fn side(&self) -> Side {
        Side { name: self.name, address: self.address, login: None, pid: self.child.id() }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
