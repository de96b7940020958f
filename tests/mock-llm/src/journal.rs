//! What was received, and the gates at which responses wait. Both can be awaited, so that a test needs no sleep.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use tokio::sync::watch;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Every header, in the order of arrival, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The raw body.
    pub body: Bytes,
    /// How its response went, so far.
    pub ending: Ending,
}

/// How a response went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    /// It has not ended yet.
    Open,
    /// It was handed over whole.
    Complete,
    /// It was broken off here, as the script says.
    Broken,
    /// The peer went away before its end.
    Abandoned,
}

impl Ending {
    /// Its name in `GET /__mock/requests`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::Broken => "broken",
            Self::Abandoned => "abandoned",
        }
    }
}

impl Received {
    /// The first value of a header, its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `null` when it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Everything received since the last `clear`.
pub(crate) struct Journal(watch::Sender<Entries>);

#[derive(Default)]
struct Entries {
    /// How many entries were cleared away, so that a late ending does not land on another request.
    cleared: usize,
    entries: Vec<Received>,
}

/// An entry of the journal.
#[derive(Clone, Copy)]
pub(crate) struct Entry(usize);

impl Default for Journal {
    fn default() -> Self {
        Self(watch::Sender::new(Entries::default()))
    }
}

impl Journal {
    pub(crate) fn record(&self, request: Received) -> Entry {
        let mut entry = 0;
        self.0.send_modify(|journal| {
            entry = journal.cleared + journal.entries.len();
            journal.entries.push(request);
        });
        Entry(entry)
    }

    pub(crate) fn end(&self, entry: Entry, ending: Ending) {
        self.0.send_modify(|journal| {
            let position = entry.0.checked_sub(journal.cleared);
            if let Some(request) = position.and_then(|position| journal.entries.get_mut(position)) {
                request.ending = ending;
            }
        });
    }

    pub(crate) fn requests(&self) -> Vec<Received> {
        self.0.borrow().entries.clone()
    }

    pub(crate) fn clear(&self) {
        self.0.send_modify(|journal| {
            journal.cleared += journal.entries.len();
            journal.entries.clear();
        });
    }

    pub(crate) async fn wait_for(&self, mut done: impl FnMut(&[Received]) -> bool) -> Vec<Received> {
        let mut changes = self.0.subscribe();
        // The sender is ours, so the wait cannot fail.
        match changes.wait_for(|journal| done(&journal.entries)).await {
            Ok(journal) => journal.entries.clone(),
            Err(_) => Vec::new(),
        }
    }
}

/// The gates, by name.
pub(crate) struct Gates(watch::Sender<GateStates>);

#[derive(Default)]
struct GateStates {
    open: BTreeSet<String>,
    held: BTreeMap<String, usize>,
    /// Grows with `release_all`: whoever came before it goes.
    generation: u64,
}

impl Default for Gates {
    fn default() -> Self {
        Self(watch::Sender::new(GateStates::default()))
    }
}

impl Gates {
    /// Waits until the gate is opened. May be dropped while it waits.
    pub(crate) async fn pass(&self, name: &str) {
        let mut changes = self.0.subscribe();
        let generation = self.0.borrow().generation;
        let _place = Place::take(self, name);
        let _ = changes.wait_for(|gates| gates.open.contains(name) || gates.generation != generation).await;
    }

    pub(crate) fn release(&self, name: &str) {
        self.0.send_modify(|gates| {
            gates.open.insert(name.into());
        });
    }

    pub(crate) fn release_all(&self) {
        self.0.send_modify(|gates| {
            gates.open.clear();
            gates.generation += 1;
        });
    }

    pub(crate) async fn wait_until_held(&self, name: &str, count: usize) {
        let mut changes = self.0.subscribe();
        let _ = changes.wait_for(|gates| gates.held.get(name).copied().unwrap_or(0) >= count).await;
    }

    /// How many responses stand at each gate.
    pub(crate) fn held(&self) -> BTreeMap<String, usize> {
        self.0.borrow().held.clone()
    }
}

/// One response's place at a gate, given up when dropped.
struct Place<'a> {
    gates: &'a Gates,
    name: &'a str,
}

impl<'a> Place<'a> {
    fn take(gates: &'a Gates, name: &'a str) -> Self {
        gates.0.send_modify(|gates| *gates.held.entry(name.into()).or_default() += 1);
        Self { gates, name }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.gates.0.send_modify(|gates| {
            if let Some(held) = gates.held.get_mut(self.name) {
                *held = held.saturating_sub(1);
            }
        });
    }
}
