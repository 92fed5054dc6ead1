//! Figures beside their goals, ours and a peer's in turn in one run.

mod beside;
mod codec;
mod databases;
mod fleet;
mod hello;
mod history;
mod http;
mod machine;
mod mqtt;
mod plain_rows;
mod process;
mod report;
mod slow;
mod storage;
mod stream;
mod sustained;

use clap::Subcommand;

/// What to measure.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// The embedded store, in this process, with plain SQLite rows beside it.
    Storage(storage::Arguments),
    /// Frames of every codec, and of one in JavaScript.
    Codec(codec::Arguments),
    /// The whole process over loopback, with an axum hello beside it.
    Http(http::Arguments),
    /// The same readings over HTTP in a station, and in InfluxDB and VictoriaMetrics where they are installed.
    Databases(databases::Arguments),
    /// Exports by the real binary, and backups beside appending.
    History(history::Arguments),
    /// A million devices that send at their own pace, for minutes.
    Sustained(sustained::Arguments),
    /// Memory, and the time until the first answer.
    Process(process::Arguments),
    /// What slow clients do to a good one.
    Slow(slow::Arguments),
    /// The broker, with mosquitto beside it where that is installed.
    Stream(stream::Arguments),
    /// The hello server.
    #[command(hide = true)]
    Hello,
}

pub(crate) fn run(bench: Bench) -> anyhow::Result<()> {
    if cfg!(debug_assertions) && !matches!(bench, Bench::Hello) {
        println!("note: this is a debug build; its figures mean nothing (`cargo run --release -p xtask -- bench …`)");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match bench {
        Bench::Storage(arguments) => runtime.block_on(storage::run(arguments)),
        Bench::Codec(arguments) => codec::run(&arguments),
        Bench::Http(arguments) => http::run(arguments),
        Bench::Databases(arguments) => databases::run(arguments),
        Bench::History(arguments) => runtime.block_on(history::run(arguments)),
        Bench::Sustained(arguments) => sustained::run(&arguments),
        Bench::Process(arguments) => process::run(&arguments),
        Bench::Slow(arguments) => slow::run(arguments),
        Bench::Stream(arguments) => runtime.block_on(stream::run(arguments)),
        Bench::Hello => runtime.block_on(hello::serve()),
    }
}
