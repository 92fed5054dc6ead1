use anyhow::bail;
use clap::Args;

use super::{Session, serve::Doors};
use crate::{
    config::{Listen, Origin},
    demo, logging, serve,
};

/// Run a station with a simulated fleet and 90 days of history
///
/// Prints an access key and lines to try. Started again, it goes on where it was.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  senstation demo
  senstation demo --lan                        to look at it from a phone
  senstation demo --data-dir /tmp/another      a second, independent one")]
pub(super) struct Demo {
    #[command(flatten)]
    doors: Doors,
    /// Listen on the local network, on port 8080 or that of `--http`
    #[arg(long)]
    lan: bool,
    /// How many days of history a new demo starts with
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
}

impl Demo {
    pub(super) fn run(self, session: &mut Session) -> anyhow::Result<()> {
        self.doors.set(&mut session.layers)?;
        // A file of settings is about the real station; the demo must not end up in its folder.
        if matches!(session.layers.origin("data_dir"), Origin::Default | Origin::File(_)) {
            session.layers.set_default("data_dir", "./demo-data")?;
        }
        let mut settings = session.settings()?;
        if self.lan {
            if settings.http.listen == Listen(None) {
                bail!("`--lan` needs the HTTP door, which is off");
            }
            let mqtt = &mut settings.mqtt;
            for Listen(door) in
                [&mut settings.http.listen, &mut mqtt.listen, &mut mqtt.websocket_listen, &mut mqtt.tls_listen]
            {
                if let Some(address) = door {
                    address.set_ip([0, 0, 0, 0].into());
                }
            }
        }
        if *session.layers.origin("log.level") == Origin::Default {
            settings.log.level = "warn".to_owned();
        }
        let log = logging::start(&settings.log)?;
        serve::block_on(demo::run(&settings, self.days, session.output, log))
    }
}
