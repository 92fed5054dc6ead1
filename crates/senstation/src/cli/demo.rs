use clap::Args;

use super::{Session, serve::Doors};

/// Run a station with a simulated fleet and 90 days of history
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  senstation demo")]
pub(super) struct Demo {
    #[command(flatten)]
    doors: Doors,
}

impl Demo {
    pub(super) fn run(self, session: &mut Session) -> anyhow::Result<()> {
        self.doors.set(&mut session.layers)
    }
}
