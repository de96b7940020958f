//! What both lanes are told of a response, and what they say of it.

use crate::canonical::{Losses, Usage};

/// What the provider sends, by the response's `content-type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseKind {
    /// `text/event-stream`.
    Stream,
    /// Anything else: one JSON text.
    Whole,
}

/// What to do with a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passed {
    /// Pass it as it is.
    AsReceived,
    /// Pass this in its place; empty when there is nothing to send yet.
    Replaced(Vec<u8>),
}

/// What a response has shown so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// The latest figures; `None` when the provider gave none.
    pub usage: Option<Usage>,
    /// Whether `usage` is the provider's last word.
    pub terminal: bool,
    /// Whether the provider said why its answer ended.
    pub finished: bool,
    /// Whether the response broke: an error event, malformed events, or a bound. What the client gets ends in an error event.
    pub failed: bool,
    /// What of the response could not cross; known in full only at its end.
    pub losses: Losses,
}
