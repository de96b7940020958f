//! A response on its way from the provider to the client.

mod canonical;
mod identity;

use std::fmt;

use super::Attempt;
use crate::canonical::{Failure, Losses, Usage};
use canonical::Canonical;
use identity::Identity;

/// The most that a response may have, in bytes, when all of it must be held to be translated: 16 MiB.
pub const MAX_WHOLE: usize = 16 << 20;

/// One successful response being passed on, translated where the formats differ, its usage observed on the way.
///
/// Give every piece of the body to [`push`](Self::push), then call [`finish`](Self::finish) once. The output does not
/// depend on how the body was split.
#[derive(Debug)]
pub struct Relay {
    lane: Lane,
    observed: Observed,
}

#[derive(Debug)]
enum Lane {
    Identity(Identity),
    Canonical(Box<Canonical>),
    /// No translation exists, so no byte of the provider may pass.
    Closed,
}

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

/// Why a response cannot become an answer in the client's format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelayError {
    /// Larger than [`MAX_WHOLE`], or one event larger than [`MAX_EVENT`](crate::framing::MAX_EVENT).
    TooLarge,
    /// Not what the provider's format promises; says what is wrong.
    Malformed(String),
    /// It ended too early.
    Incomplete,
    /// The provider reports an error in the body of a good status.
    Provider(Failure),
    /// Nothing translates between these formats.
    NoTranslation,
}

impl Relay {
    /// A relay for the response to `attempt`.
    #[must_use]
    pub fn new(attempt: &Attempt<'_>, kind: ResponseKind) -> Self {
        let (client, upstream) = (&attempt.client.dialect().client, &attempt.upstream.dialect().upstream);
        let lane = match (client, upstream) {
            _ if attempt.client == attempt.upstream => Lane::Identity(Identity::new(attempt, kind)),
            (Some(client), Some(upstream)) => {
                Lane::Canonical(Box::new(Canonical::new(attempt, kind, client, upstream)))
            }
            _ => Lane::Closed,
        };
        Self { lane, observed: Observed::default() }
    }

    /// Takes the next bytes of the provider's body.
    pub fn push(&mut self, chunk: &[u8]) -> Passed {
        match &mut self.lane {
            Lane::Identity(lane) => lane.push(chunk, &mut self.observed),
            Lane::Canonical(lane) => Passed::Replaced(lane.push(chunk, &mut self.observed)),
            Lane::Closed => Passed::Replaced(Vec::new()),
        }
    }

    /// The provider's body has ended: what is still to be sent.
    ///
    /// # Errors
    /// When nothing was sent yet and nothing can be: the client awaits one JSON text, and there is none to give.
    pub fn finish(&mut self) -> Result<Vec<u8>, RelayError> {
        match &mut self.lane {
            Lane::Identity(lane) => Ok(lane.finish(&mut self.observed)),
            Lane::Canonical(lane) => lane.finish(&mut self.observed),
            Lane::Closed => Err(RelayError::NoTranslation),
        }
    }

    /// What was seen so far.
    #[must_use]
    pub fn observed(&self) -> &Observed {
        &self.observed
    }
}

impl RelayError {
    /// The same as a failure of the provider.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Provider(failure) => failure.clone(),
            error => Failure { kind: Some("api_error".to_owned()), ..Failure::new(error.to_string()) },
        }
    }
}

impl fmt::Display for RelayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("the provider's response is too large to be translated"),
            Self::Malformed(what) => write!(f, "the provider's response does not follow its format: {what}"),
            Self::Incomplete => f.write_str("the provider's response ended early"),
            Self::Provider(failure) => f.write_str(&failure.message),
            Self::NoTranslation => f.write_str("the provider's response cannot be translated to the client's format"),
        }
    }
}

impl std::error::Error for RelayError {}
