//! Faults that must cost nothing that was acknowledged.

mod bit_rot;
mod disk_full;
mod image;
mod kill;
mod power_cut;
mod writer;

use anyhow::bail;
use clap::Subcommand;

/// Which fault to try.
#[derive(Subcommand)]
pub(crate) enum Faults {
    /// All of them.
    All {
        /// How often to kill.
        #[arg(long, default_value_t = 50)]
        kills: usize,
        /// How often to cut the power.
        #[arg(long, default_value_t = 25)]
        cuts: usize,
        /// How many bits to flip in each table.
        #[arg(long, default_value_t = 25)]
        flips: usize,
    },
    /// `kill -9` at random moments of mixed ingest.
    Kill {
        #[arg(long, default_value_t = 50)]
        times: usize,
    },
    /// Power cuts on a disk image, and their control without fsync; needs root.
    PowerCut {
        #[arg(long, default_value_t = 25)]
        times: usize,
    },
    /// Flipped bits in chunks, frames, states and the log.
    BitRot {
        #[arg(long, default_value_t = 25)]
        times: usize,
    },
    /// A full disk under the real binary; needs root.
    DiskFull,
    /// The process that a fault hits.
    #[command(hide = true)]
    Writer(writer::Arguments),
}

pub(crate) fn run(faults: Faults) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut tally = Tally::default();
    match faults {
        Faults::Writer(arguments) => return runtime.block_on(writer::run(arguments)),
        Faults::All { kills, cuts, flips } => {
            tally.count("kill -9", runtime.block_on(kill::run(kills)));
            tally.needs_disk("power cut", || runtime.block_on(power_cut::run(cuts)));
            tally.count("bit rot", runtime.block_on(bit_rot::run(flips)));
            tally.needs_disk("disk full", disk_full::run);
        }
        Faults::Kill { times } => tally.count("kill -9", runtime.block_on(kill::run(times))),
        Faults::PowerCut { times } => tally.needs_disk("power cut", || runtime.block_on(power_cut::run(times))),
        Faults::DiskFull => tally.needs_disk("disk full", disk_full::run),
        Faults::BitRot { times } => tally.count("bit rot", runtime.block_on(bit_rot::run(times))),
    }
    tally.close()
}

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Tally {
    fn count(&mut self, fault: &str, result: anyhow::Result<()>) {
        match result {
            Ok(()) => self.passed += 1,
            Err(error) => {
                println!("{fault}: FAILED: {error:#}");
                self.failed += 1;
            }
        }
    }

    fn needs_disk(&mut self, fault: &str, run: impl FnOnce() -> anyhow::Result<()>) {
        match image::missing() {
            Some(why) => {
                println!("{fault}: skipped: {why}");
                self.skipped += 1;
            }
            None => self.count(fault, run()),
        }
    }

    fn close(self) -> anyhow::Result<()> {
        let Self { passed, failed, skipped } = self;
        println!("faults: {passed} passed, {failed} failed, {skipped} skipped");
        if failed > 0 {
            bail!("something was lost, or is not as it was");
        }
        Ok(())
    }
}
