//! What one VM (one worker of Envoy) is: the exchanges of both roles, the records of those that ended, and the stream to the
//! control plane. The top floor of the core.
//!
//! ```text
//!   host ── tick, message, closed ──► Vm ──► Session      where the stream stands
//!                                      │ ◄── events ──┘
//!                                      ├──► Shared        what the machines of its exchanges work on
//!                                      └──► Outbox        what ended and is not yet acknowledged
//!   host ◄── Actions, in order ─────── Vm
//! ```
//! None of the three knows another: events come back to the [`Vm`], which applies them, and the gate's record comes by
//! [`Vm::keep`].

pub mod outbox;
mod session;
mod wire;

use std::rc::Rc;

use crate::{
    exchange::{Shared, record::Record},
    words::Millis,
};
use outbox::Outbox;
use session::Event;
pub use session::Session;
use wire::SnapshotMessage;

/// The state of one VM. Nothing is shared between VMs.
#[derive(Debug)]
pub struct Vm {
    /// Who it is.
    pub node: Node,
    /// What its exchanges share.
    pub shared: Shared,
    /// What has ended and is not yet on record.
    pub outbox: Outbox,
    /// Its stream to the control plane.
    pub session: Session,
    /// The clusters this Envoy was rendered with, or `None` where they arrive while it runs.
    clusters: Option<Vec<String>>,
}

/// Who a VM is.
#[derive(Clone, Debug)]
pub struct Node {
    /// Random, made when the VM starts.
    pub vm_id: String,
    /// Envoy's `node.id`.
    pub node_id: String,
}

impl Node {
    /// The version that the filter says it has.
    pub const FILTER_VERSION: &'static str = env!("CARGO_PKG_VERSION");
}

/// What the host must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open the stream `tollgate.v1.Session/Open`.
    Open,
    /// Send a message on it.
    Send(Vec<u8>),
    /// Give the stream up; no [`Vm::handle_closed`] is owed for it.
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

/// Most batches of records that are sent at one tick: all of a long outbox at once would take its size in memory again, which
/// wasm never gives back.
const BATCHES_AT_ONCE: usize = 4;

impl Vm {
    /// A VM that has just started. `clusters` as in [`Snapshot::compile`](crate::admit::snapshot::Snapshot::compile).
    #[must_use]
    pub fn new(node: Node, clusters: Option<Vec<String>>) -> Self {
        Self { node, shared: Shared::default(), outbox: Outbox::default(), session: Session::default(), clusters }
    }

    /// Time passed: call it every 50 ms, which bounds how long the control plane knows nothing of an exchange. The seed is random
    /// bits.
    pub fn handle_tick(&mut self, now: Millis, seed: u64) -> Vec<Action> {
        let events = self.session.handle_tick(now, seed);
        let actions = self.apply_all(events);
        if !self.session.is_open() {
            // A new session begins with the whole list.
            self.shared.exchanges.forget_unnamed();
        }
        actions
    }

    /// A message arrived on the stream.
    pub fn handle_message(&mut self, message: &[u8], now: Millis) -> Vec<Action> {
        let event = self.session.handle_message(message, now);
        self.apply_all(event)
    }

    /// The stream ended, or could not be opened.
    pub fn handle_closed(&mut self, reason: &str, now: Millis, seed: u64) -> Vec<Action> {
        let event = self.session.handle_closed(reason, now, seed);
        self.apply_all(event)
    }

    /// Puts what [`Gate::handle_log`](crate::exchange::Gate::handle_log) leaves on its way.
    pub fn keep(&mut self, record: Option<Record>) {
        if let Some(record) = record {
            self.outbox.push(record);
        }
    }

    fn apply_all(&mut self, events: impl IntoIterator<Item = Event>) -> Vec<Action> {
        let mut actions = Vec::new();
        for event in events {
            self.apply(event, &mut actions);
        }
        self.shared.is_connected = self.session.is_open();
        actions
    }

    fn apply(&mut self, event: Event, actions: &mut Vec<Action>) {
        match event {
            Event::Connect => {
                self.outbox.rewind();
                let hello = wire::encode_hello(&self.node, self.snapshot_version());
                actions.extend([Action::Open, Action::Send(hello)]);
            }
            Event::GiveUp => actions.push(Action::Cancel),
            Event::Opened => {
                self.shared.keys.begin_epoch();
                actions.push(Action::Log(Severity::Info, "session with the control plane is open".to_owned()));
            }
            Event::Ended(reason) => {
                let text = format!("session with the control plane ended: {reason}");
                actions.push(Action::Log(Severity::Warn, text));
            }
            Event::Report => {
                for _ in 0..BATCHES_AT_ONCE {
                    let Some((sequence, records)) = self.outbox.next_batch() else { break };
                    actions.push(Action::Send(wire::encode_usage(sequence, &records)));
                }
            }
            Event::Name => {
                let messages = wire::encode_opened(self.shared.exchanges.take_unnamed());
                actions.extend(messages.into_iter().map(Action::Send));
            }
            Event::Beat => {
                let messages = wire::encode_open_exchanges(self.shared.exchanges.name_all(), &self.outbox);
                actions.extend(messages.into_iter().map(Action::Send));
            }
            Event::Snapshot(snapshot) => self.take_snapshot(snapshot, actions),
            Event::Acknowledged(sequence) => self.outbox.acknowledge(sequence),
            Event::KeysChanged(digests) => digests.iter().for_each(|digest| self.shared.keys.forget(digest)),
            Event::Unreadable(error) => {
                actions.push(Action::Log(Severity::Warn, format!("message from the control plane: {error}")));
            }
        }
    }

    /// Puts a snapshot in force if it can be served, and says so either way.
    fn take_snapshot(&mut self, snapshot: SnapshotMessage, actions: &mut Vec<Action>) {
        let version = snapshot.version();
        let (refusal, log) = match snapshot.compile(self.clusters.as_deref()) {
            Ok(snapshot) => {
                self.shared.snapshot = Some(Rc::new(snapshot));
                (String::new(), Action::Log(Severity::Info, format!("snapshot {version} is in force")))
            }
            Err(error) => {
                let text = format!("snapshot {version} is refused: {error}");
                (error.to_string(), Action::Log(Severity::Warn, text))
            }
        };
        let acknowledgement = wire::encode_acknowledgement(version, refusal, self.snapshot_version());
        actions.extend([Action::Send(acknowledgement), log]);
    }

    /// The version of the snapshot in force; 0 for none.
    fn snapshot_version(&self) -> u64 {
        self.shared.snapshot.as_ref().map_or(0, |snapshot| snapshot.version)
    }
}

#[cfg(test)]
mod tests;
