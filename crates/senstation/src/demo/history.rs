//! Everything that the fleet has sent since the station last heard it.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use ingest::Scripts;
use model::Timestamp;
use store::Store;

use super::{Fleet, Owner, fleet::MEMBERS};
use crate::{clock, output::remark};

/// How much of the past goes into one commit.
const SLICE_MS: i64 = 12 * 3_600_000;

/// Sends what should have come since the station last ran, or since the fleet was set up; up to
/// when that is.
pub(super) async fn catch_up(store: &dyn Store, owner: &Owner, fleet: &mut Fleet) -> anyhow::Result<Timestamp> {
    // The models of the fleet are built in.
    let scripts = Scripts::here();
    let (begun, from) = (Instant::now(), last_heard(store, owner).await?);
    let mut progress = Progress::new(from, clock::now());
    let (mut at, mut readings) = (from, 0);
    loop {
        let now = clock::now();
        let until = at.plus_ms(SLICE_MS).min(now);
        let uplinks = fleet.uplinks(owner, at, until);
        let accepted = ingest::accept_all(store, &scripts, &owner.source, uplinks).await?;
        readings += accepted.iter().map(|accepted| accepted.stored).sum::<usize>();
        at = until;
        progress.show(at, readings);
        if at >= now {
            break;
        }
    }
    progress.finish(readings, begun.elapsed());
    Ok(at)
}

/// When anything of the fleet was last received.
async fn last_heard(store: &dyn Store, owner: &Owner) -> Result<Timestamp, store::Error> {
    let mut last = owner.origin;
    for member in MEMBERS {
        if let Some(device) = store.find_device(owner.org, member.eui()).await? {
            last = last.max(store.last_heard(owner.org, device.id).await?.unwrap_or(last));
        }
    }
    Ok(last)
}

/// A bar on a terminal, a line now and then elsewhere.
enum Progress {
    Bar { bar: ProgressBar, from: Timestamp },
    Lines { from: Timestamp, to: Timestamp, tenth: i64 },
}

impl Progress {
    fn new(from: Timestamp, to: Timestamp) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines { from, to, tenth: 0 };
        }
        let bar = ProgressBar::new(u64::try_from(to.since_ms(from)).unwrap_or_default());
        if let Ok(style) = ProgressStyle::with_template("history {bar:40} {percent} %  {msg}") {
            bar.set_style(style);
        }
        Self::Bar { bar, from }
    }

    fn show(&mut self, at: Timestamp, readings: usize) {
        match self {
            Self::Bar { bar, from } => {
                bar.set_position(u64::try_from(at.since_ms(*from)).unwrap_or_default());
                bar.set_message(format!("{readings} readings"));
            }
            Self::Lines { from, to, tenth } => {
                let now = at.since_ms(*from).saturating_mul(10) / to.since_ms(*from).max(1);
                if now > *tenth && now < 10 {
                    *tenth = now;
                    remark(format_args!("history {now}0 %, {readings} readings"));
                }
            }
        }
    }

    fn finish(self, readings: usize, took: Duration) {
        if let Self::Bar { bar, .. } = self {
            bar.finish_and_clear();
        }
        remark(format_args!("history: {readings} readings in {:.1} s", took.as_secs_f64()));
    }
}
