//! The one record that an exchange leaves: what was known from its beginning, every attempt, and how it ended.
//!
//! It is made here and not beside the prices, because it says what the two machines saw; prices know nothing of exchanges.
//! All text in it that a client chose is bounded and free of control characters.

mod attempt;
mod facts;
mod loss;
mod said;

pub use attempt::{Attempt, Attempts};
pub use facts::Facts;
pub use loss::LossList;

use crate::words::{Millis, Outcome};

/// One exchange, once it has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What was known from the beginning.
    pub facts: Box<Facts>,
    /// From head to end.
    pub duration_ms: u64,
    /// From head to the first byte of the response.
    pub first_byte_ms: Option<u64>,
    /// How it ended.
    pub outcome: Outcome,
    /// The status that the client saw, 0 where it had gone before.
    pub status: u16,
    /// Error code of a refusal or failure; empty for none.
    pub reason: &'static str,
    /// Every time that a provider was asked, and what that comes to.
    pub attempts: Attempts,
    /// What the translation of the last attempt could not carry.
    pub losses: LossList,
}

/// How an exchange ended, as its client saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// When.
    pub at: Millis,
    /// When the response began, where it did.
    pub first_byte: Option<Millis>,
    /// In a word.
    pub outcome: Outcome,
    /// The status that the client saw, 0 where it had gone before.
    pub status: u16,
    /// Error code of a refusal or failure; empty for none.
    pub reason: &'static str,
}

impl Record {
    /// The record of an exchange that has ended like this.
    #[must_use]
    pub fn new(facts: Box<Facts>, end: &End, attempts: Attempts, losses: LossList) -> Self {
        Self {
            duration_ms: end.at.since(facts.started),
            first_byte_ms: end.first_byte.map(|at| at.since(facts.started)),
            outcome: end.outcome,
            status: end.status,
            reason: end.reason,
            attempts,
            losses,
            facts,
        }
    }

    /// About how many bytes it takes here, and at least how many as a message: what it shares with others counts too.
    #[must_use]
    pub fn size(&self) -> usize {
        [size_of::<Self>(), self.facts.size(), self.attempts.size(), self.losses.size(), self.reason.len()]
            .into_iter()
            .fold(0, usize::saturating_add)
    }
}
