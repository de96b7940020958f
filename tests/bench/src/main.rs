//! Measures Tollgate beside plain Envoy: same machine, same run, turn by turn. `docs/BENCHMARK.md` says how to read it.

mod answer;
mod calls;
mod dialect;
mod error;
mod gauge;
mod load;
mod measure;
mod micro;
mod provider;
mod report;
mod round;
mod stack;
mod workload;

use std::{io::Write, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    error::{Error, IoContext},
    measure::Schedule,
    stack::{Cores, Programs},
};

/// Measures Tollgate beside plain Envoy.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the comparison and writes a table and a JSON file.
    Compare(Compare),
    /// Serves fixed answers in every dialect until its standard input is closed; prints its address.
    Provider,
    Micro(micro::Micro),
}

#[derive(clap::Args)]
struct Compare {
    /// Fewer and shorter rounds: two minutes, and noisier.
    #[arg(long)]
    quick: bool,
    /// Measures only workloads whose name contains this.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// The Envoy to measure, plain and with the filter.
    #[arg(long, env = "ENVOY_BIN", default_value = ".tools/envoy/envoy")]
    envoy: PathBuf,
    /// The control plane.
    #[arg(long, env = "TOLLGATE_BIN", default_value = "target/release/tollgate")]
    tollgate: PathBuf,
    /// The filter.
    #[arg(long, env = "TOLLGATE_WASM", default_value = "target-wasm/wasm32-wasip1/wasm/tollgate_filter.wasm")]
    wasm: PathBuf,
    /// Core of the Envoys.
    #[arg(long, default_value_t = 0)]
    gateway_core: u32,
    /// Core of the load generator, the provider and the control plane.
    #[arg(long, default_value_t = 1)]
    load_core: u32,
    /// Folder of the JSON file.
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
    /// The revision of the sources, for the JSON file.
    #[arg(long, default_value = "unknown")]
    revision: String,
    /// Keeps the folder with configurations and logs, and prints its path.
    #[arg(long)]
    keep: bool,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Error> {
    let runtime = |core: Option<u32>| {
        // Before any thread is there: they inherit the core.
        core.map_or(Ok(()), stack::pin_this_process)?;
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")
    };
    match command {
        Command::Micro(arguments) => micro::run(&arguments),
        Command::Provider => runtime(None)?.block_on(provider::serve()),
        Command::Compare(arguments) => runtime(Some(arguments.load_core))?.block_on(async {
            tokio::select! {
                outcome = compare(arguments) => outcome,
                () = interrupted() => Err(Error::Interrupted),
            }
        }),
    }
}

async fn compare(arguments: Compare) -> Result<(), Error> {
    let programs = Programs { envoy: arguments.envoy, tollgate: arguments.tollgate, wasm: arguments.wasm };
    programs.check()?;
    let cores = Cores { gateway: arguments.gateway_core, load: arguments.load_core };
    let folder = tempfile::tempdir().context("making a folder for the run")?;
    let path = folder.path().to_owned();
    if arguments.keep {
        let _ = writeln!(std::io::stderr(), "configurations and logs: {}", folder.keep().display());
    }
    let schedule = if arguments.quick { Schedule::QUICK } else { Schedule::FULL };
    let stack = stack::Stack::start(&programs, cores, &path).await?;
    let measurements = measure::measure(stack, schedule, arguments.only.as_deref()).await?;
    let conditions = report::Conditions::read(&programs, arguments.revision).await?;
    let report = report::Report::new(conditions, schedule, measurements);
    let file = report.write(&arguments.out)?;
    let mut out = std::io::stdout().lock();
    write!(out, "{}", report.table()).context("printing the table")?;
    writeln!(out, "\n{}", file.display()).context("printing the table")
}

/// Ctrl-C or SIGTERM: dropping what runs stops every child.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
