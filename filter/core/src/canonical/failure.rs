//! An error that a provider reports.

use std::borrow::Cow;

/// A provider's error, whatever its format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The HTTP status that it stands for, where an error inside a good response tells.
    pub status: Option<u16>,
    /// The provider's word for the kind: `overloaded_error`. `None` where it gave none.
    pub kind: Option<String>,
    /// A code next to the kind: `context_length_exceeded`.
    pub code: Option<String>,
    /// The request member it is about.
    pub param: Option<String>,
    /// After how many seconds to try again, where the body tells and not a header.
    pub retry_after_s: Option<u64>,
    /// For people.
    pub message: Cow<'static, str>,
}

impl Failure {
    /// A failure of which only a message is known.
    #[must_use]
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self { status: None, kind: None, code: None, param: None, retry_after_s: None, message: message.into() }
    }
}
