//! The command line: one file for each command. What several commands take stands in `arguments`, and what they print
//! goes through `say`; what they do is done by other rooms.

mod arguments;
mod check;
mod keys;
mod log;
mod operate;
mod render;
mod say;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// An LLM gateway inside Envoy: this is its control plane.
#[derive(Debug, Parser)]
#[command(name = "tollgate", version, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How the log on standard error looks. What is logged is up to TOLLGATE_LOG, for example `info,envoy=debug`.
    #[arg(long, global = true, value_enum, default_value = "text", env = "TOLLGATE_LOG_FORMAT")]
    log_format: log::Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything on this machine: the control plane, and an Envoy as its child.
    Up(operate::Up),
    /// Run the control plane alone, for Envoys that are run elsewhere.
    Serve(operate::Serve),
    /// Check a configuration file and explain each mistake with its place.
    Check(check::Check),
    /// Write manifests for an Envoy that Tollgate does not run.
    Render {
        #[command(subcommand)]
        what: render::Render,
    },
    /// Create, list and revoke keys of a running control plane.
    Keys(keys::Keys),
}

/// Reads the command line and does what it says.
pub async fn main() -> ExitCode {
    let cli = Cli::parse();
    log::init(cli.log_format);
    let outcome = match cli.command {
        Command::Up(command) => command.run().await,
        Command::Serve(command) => command.run().await,
        Command::Check(command) => command.run(),
        Command::Render { what } => what.run(),
        Command::Keys(command) => command.run().await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_promised_commands_exist() {
        for line in [
            "tollgate up -c x --listen 127.0.0.1:1 --envoy-admin 127.0.0.1:2 --http 127.0.0.1:3 --grpc 127.0.0.1:4",
            "tollgate up --data-dir d --envoy-bin e --wasm w --concurrency 2 --log-format json",
            "tollgate serve --envoy-dir d --control-plane-address cp:8082 --listen 0.0.0.0:10000",
            "tollgate check -c x.yaml",
            "tollgate render envoy --clusters dynamic --out d",
            "tollgate keys create me --team t --user u --models gpt-* --server http://h:1 --admin-token t",
            "tollgate keys list",
            "tollgate keys revoke id",
        ] {
            Cli::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }
}
