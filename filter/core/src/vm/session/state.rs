//! Where one VM's stream to the control plane stands.

use crate::words::Millis;

/// First pause after a failure; doubles up to the longest, and a random part of up to half is
/// added so that a fleet does not come back at once.
pub(super) const MIN_BACKOFF_MS: u64 = 200;

/// The machine of one VM's stream.
#[derive(Debug)]
pub struct Session {
    pub(super) state: State,
    pub(super) backoff_ms: u64,
    /// The clusters this Envoy was rendered with, or `None` where they arrive while it runs.
    pub(super) clusters: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Closed { retry_at: Millis },
    Opening { since: Millis },
    Open { heartbeat_ms: u64, next_heartbeat: Millis, next_naming: Millis },
}

impl Session {
    /// A session that will be opened at the first tick.
    #[must_use]
    pub fn new(clusters: Option<Vec<String>>) -> Self {
        Self { state: State::Closed { retry_at: Millis(0) }, backoff_ms: MIN_BACKOFF_MS, clusters }
    }

    /// Whether changes are being pushed right now.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }
}
