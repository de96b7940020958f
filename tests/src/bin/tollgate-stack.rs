//! `tollgate-stack COMMAND...`: starts the whole system, runs the command with its addresses and keys in the environment, and ends with the
//! command's status. Without a command it prints the environment and runs until Ctrl-C or SIGTERM.
//!
//! The tests of the official client libraries run inside of it.

use std::io::Write as _;
use std::process::ExitCode;

use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tollgate_tests::{DEV_KEY, Grid, LIMITED_KEY, Setup, Stack};

#[tokio::main]
async fn main() -> std::io::Result<ExitCode> {
    let grid = Grid::start().await?;
    let stack = Setup::prepare(|config| grid.configure(config)).await.started().await;
    let variables = variables(&stack, &grid).await;
    let mut terminate = signal(SignalKind::terminate())?;
    let stopped = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        let mut out = std::io::stdout();
        for (name, value) in &variables {
            writeln!(out, "{name}={value}")?;
        }
        out.flush()?;
        stopped.await;
        return Ok(ExitCode::SUCCESS);
    };
    let mut command = Command::new(program);
    let mut child = command.args(arguments).envs(variables).kill_on_drop(true).spawn()?;
    tokio::select! {
        status = child.wait() => {
            let status = status?;
            if !status.success() {
                eprintln!("{}", stack.logs());
            }
            Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
        }
        () = stopped => Ok(ExitCode::FAILURE),
    }
}

/// Where everything is, and keys of every kind.
async fn variables(stack: &Stack, grid: &Grid) -> Vec<(&'static str, String)> {
    let revoked = stack.api().create_key(serde_json::json!({"name": "revoked"})).await;
    stack.api().revoke_key(revoked["id"].as_str().unwrap_or_default()).await;
    let [openai, claude, _] = stack.providers().each().map(mock_llm::Mock::url);
    vec![
        ("TOLLGATE_URL", stack.url("/v1")),
        ("TOLLGATE_KEY", DEV_KEY.to_owned()),
        ("TOLLGATE_LIMITED_KEY", LIMITED_KEY.to_owned()),
        ("TOLLGATE_REVOKED_KEY", revoked["key"].as_str().unwrap_or_default().to_owned()),
        ("TOLLGATE_API_URL", stack.api().url()),
        ("TOLLGATE_ADMIN_TOKEN", stack.api().token().to_owned()),
        ("MOCK_GRID_URL", grid.url()),
        ("MOCK_OPENAI_URL", openai),
        ("MOCK_ANTHROPIC_URL", claude),
        // A proxy of this machine's environment is not for the loopback interface.
        ("NO_PROXY", "127.0.0.1".to_owned()),
        ("no_proxy", "127.0.0.1".to_owned()),
    ]
}
