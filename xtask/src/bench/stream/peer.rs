use std::{fs, path::Path, process::Command};

use super::Side;
use crate::bench::beside::{Beside, free_address};

/// Another broker as a process, with no limits and nobody kept out.
pub(super) struct Peer {
    name: &'static str,
    process: Beside,
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
        let address = free_address()?;
        // rumqttd goes by the ending, mosquitto does not mind.
        let file = folder.join(format!("{name}.toml"));
        fs::write(&file, settings(address.port()))?;
        let process = Beside::start(name, Command::new(name).args(arguments).arg(&file), address)?;
        Ok(process.map(|process| Self { name, process }))
    }

    pub(super) fn side(&self) -> Side {
        Side { name: self.name, address: self.process.address, login: None, pid: self.process.pid() }
    }
}
