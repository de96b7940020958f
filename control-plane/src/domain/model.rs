//! A model that clients can ask for, and whom it is asked from.

use super::{chain::Chain, target::Target};

/// A model name with its targets.
#[derive(Debug, Clone)]
pub struct Model {
    /// What clients ask for: exact, or a glob with `*`.
    pub name: String,
    /// At least one, by ascending priority, then in the order of the file.
    pub targets: Vec<Target>,
    /// Every order in which they can be tried.
    pub chains: Vec<Chain>,
    /// What happens to what cannot cross from one format to another.
    pub translation: Translation,
    /// Whole response, for requests that do not stream.
    pub timeout_ms: u32,
    /// Response headers, for requests that stream.
    pub first_byte_timeout_ms: u32,
}

/// What happens to a request that loses something in translation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Translation {
    /// Losses are counted and named on request.
    Lenient,
    /// A loss is a 400.
    Strict,
}

impl Translation {
    /// As it is written and shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lenient => "lenient",
            Self::Strict => "strict",
        }
    }
}
