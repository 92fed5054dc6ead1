use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{bail, ensure};

use super::machine::pause;

/// Another program that serves, for as long as it is kept.
pub(crate) struct Beside {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Beside {
    /// Starts it and waits until it listens where it was told to; `None`, which is said, if it is not installed.
    pub(crate) fn start(name: &str, command: &mut Command, address: SocketAddr) -> anyhow::Result<Option<Self>> {
        let Ok(child) = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() else {
            println!("{name} is not installed; its figures are left out");
            return Ok(None);
        };
        let (mut beside, began) = (Self { child, address }, Instant::now());
        while TcpStream::connect(address).is_err() {
            if let Some(status) = beside.child.try_wait()? {
                bail!("{name} ends at once: {status}");
            }
            ensure!(began.elapsed() < Duration::from_secs(20), "{name} does not listen");
            pause(Duration::from_millis(20));
        }
        Ok(Some(beside))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where nobody listens just now.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
