use clap::Args;
use serde_json::{Map, json};

use super::Session;
use crate::{config::env_name, output::table};

/// Show every setting that holds, and where it comes from
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  SENSTATION_LOG_LEVEL=debug senstation config")]
pub(super) struct Config {}

impl Config {
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        // What cannot be used is not shown as if it held.
        session.settings()?;
        let settings = || session.layers.iter();
        let rows: Vec<_> = settings()
            .map(|(name, setting)| {
                [name.clone(), setting.value.to_string(), setting.origin.to_string(), env_name(name)]
            })
            .collect();
        let shown: Map<_, _> = settings()
            .map(|(name, setting)| {
                (name.clone(), json!({ "value": setting.value, "origin": setting.origin.to_string() }))
            })
            .collect();
        session.output.show(&shown.into(), table(["setting", "value", "origin", "in the environment"], &rows))
    }
}
