use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use model::{Broker, BrokerState, BrokerUrl, OrgId, SourceId};
use serde_json::{Value, json};
use store::Registry;

use super::super::{Session, arguments, find_org};
use crate::{credentials::random, station_key};

/// Says which broker a source's messages are fetched from
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  senstation source fetch --source-id 0123456789ABCDEF --from mqtts://broker.farm:8883 \\
    --user station --password-file password.txt

The station subscribes as a client that is known to the broker by one name, so that the broker keeps
what is published while the station is away, at QoS 1. A running station begins within seconds;
`senstation source list` says how it goes.")]
pub(in crate::cli) struct Fetch {
    /// Whose source; may be left out while there is only one organization
    #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
    org: Option<OrgId>,
    /// Which source; its kind says how messages are read
    #[arg(long, value_name = "SOURCE_ID", value_parser = arguments::source_id)]
    source_id: SourceId,
    /// The broker, as `mqtt://HOST:PORT`, or `mqtts://HOST:PORT` with TLS
    #[arg(long, value_name = "URL", required_unless_present = "stop")]
    from: Option<BrokerUrl>,
    /// Who the station is there
    #[arg(long, default_value = "", hide_default_value = true, requires = "from")]
    user: String,
    /// A file with the password on its first line; it is kept sealed with `station.key`
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// Certificates of the broker's authority as PEM, if the operating system does not trust it
    #[arg(long, value_name = "FILE", requires = "from")]
    ca_file: Option<PathBuf>,
    /// What to subscribe to, instead of what is usual for the kind; may be given several times
    #[arg(long = "topic", value_name = "FILTER", value_parser = topic, requires = "from")]
    topics: Vec<String>,
    /// Fetch from nowhere any more
    #[arg(long, conflicts_with = "from")]
    stop: bool,
}

fn topic(text: &str) -> Result<String, String> {
    if model::is_topic_filter(text) {
        Ok(text.to_owned())
    } else {
        Err("`+` and `#` stand for whole levels, and `#` stands last".to_owned())
    }
}

impl Fetch {
    pub(super) async fn run(self, session: &Session, registry: &dyn Registry) -> anyhow::Result<()> {
        let org = find_org(registry, self.org).await?.id;
        let Some(url) = self.from else {
            registry.remove_broker(org, self.source_id).await?;
            let shown = json!({ "source_id": self.source_id.to_string(), "broker": null });
            return session.output.show(&shown, format!("{} fetches from nowhere", self.source_id));
        };
        let sources = registry.list_sources(org).await?;
        let source = sources.into_iter().find(|source| source.id == self.source_id);
        let kind = source.context("source not found")?.kind;
        if self.topics.is_empty() && ingest::usual_topics(kind).is_empty() {
            bail!("nothing is usual for a source of kind `{kind}`: say what to subscribe to with `--topic`");
        }
        if self.topics.len() > Broker::TOPICS_MAX {
            bail!("a source subscribes to {} topics at most", Broker::TOPICS_MAX);
        }
        let read =
            |path: &PathBuf| std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()));
        let password = match &self.password_file {
            Some(path) => {
                let text = read(path)?;
                let key = station_key::load_or_create(&session.settings()?.data_dir)?;
                let secret = text.lines().next().unwrap_or_default();
                key.seal(&Broker::sealed_for(org, self.source_id), secret.as_bytes(), random()?)
            }
            None => Vec::new(),
        };
        let ca_pem = self.ca_file.as_ref().map(read).transpose()?.unwrap_or_default();
        if self.ca_file.is_some() && !ca_pem.contains("-----BEGIN CERTIFICATE-----") {
            bail!("there is no certificate as PEM in the file of `--ca-file`");
        }
        let (source, user, topics) = (self.source_id, self.user, self.topics);
        let broker = Broker { org, source, url, user, password, ca_pem, topics };
        let shown = json!({ "source_id": source.to_string(), "broker": shape(&broker, None) });
        let text = format!("{source} fetches from {}", broker.url);
        registry.set_broker(broker).await?;
        session.output.show(&shown, text)
    }
}

/// A broker without its password, and how fetching from it goes.
pub(super) fn shape(broker: &Broker, state: Option<&BrokerState>) -> Value {
    json!({
        "url": broker.url.to_string(),
        "user": broker.user,
        "has_password": !broker.password.is_empty(),
        "topics": broker.topics,
        "connected": state.is_some_and(|state| state.is_connected),
        "trouble": state.map(|state| state.trouble.as_str()).unwrap_or_default(),
        "since": state.map(|state| state.since.to_string()),
    })
}

/// How fetching goes, in a few words.
pub(super) fn word(state: Option<&BrokerState>) -> String {
    match state {
        Some(state) if state.is_connected => "fetching".to_owned(),
        Some(state) => format!("not fetching: {}", state.trouble),
        None => "not fetching yet".to_owned(),
    }
}
