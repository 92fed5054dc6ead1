//! The command line: one file for each command.

mod app_password;
mod arguments;
mod backup;
mod ca;
mod codec;
mod completions;
mod config;
mod demo;
mod device;
mod export;
mod import;
mod key;
mod limit;
mod mirror;
mod org;
mod owner_link;
mod replay;
mod restore;
mod serve;
mod source;
mod user_codec;
mod verify;

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, bail};
use clap::{Args, CommandFactory, Parser, Subcommand, error::ErrorKind};
use model::{OrgId, Organization};
use store::Registry;

use crate::{
    config::{Layers, Settings},
    output::Output,
    station,
};

/// Your own SenseCAP station: takes in what your LoRaWAN sensors send, keeps it on your disk, and
/// answers the public SenseCAP API.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  senstation demo                                     a simulated fleet, to try things out
  senstation org create --name Farm                   a station of your own, step by step
  senstation key create --name dashboard
  senstation device add --eui 2CF7F12004100005 --model S2101
  senstation source create --kind chirpstack
  senstation serve                                    prints a link that sets up its portal

Settings come from flags, then SENSTATION_… in the environment, then senstation.toml;
`senstation config` shows what holds and where it comes from.";

#[derive(Debug, Args)]
struct Global {
    /// Where everything is kept [default: ./senstation-data] [env: `SENSTATION_DATA_DIR`]
    #[arg(long, global = true, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// The file of settings [default: ./senstation.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print exactly one JSON value
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Demo(demo::Demo),
    #[command(subcommand)]
    Org(org::Org),
    #[command(subcommand)]
    Key(key::Key),
    #[command(subcommand)]
    AppPassword(app_password::AppPassword),
    #[command(subcommand)]
    Device(device::Device),
    #[command(subcommand)]
    Source(source::Source),
    #[command(subcommand)]
    Codec(codec::Codec),
    /// Run the codecs that users wrote, for the station that started this
    #[command(hide = true)]
    CodecWorker,
    #[command(subcommand)]
    Ca(ca::Ca),
    OwnerLink(owner_link::OwnerLink),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Verify(verify::Verify),
    Export(export::Export),
    Import(import::Import),
    Mirror(mirror::Mirror),
    Config(config::Config),
    Completions(completions::Completions),
}

/// What every command is given.
struct Session {
    layers: Layers,
    output: Output,
}

/// Does what the command line asks for. Wrong usage ends the process with exit code 2.
pub(crate) fn run() -> anyhow::Result<()> {
    let Arguments { global, command } = Arguments::parse();
    if let Command::CodecWorker = command {
        return Ok(ingest::run_scripts(std::io::stdin().lock(), std::io::stdout().lock())?);
    }
    let output = if global.json { Output::Json } else { Output::Text };
    let mut context = Session { layers: layers(&global)?, output };
    match command {
        Command::Serve(serve) => serve.run(&mut context),
        Command::Demo(demo) => demo.run(&mut context),
        Command::Org(org) => org.run(&context),
        Command::Key(key) => key.run(&context),
        Command::AppPassword(app_password) => app_password.run(&context),
        Command::Device(device) => device.run(&context),
        Command::Source(source) => source.run(&context),
        Command::Codec(codec) => codec.run(&context),
        Command::CodecWorker => Ok(()),
        Command::Ca(ca) => ca.run(&context),
        Command::OwnerLink(owner_link) => owner_link.run(&context),
        Command::Backup(backup) => backup.run(&context),
        Command::Restore(restore) => restore.run(&context),
        Command::Verify(verify) => verify.run(&context),
        Command::Export(export) => export.run(&context),
        Command::Import(import) => import.run(&context),
        Command::Mirror(mirror) => mirror.run(&context),
        Command::Config(config) => config.run(&context),
        Command::Completions(completions) => completions.run(),
    }
}

fn layers(global: &Global) -> anyhow::Result<Layers> {
    let mut layers = Layers::defaults()?;
    layers.read_file(global.config.as_deref())?;
    layers.read_environment(std::env::vars_os().filter_map(|(name, value)| {
        // What is no Unicode is none of ours.
        Some((name.into_string().ok()?, value.into_string().ok()?))
    }))?;
    if let Some(data_dir) = &global.data_dir {
        let data_dir = data_dir.to_str().context("the path of `--data-dir` is not Unicode")?;
        layers.set_by_flag("data_dir", data_dir, "--data-dir")?;
    }
    Ok(layers)
}

impl Session {
    fn settings(&self) -> anyhow::Result<Settings> {
        self.layers.settings()
    }

    /// Does something with the registry of the data folder, beside a running server or without.
    fn with_registry<T>(&self, work: impl AsyncFnOnce(Arc<dyn Registry>) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let data_dir = self.settings()?.data_dir;
        if !station::is_in(&data_dir) {
            let path = data_dir.display();
            bail!("there is no station in `{path}`; create one with `senstation org create --name NAME`");
        }
        self.with_new_registry(work)
    }

    /// As `with_registry`, and makes the folder if it is not there.
    fn with_new_registry<T>(
        &self,
        work: impl AsyncFnOnce(Arc<dyn Registry>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let data_dir = self.settings()?.data_dir;
        block_on(async { work(station::open_registry(&data_dir)?).await })
    }
}

/// Ends the process as clap does when it understands what was given but not what was meant.
fn wrong_usage(message: &str) -> ! {
    Arguments::command().error(ErrorKind::ValueValidation, message).exit()
}

/// Runs something short on this thread.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start")?.block_on(work)
}

/// The organization that is meant: the one named, or the only one there is.
async fn find_org(registry: &dyn Registry, named: Option<OrgId>) -> anyhow::Result<Organization> {
    if let Some(org) = named {
        return registry.get_organization(org).await.with_context(|| format!("organization `{org}`"));
    }
    let mut all = registry.list_organizations(None, 2).await?;
    match (all.pop(), all.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(_), false) => bail!("there are several organizations; name one with `--org`"),
        (None, _) => bail!("there is no organization yet; create one with `senstation org create --name NAME`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_explains_itself_with_an_example() {
        fn check(command: &clap::Command) {
            let name = command.get_name();
            assert!(command.get_about().is_some(), "{name} says nothing about itself");
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{name} {} has no help", argument.get_id());
            }
            // What the program starts by itself is shown to nobody.
            if command.get_subcommands().next().is_none() && !command.is_hide_set() {
                let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(after.contains(name) && after.contains("Example"), "{name} has no example");
            }
            command.get_subcommands().for_each(check);
        }
        let command = Arguments::command();
        command.clone().debug_assert();
        command.get_subcommands().for_each(check);
    }
}
