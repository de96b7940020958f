//! The signals that end the program.

use tokio::signal::unix::{SignalKind, signal};

/// Registers at once, so that no signal is missed; resolves with the first one's name.
///
/// # Errors
/// The system refuses.
pub fn stop_signal() -> std::io::Result<impl Future<Output = &'static str>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        }
    })
}
