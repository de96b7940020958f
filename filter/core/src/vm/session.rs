//! Where one VM's stream to the control plane stands.

use super::wire;
use crate::words::{KeyDigest, Millis};

/// First pause after a failure; doubles up to the longest, and a random part of up to half is
/// added so that a fleet does not come back at once.
pub(super) const MIN_BACKOFF_MS: u64 = 200;
/// Longest pause between attempts.
pub(super) const MAX_BACKOFF_MS: u64 = 5_000;
/// How long the welcome may take.
pub(super) const WELCOME_TIMEOUT_MS: u64 = 5_000;

/// The machine of one VM's stream: it knows the stream's state and its clock, and nothing of what passes over it.
///
/// ```text
///            tick, back-off over            welcome
///   Closed ──────────────────────► Opening ─────────► Open
///     ▲                               │                │
///     └────────── closed, silent ─────┴────────────────┘
/// ```
/// What the host tells it, it answers with [`Event`]s, in order, on which the [`Vm`](super::Vm) acts. The host may call in any
/// order: what does not fit the state changes nothing.
#[derive(Debug)]
pub struct Session {
    state: State,
    backoff_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { retry_at: Millis },
    Opening { since: Millis },
    Open { heartbeat_ms: u64, next_heartbeat: Millis },
}

/// What became of the stream, or came over it.
#[derive(Debug)]
pub(super) enum Event {
    /// It is to be opened; the first word on it is ours.
    Connect,
    /// It is to be given up: nobody answers.
    GiveUp,
    /// The control plane said welcome.
    Opened,
    /// It was open and has ended, for this reason.
    Ended(String),
    /// What is over may be told.
    Report,
    /// What began since the last tick is to be told.
    Name,
    /// All that is open is to be told.
    Beat,
    /// A new configuration.
    Snapshot(wire::SnapshotMessage),
    /// Records up to this one will not be lost.
    Acknowledged(u64),
    /// What is known of these keys is out of date.
    KeysChanged(Vec<KeyDigest>),
    /// A message could not be read.
    Unreadable(String),
}

impl Default for Session {
    /// A session that will be opened at the first tick.
    fn default() -> Self {
        Self { state: State::Closed { retry_at: Millis(0) }, backoff_ms: MIN_BACKOFF_MS }
    }
}

impl Session {
    /// Whether changes are being pushed right now.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// Time passed. The seed is random bits.
    pub(super) fn handle_tick(&mut self, now: Millis, seed: u64) -> Vec<Event> {
        match self.state {
            State::Closed { retry_at } if now >= retry_at => {
                self.state = State::Opening { since: now };
                vec![Event::Connect]
            }
            State::Opening { since } if now.since(since) > WELCOME_TIMEOUT_MS => {
                self.close(now, seed);
                vec![Event::GiveUp]
            }
            State::Open { heartbeat_ms, next_heartbeat } if now >= next_heartbeat => {
                self.state = State::Open { heartbeat_ms, next_heartbeat: now.plus(heartbeat_ms) };
                vec![Event::Report, Event::Beat]
            }
            // Records first: what has one is not open, and need not be named.
            State::Open { .. } => vec![Event::Report, Event::Name],
            State::Closed { .. } | State::Opening { .. } => Vec::new(),
        }
    }

    /// A message arrived.
    pub(super) fn handle_message(&mut self, message: &[u8], now: Millis) -> Option<Event> {
        match wire::decode(message) {
            Err(error) => Some(Event::Unreadable(error.to_string())),
            Ok(None) => None,
            Ok(Some(wire::Received::Welcome { heartbeat_ms })) => {
                let State::Opening { .. } = self.state else { return None };
                self.backoff_ms = MIN_BACKOFF_MS;
                self.state = State::Open { heartbeat_ms, next_heartbeat: now };
                Some(Event::Opened)
            }
            Ok(Some(wire::Received::Snapshot(snapshot))) => Some(Event::Snapshot(snapshot)),
            Ok(Some(wire::Received::Acknowledged(sequence))) => Some(Event::Acknowledged(sequence)),
            Ok(Some(wire::Received::KeysChanged(digests))) => Some(Event::KeysChanged(digests)),
        }
    }

    /// The stream ended, or could not be opened.
    pub(super) fn handle_closed(&mut self, reason: &str, now: Millis, seed: u64) -> Option<Event> {
        let was_open = match self.state {
            State::Closed { .. } => return None,
            State::Opening { .. } => false,
            State::Open { .. } => true,
        };
        self.close(now, seed);
        // One line when it breaks; silence while it stays broken.
        was_open.then(|| Event::Ended(reason.to_owned()))
    }

    fn close(&mut self, now: Millis, seed: u64) {
        let pause = self.backoff_ms;
        let jitter = seed.checked_rem(pause / 2).unwrap_or(0);
        self.state = State::Closed { retry_at: now.plus(pause).plus(jitter) };
        self.backoff_ms = pause.saturating_mul(2).min(MAX_BACKOFF_MS);
    }
}
