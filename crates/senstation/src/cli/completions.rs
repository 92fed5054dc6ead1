use clap::{Args, CommandFactory};
use clap_complete::Shell;

use serde_json::Value;

use super::Arguments;
use crate::output::Output;

/// Print what teaches a shell to complete commands
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  senstation completions bash > ~/.local/share/bash-completion/completions/senstation"
)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "senstation", &mut script);
        Output::Text.show(&Value::Null, String::from_utf8_lossy(&script))
    }
}
