//! The `mock-llm` binary.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;

/// A provider that speaks the APIs of OpenAI, Anthropic, Google and Bedrock, for tests and demonstrations.
#[derive(Parser)]
#[command(name = "mock-llm", version)]
struct Arguments {
    /// Address and port to listen on
    #[arg(long, env = "MOCK_LLM_LISTEN", default_value = "127.0.0.1:8090", value_name = "ADDRESS")]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> ExitCode {
    let listen = Arguments::parse().listen;
    match mock_llm::Mock::start(listen).await {
        Ok(mock) => {
            eprintln!("mock-llm: listening on {}", mock.url());
            tokio::select! {
                () = mock.join() => ExitCode::FAILURE,
                () = stop_signal() => ExitCode::SUCCESS,
            }
        }
        Err(error) => {
            eprintln!(
                "mock-llm: cannot listen on {listen}: {error}; move it with --listen HOST:PORT or MOCK_LLM_LISTEN"
            );
            ExitCode::FAILURE
        }
    }
}

/// Resolves at Ctrl-C or SIGTERM.
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}
