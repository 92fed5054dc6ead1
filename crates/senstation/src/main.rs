#![doc = include_str!("../README.md")]

mod authority;
mod backup;
mod cli;
mod clock;
mod config;
mod control;
mod credentials;
mod demo;
mod disk;
mod door;
mod export;
mod front;
mod import;
mod intake;
mod jobs;
mod last_retention;
mod logging;
mod mirror;
mod output;
mod private_space;
mod progress;
mod replay;
mod retention;
mod serve;
mod station;
mod station_key;

use std::process::ExitCode;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The kernel would round a few megabytes up to three times as much. Where it has no such pages it
    // refuses, and nothing is lost.
    #[cfg(target_os = "linux")]
    let _refused = rustix::thread::disable_transparent_huge_pages(true);
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::remark(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
