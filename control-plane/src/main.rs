//! The `tollgate` binary.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    tollgate_control_plane::cli::main().await
}
