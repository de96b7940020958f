//! Starts the whole system and talks to it: `tollgate serve`, a real Envoy with the real module, and a mock provider of each kind.
//!
//! A test makes a [`Stack`], says through its mocks how the providers behave, speaks to it as a client would, and looks at what the client
//! got, what the providers received and what is on record. Nothing is built here: `make test-e2e` builds what it needs first.

#![forbid(unsafe_code)]

mod answer;
mod artefacts;
mod config;
mod control_plane;
mod grid;
mod ports;
mod process;
mod stack;

pub use answer::{Answer, events};
pub use config::{ANTHROPIC_SECRET, Config, DEV_KEY, LIMITED_KEY, OPENAI_SECRET, SECOND_SECRET};
pub use control_plane::ControlPlane;
pub use grid::Grid;
pub use ports::free as free_port;
pub use process::Process;
pub use stack::{Providers, Setup, Stack};

use std::time::Duration;

/// How long anything may take before a test gives up on it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until the answer is `Some`; `None` when [`PATIENCE`] ran out.
pub async fn eventually<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < deadline {
        if let Some(found) = ask().await {
            return Some(found);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    None
}
