use std::{path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use clap::Args;
use client::{Station, stream_address};
use model::{BrokerUrl, OrgId, Timestamp};

use super::{Session, arguments, block_on, find_org, key::first_line};
use crate::{clock, front, mirror, station};

/// What stations serve, by their documentation.
const HISTORY_DAYS: i64 = 90;
const DAY_MS: i64 = 86_400_000;

/// Bring history home from another station, and follow it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  senstation mirror --station global --access-id 7JN4AS94IETZCS0Z --access-key-file key.txt --dry-run
  senstation mirror --station global --access-id 7JN4AS94IETZCS0Z --access-key-file key.txt
  senstation mirror --station http://10.0.0.7:8080 --access-id 7JN4AS94IETZCS0Z --access-key-file key.txt --once
  senstation mirror --station https://station.example.org --access-id 7JN4AS94IETZCS0Z --access-key-file key.txt \
      --stream --shadow 24

`--dry-run` says what there is and what it will cost; nothing is spent. Killed at any moment, the same
command goes on where it was. `senstation key import` lets programs keep their keys.")]
pub(super) struct Mirror {
    /// global, china, or the address of a station
    #[arg(long)]
    station: Station,
    /// The public half of an access key there
    #[arg(long, value_name = "ID")]
    access_id: String,
    /// A file whose first line is its secret half; `-` reads it from standard input
    #[arg(long, value_name = "FILE")]
    access_key_file: PathBuf,
    /// The organization here that it is for; may be left out while there is only one
    #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
    org: Option<OrgId>,
    /// From when on [default: 90 days ago, which is as far as Seeed's stations go back]
    #[arg(long, value_name = "DATE", value_parser = arguments::time)]
    since: Option<Timestamp>,
    /// Say what there is and what it will cost, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Data (dm) that may be spent in all, this run and those before it; history stops there
    #[arg(long, value_name = "DM")]
    budget: Option<u64>,
    /// Calls a minute; 0 for as many as it takes, where the station bears it
    #[arg(long, value_name = "N", default_value_t = 40)]
    calls_per_minute: u32,
    /// End when history is here, rather than follow
    #[arg(long, conflicts_with_all = ["stream", "shadow"])]
    once: bool,
    /// Follow its stream as well, so that readings come at once; without TLS, as Seeed streams, the key crosses the
    /// network in clear. Its address is needed only where it is not beside the API
    #[arg(long, value_name = "MQTT_URL", num_args = 0..=1)]
    stream: Option<Option<BrokerUrl>>,
    /// Ask both stations the same for so many hours, once history is here, and say where they differ; the key has to
    /// be good here too, as `senstation key import` makes it
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..=744))]
    shadow: Option<u32>,
    /// How often to ask for what is new, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u32).range(5..=86_400))]
    every: u32,
}

impl Mirror {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        let settings = session.settings()?;
        if !station::is_in(&settings.data_dir) {
            let path = settings.data_dir.display();
            bail!("there is no station in `{path}`; create one with `senstation org create --name NAME`");
        }
        let org = session.with_registry(async |registry| Ok(find_org(&*registry, self.org).await?.id))?;
        let compare = self.shadow.map(|hours| {
            let until = clock::now().plus_ms(i64::from(hours) * 3_600_000);
            (until, Station::At(front::base_url(&settings)))
        });
        let stream = self.stream.map(|at| at.or_else(|| stream_address(&self.station)).context(mirror::NO_STREAM));
        let stream = stream.transpose()?;
        let wanted = mirror::Wanted {
            station: self.station,
            access_id: self.access_id,
            access_key: first_line(&self.access_key_file)?,
            org,
            since: self.since.unwrap_or_else(|| clock::now().minus_ms(HISTORY_DAYS * DAY_MS)),
            budget_dm: self.budget,
            calls_per_minute: self.calls_per_minute,
            follow: (!self.once).then(|| mirror::Follow {
                every: Duration::from_secs(self.every.into()),
                stream,
                compare,
            }),
        };
        let shown = block_on(mirror::run(&settings, wanted, self.dry_run))?;
        let estimate = &shown["estimate"];
        let mut text = format!(
            "{}: {} devices with {} series, {} gateways, {} groups\nhistory since {}: about {} dm, {} calls, {:.1} h",
            shown["station"].as_str().unwrap_or_default(),
            shown["devices"],
            shown["series"],
            shown["gateways"],
            shown["groups"],
            shown["since"].as_str().unwrap_or_default(),
            estimate["dm"],
            estimate["calls"],
            estimate["hours"].as_f64().unwrap_or_default(),
        );
        if let Some(differences) = shown["differences"].as_array() {
            text.push_str(&format!("\n{} readings are here; {} dm were spent", shown["points"], shown["dm_spent"]));
            match differences.len() {
                0 => text.push_str("\nevery day of every device has as many here as there"),
                count => text.push_str(&format!("\n{count} days have fewer readings here than there; see `--json`")),
            }
        }
        session.output.show(&shown, text)
    }
}
