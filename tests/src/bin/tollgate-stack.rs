//! Starts the whole system, prints where it is as lines of a shell's environment, and stops with its standard input (or by a signal).
//!
//! The tests of the official client libraries run against it.

use std::io::Write as _;

use tollgate_tests::{DEV_KEY, LIMITED_KEY, Stack};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let stack = Stack::start().await;
    let revoked = stack.api().create_key(serde_json::json!({"name": "revoked"})).await;
    stack.api().revoke_key(revoked["id"].as_str().unwrap_or_default()).await;
    let [openai, claude, _] = stack.providers().each().map(mock_llm::Mock::url);
    let mut out = std::io::stdout();
    for (name, value) in [
        ("TOLLGATE_URL", stack.url("/v1").as_str()),
        ("TOLLGATE_KEY", DEV_KEY),
        ("TOLLGATE_LIMITED_KEY", LIMITED_KEY),
        ("TOLLGATE_REVOKED_KEY", revoked["key"].as_str().unwrap_or_default()),
        ("MOCK_OPENAI_URL", &openai),
        ("MOCK_ANTHROPIC_URL", &claude),
    ] {
        writeln!(out, "{name}={value}")?;
    }
    writeln!(out, "ready")?;
    out.flush()?;
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let (closed, input) = tokio::sync::oneshot::channel();
    // A thread of its own: a read of standard input cannot be taken back.
    std::thread::spawn(move || closed.send(std::io::copy(&mut std::io::stdin(), &mut std::io::sink())));
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
        _ = input => {}
    }
    Ok(())
}
