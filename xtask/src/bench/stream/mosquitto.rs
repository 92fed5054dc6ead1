use std::{
    fs,
    net::{SocketAddr, TcpListener as PortFinder},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::ensure;

/// mosquitto as a process, with no limits and nobody kept out.
pub(super) struct Mosquitto {
    child: Child,
    pub(super) address: SocketAddr,
}

impl Mosquitto {
    pub(super) fn start(folder: &Path) -> anyhow::Result<Option<Self>> {
        let address = PortFinder::bind("127.0.0.1:0")?.local_addr()?;
        let settings = folder.join("mosquitto.conf");
        let text = format!(
            "listener {} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 100000\nmax_inflight_messages 1000\n",
            address.port()
        );
        fs::write(&settings, text)?;
        let mut command = Command::new("mosquitto");
        command.arg("-c").arg(&settings).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(child) = command.spawn() else { return Ok(None) };
        let mosquitto = Self { child, address };
        let began = Instant::now();
        while std::net::TcpStream::connect(address).is_err() {
            ensure!(began.elapsed() < Duration::from_secs(10), "mosquitto does not listen");
            std::thread::yield_now();
        }
        Ok(Some(mosquitto))
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
