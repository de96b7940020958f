//! The stream between this VM and the control plane: configuration and key changes down, usage up.
//!
//! ```text
//!            tick, back-off over            welcome
//!   Closed ──────────────────────► Opening ─────────► Open
//!     ▲                               │                │
//!     └────────── closed, silent ─────┴────────────────┘
//! ```
//! [`Session::handle_tick`], [`Session::handle_message`] and [`Session::handle_closed`] take what happened; what to do
//! comes back as [`Action`]s, in order. The rest of the VM goes on serving whatever the state is.

mod message;
mod state;
mod wire;

use message::{Acknowledgement, Received};
pub use state::Session;
use state::{MIN_BACKOFF_MS, State};
pub use wire::{decode_resolution, encode_resolve};

use crate::{
    admit::snapshot::Snapshot,
    vm::{Node, Vm},
    words::Millis,
};

/// Longest pause between attempts.
const MAX_BACKOFF_MS: u64 = 5_000;
/// How long the welcome may take.
const WELCOME_TIMEOUT_MS: u64 = 5_000;
/// Most batches of records that are sent at one tick: all of a long outbox at once would take its size in memory again, which
/// wasm never gives back.
const BATCHES_AT_ONCE: usize = 4;
/// An exchange that is open for longer is named to the control plane.
const NAMED_AFTER_MS: u64 = 1_000;

/// What the host must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open the stream.
    Open,
    /// Send a message on it.
    Send(Vec<u8>),
    /// Give the stream up; no [`Session::handle_closed`] is owed for it.
    Cancel,
    /// Tell people.
    Log(Severity, String),
}

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Normal course.
    Info,
    /// Someone should look.
    Warn,
}

impl Session {
    /// Time passed.
    pub fn handle_tick(vm: &mut Vm, now: Millis, seed: u64) -> Vec<Action> {
        match vm.session.state {
            State::Closed { retry_at } if now >= retry_at => {
                vm.session.state = State::Opening { since: now };
                vm.outbox.rewind();
                let version = vm.snapshot.as_ref().map_or(0, |snapshot| snapshot.version);
                vec![Action::Open, Action::Send(wire::encode_hello(&vm.node, version))]
            }
            State::Opening { since } if now.since(since) > WELCOME_TIMEOUT_MS => {
                let mut actions = vec![Action::Cancel];
                actions.extend(Self::handle_closed(vm, "no welcome in time", now, seed));
                actions
            }
            State::Open { heartbeat_ms, next_heartbeat, next_naming } => {
                let mut actions = Self::flush(vm);
                let unnamed = now >= next_naming && vm.exchanges.name_open(now, NAMED_AFTER_MS);
                let beat = now >= next_heartbeat;
                if unnamed || beat {
                    let open = vm.exchanges.named();
                    actions.extend(wire::encode_open_exchanges(open, &vm.outbox).into_iter().map(Action::Send));
                }
                vm.session.state = State::Open {
                    heartbeat_ms,
                    next_heartbeat: if beat { now.plus(heartbeat_ms) } else { next_heartbeat },
                    next_naming: if now >= next_naming { now.plus(NAMED_AFTER_MS / 4) } else { next_naming },
                };
                actions
            }
            State::Closed { .. } | State::Opening { .. } => Vec::new(),
        }
    }

    /// A message arrived.
    pub fn handle_message(vm: &mut Vm, message: &[u8], now: Millis) -> Vec<Action> {
        let received = match wire::decode(message) {
            Ok(received) => received,
            Err(error) => return vec![Action::Log(Severity::Warn, format!("message from the control plane: {error}"))],
        };
        match received {
            None => Vec::new(),
            Some(Received::Welcome { heartbeat_ms }) => {
                vm.session.backoff_ms = MIN_BACKOFF_MS;
                vm.session.state = State::Open { heartbeat_ms, next_heartbeat: now, next_naming: now };
                vm.keys.begin_epoch();
                vec![Action::Log(Severity::Info, "session with the control plane is open".to_owned())]
            }
            Some(Received::Snapshot(snapshot)) => {
                let version = snapshot.version;
                let (refusal, log) = match Snapshot::compile(*snapshot, vm.session.clusters.as_deref()) {
                    Ok(snapshot) => {
                        vm.snapshot = Some(snapshot.into());
                        (String::new(), Action::Log(Severity::Info, format!("snapshot {version} is in force")))
                    }
                    Err(error) => {
                        let text = format!("snapshot {version} is refused: {error}");
                        (error.to_string(), Action::Log(Severity::Warn, text))
                    }
                };
                let in_force = vm.snapshot.as_ref().map_or(0, |snapshot| snapshot.version);
                let acknowledgement = Acknowledgement { version, refusal, in_force };
                vec![Action::Send(wire::encode_acknowledgement(acknowledgement)), log]
            }
            Some(Received::Committed(sequence)) => {
                vm.outbox.acknowledge(sequence);
                Vec::new()
            }
            Some(Received::KeysChanged(digests)) => {
                digests.iter().for_each(|digest| vm.keys.forget(digest));
                Vec::new()
            }
        }
    }

    /// The stream ended, or could not be opened.
    pub fn handle_closed(vm: &mut Vm, reason: &str, now: Millis, seed: u64) -> Vec<Action> {
        let was_open = vm.session.is_open();
        let pause = vm.session.backoff_ms;
        let jitter = seed.checked_rem(pause / 2).unwrap_or(0);
        vm.session.state = State::Closed { retry_at: now.plus(pause).plus(jitter) };
        vm.session.backoff_ms = pause.saturating_mul(2).min(MAX_BACKOFF_MS);
        // One line when it breaks; silence while it stays broken.
        let log = || Action::Log(Severity::Warn, format!("session with the control plane ended: {reason}"));
        was_open.then(log).into_iter().collect()
    }

    /// Sends what the outbox holds, if the stream is open.
    fn flush(vm: &mut Vm) -> Vec<Action> {
        let mut actions = Vec::new();
        while actions.len() < BATCHES_AT_ONCE
            && let Some((sequence, records)) = vm.outbox.next_batch()
        {
            actions.push(Action::Send(wire::encode_usage(sequence, &records)));
        }
        actions
    }
}

impl Node {
    /// The version that the filter says it has.
    pub const FILTER_VERSION: &'static str = env!("CARGO_PKG_VERSION");
}

#[cfg(test)]
mod tests;
