use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, bail, ensure};
use tempfile::TempDir;

/// A small disk of its own: an ext4 image, mounted by a loop device, that can lose its power.
pub(crate) struct Disk {
    scratch: TempDir,
    is_mounted: bool,
}

/// Asks ext4 to go down at once, without writing its journal (`EXT4_IOC_SHUTDOWN`, `NOLOGFLUSH`),
/// when its input ends. What no fsync has waited for is gone, as in a power cut. perl does the call
/// because our own code is never `unsafe`.
const CUT: &str = r#"open(my $d, "<", $ARGV[0]) or die "cannot open: $!"; my $how = pack("L", 2);
$| = 1; print "ready\n"; <STDIN>;
ioctl($d, 0x8004587d, $how) or die "cannot shut down: $!";"#;

/// What turns a disk's power off the moment it is told to.
pub(crate) struct Switch(Child);

impl Switch {
    pub(crate) fn cut(mut self) -> anyhow::Result<()> {
        drop(self.0.stdin.take());
        let output = self.0.wait_with_output()?;
        ensure!(output.status.success(), "the power was not cut: {}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(())
    }
}

impl Disk {
    pub(crate) fn new(bytes: u64) -> anyhow::Result<Self> {
        let scratch = tempfile::tempdir()?;
        File::create(scratch.path().join("image"))?.set_len(bytes)?;
        run(Command::new("mkfs.ext4").args(["-q", "-F", "-m", "0"]).arg(scratch.path().join("image")))?;
        std::fs::create_dir(scratch.path().join("disk"))?;
        let mut disk = Self { scratch, is_mounted: false };
        disk.mount()?;
        Ok(disk)
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.scratch.path().join("disk")
    }

    pub(crate) fn mount(&mut self) -> anyhow::Result<()> {
        run(Command::new("mount").args(["-o", "loop"]).arg(self.scratch.path().join("image")).arg(self.folder()))?;
        self.is_mounted = true;
        Ok(())
    }

    pub(crate) fn unmount(&mut self) -> anyhow::Result<()> {
        run(Command::new("umount").arg(self.folder()))?;
        self.is_mounted = false;
        Ok(())
    }

    pub(crate) fn switch(&self) -> anyhow::Result<Switch> {
        let mut command = Command::new("perl");
        command.args(["-e", CUT]).arg(self.folder());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut ready = String::new();
        BufReader::new(child.stdout.take().context("perl has no output")?).read_line(&mut ready)?;
        Ok(Switch(child))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.is_mounted {
            // Lazily, so that the image goes away even if somebody still has a file of it open.
            let _ = run(Command::new("umount").arg("-l").arg(self.folder()));
        }
    }
}

/// Why no disk can be made here, if so.
pub(crate) fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root can mount a disk image".into());
    }
    for tool in ["mkfs.ext4", "mount", "umount", "losetup", "perl"] {
        if run(Command::new("sh").args(["-c", &format!("command -v {tool}")])).is_err() {
            return Some(format!("`{tool}` is not installed"));
        }
    }
    if !Path::new("/dev/loop-control").exists() {
        return Some("there are no loop devices here".into());
    }
    Disk::new(16 << 20).err().map(|error| format!("a disk image cannot be mounted here: {error:#}"))
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("`{name}` does not run"))?;
    if !output.status.success() {
        bail!("`{name}` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
