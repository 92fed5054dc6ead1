//! Chores of this workspace; `cargo xtask help` lists them.

mod bench;
mod connection;
mod copy;
mod faults;
mod random;
mod scenarios;
mod station;
mod tidy;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// What the binary allocates with, so that benches measure what is shipped.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Chores of this workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Check what no compiler checks: the rooms and their absences, bans, documents.
    Tidy,
    /// Measure, and print each figure beside its goal.
    #[command(subcommand)]
    Bench(bench::Bench),
    Scenarios(scenarios::Scenarios),
    /// Try what must not cost anything that was acknowledged.
    #[command(subcommand)]
    Faults(faults::Faults),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.chore {
        Chore::Tidy => tidy::run(&root()),
        Chore::Bench(bench) => bench::run(bench),
        Chore::Scenarios(scenarios) => scenarios::run(&scenarios),
        Chore::Faults(faults) => faults::run(faults),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's folder.
fn root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}
