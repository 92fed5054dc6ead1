mod fetch;

use std::str::FromStr;

use anyhow::Context;
use clap::Subcommand;
use model::{OrgId, SourceId, SourceKind};
use serde_json::{Value, json};
use store::ModelRule;

use super::{Session, arguments, find_org};
use crate::{
    clock,
    credentials::{Secret, source_id},
    output::table,
};

/// Sources: the outside systems that bring uplinks
#[derive(Debug, Subcommand)]
pub(super) enum Source {
    /// Create a source; its token is shown this once
    #[command(after_help = "\
Example:
  senstation source create --kind chirpstack --auto-add

In ChirpStack, add an HTTP integration with payload encoding JSON, the printed address as event
endpoint URL, and the header `Authorization: Bearer TOKEN`. The other kinds are `tts` (The Things
Stack), `helium`, `aws` (AWS IoT Core for LoRaWAN), `http` (readings as JSON or CSV) and `mqtt` (the
station's own broker); docs/sources.md says what to enter where.")]
    Create {
        /// Whose source; may be left out while there is only one organization
        #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
        org: Option<OrgId>,
        /// What kind of system it is
        #[arg(long, value_parser = creatable)]
        kind: SourceKind,
        /// What people call it
        #[arg(long, default_value = "", hide_default_value = true, value_parser = arguments::name)]
        name: String,
        /// Bind unknown devices when their profile or the tag `sensecap_model` names a known model
        #[arg(long)]
        auto_add: bool,
    },
    /// List the sources
    #[command(after_help = "Example:\n  senstation source list")]
    List {
        /// Whose sources; may be left out while there is only one organization
        #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
        org: Option<OrgId>,
    },
    Fetch(fetch::Fetch),
    /// Show or set which model devices are that a source names
    #[command(after_help = "\
Example:
  senstation source rules --source-id 0123456789ABCDEF --rule \"Soil probes=S2104\" --rule \"Air=S2101\"

The first rule whose name is what the source says of a device, its device profile for example, decides; where none
does, a name that contains a model is taken. `--none` takes the rules away.")]
    Rules {
        /// Whose source; may be left out while there is only one organization
        #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
        org: Option<OrgId>,
        /// Which one
        #[arg(long, value_name = "SOURCE_ID", value_parser = arguments::source_id)]
        source_id: SourceId,
        /// What the source says, and the model that it means; in the order that they are tried
        #[arg(long, value_name = "NAME=MODEL", value_parser = rule)]
        rule: Vec<ModelRule>,
        /// No rules
        #[arg(long, conflicts_with = "rule")]
        none: bool,
    },
    /// Remove a source; its token is worth nothing from then on
    #[command(after_help = "Example:\n  senstation source remove --source-id 0123456789ABCDEF")]
    Remove {
        /// Whose source; may be left out while there is only one organization
        #[arg(long, value_name = "ORG_ID", value_parser = arguments::org)]
        org: Option<OrgId>,
        /// Which one
        #[arg(long, value_name = "SOURCE_ID", value_parser = arguments::source_id)]
        source_id: SourceId,
    },
}

/// A kind that commands can create: the demo makes its own.
fn creatable(text: &str) -> Result<SourceKind, String> {
    match SourceKind::from_str(text) {
        Ok(SourceKind::Demo) => Err("the demo makes its own source".to_owned()),
        Ok(kind) => Ok(kind),
        Err(error) => Err(error.to_string()),
    }
}

fn rule(text: &str) -> Result<ModelRule, String> {
    let (hint, model) = text.rsplit_once('=').ok_or("a rule is `NAME=MODEL`")?;
    let hint = arguments::name(hint.trim())?;
    if hint.is_empty() {
        return Err("a rule is `NAME=MODEL`".to_owned());
    }
    Ok(ModelRule { hint, model: arguments::name_required(model.trim())? })
}

impl Source {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        session.with_registry(async |registry| match self {
            Self::Create { org, kind, name, auto_add } => {
                let org = find_org(&*registry, org).await?.id;
                let (id, token, url) = (source_id()?, Secret::token()?, kind.path());
                let shown = json!({
                    "source_id": id.to_string(),
                    "token": token.text,
                    "url": url,
                    "org_id": org.to_string(),
                    "kind": kind.as_str(),
                    "name": name,
                    "auto_add": auto_add,
                });
                let text = format!(
                    "source  {id}\ntoken   {}\n{}\nThe token is not shown again. {}",
                    token.text,
                    url.map(|url| format!("url     {url}\n")).unwrap_or_default(),
                    match url {
                        Some(_) => "Send it as `Authorization: Bearer TOKEN`.",
                        None => "Sign in to the broker with the source as user name and the token as password.",
                    }
                );
                let (token, created_at, previous) = (token.hash, clock::now(), None);
                let source = model::Source { id, org, kind, name, token, auto_add, created_at, previous };
                registry.create_source(source).await?;
                if let Err(error) = session.output.show_to_somebody(&shown, text) {
                    registry.delete_source(org, id).await?;
                    return Err(error).context("the token cannot be shown, so the source is removed; create another");
                }
                Ok(())
            }
            Self::List { org } => {
                let org = find_org(&*registry, org).await?.id;
                let sources = registry.list_sources(org).await?;
                let brokers = registry.list_brokers(Some(org)).await?;
                let broker = |id| brokers.iter().find(|(broker, _)| broker.source == id);
                let health = registry.list_source_health(org).await?;
                let rows: Vec<_> = sources
                    .iter()
                    .map(|source| {
                        let auto_add = if source.auto_add { "yes" } else { "no" };
                        let state = match broker(source.id) {
                            Some((broker, state)) => format!("{} {}", broker.url, fetch::word(state.as_ref())),
                            None => String::new(),
                        };
                        [
                            source.id.to_string(),
                            source.kind.to_string(),
                            source.name.clone(),
                            auto_add.to_owned(),
                            state,
                        ]
                    })
                    .collect();
                let shown = sources.iter().map(|source| {
                    let health = health.iter().find(|health| health.id == source.id);
                    json!({
                        "source_id": source.id.to_string(),
                        "url": source.kind.path(),
                        "org_id": source.org.to_string(),
                        "kind": source.kind.as_str(),
                        "name": source.name,
                        "auto_add": source.auto_add,
                        "created_at": source.created_at.to_string(),
                        "messages": health.map_or(0, |health| health.messages),
                        "last_message_at": health.and_then(|health| health.last_message_at).map(|at| at.to_string()),
                        "last_error_at": health.and_then(|health| health.last_error_at).map(|at| at.to_string()),
                        "last_error": health.map(|health| health.last_error.as_str()).unwrap_or_default(),
                        "broker": broker(source.id).map(|(broker, state)| fetch::shape(broker, state.as_ref())),
                    })
                });
                let headings = ["source_id", "kind", "name", "auto_add", "broker"];
                session.output.show(&Value::Array(shown.collect()), table(headings, &rows))
            }
            Self::Fetch(fetch) => fetch.run(session, &*registry).await,
            Self::Rules { org, source_id, mut rule, none } => {
                let org = find_org(&*registry, org).await?.id;
                for rule in &mut rule {
                    rule.model = arguments::find_model(&*registry, org, &rule.model).await?;
                }
                if none || !rule.is_empty() {
                    registry.set_model_rules(org, source_id, rule).await?;
                }
                let rules = registry.list_model_rules(org, source_id).await?;
                let rows: Vec<_> = rules.iter().map(|rule| [rule.hint.clone(), rule.model.clone()]).collect();
                let shown = rules.iter().map(|rule| json!({ "name": rule.hint, "model": rule.model }));
                session.output.show(&Value::Array(shown.collect()), table(["name", "model"], &rows))
            }
            Self::Remove { org, source_id } => {
                let org = find_org(&*registry, org).await?.id;
                registry.delete_source(org, source_id).await?;
                let shown = json!({ "source_id": source_id.to_string(), "removed": true });
                session.output.show(&shown, format!("removed {source_id}"))
            }
        })
    }
}
