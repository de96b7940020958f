//! What decoders and encoders of requests work on: the translation they are part of, and how they refuse.

use std::fmt;

use crate::words::Format;

/// What is known of an exchange where one attempt of it is translated.
#[derive(Clone, Copy, Debug)]
pub struct Translation<'a> {
    /// What the client speaks.
    pub client: Format,
    /// What the provider speaks.
    pub upstream: Format,
    /// The upstream model.
    pub model: &'a str,
    /// The output cap for formats that demand one, where the client set none.
    pub default_max_tokens: u32,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// Whether the client asked for usage in its stream.
    pub include_usage: bool,
    /// How the client wants its stream to be framed.
    pub framing: Framing,
    /// The exchange in 32 hex digits, for ids that we make.
    pub exchange: &'a str,
    /// When the exchange began, in seconds since 1970.
    pub created_s: u64,
}

/// How a client's stream is framed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    #[default]
    Sse,
    /// One JSON array whose elements arrive one by one: Gemini's streams without `alt=sse`.
    JsonArray,
}

impl Framing {
    /// The `content-type` of such a stream.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Sse => "text/event-stream",
            Self::JsonArray => "application/json",
        }
    }
}

/// A request that cannot be put into the provider's format: a 400.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRequest {
    /// For the client.
    pub message: String,
    /// The member it is about, as a dotted path.
    pub param: Option<String>,
}

impl InvalidRequest {
    // Errors are made in hundreds of places, and hardly ever: none of them should have the code for it in its midst.
    #[cold]
    #[inline(never)]
    pub(crate) fn new(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { message: message.into(), param: Some(param.into()) }
    }

    /// The same, about this member.
    pub(crate) fn at(self, param: &str) -> Self {
        Self { param: Some(param.to_owned()), ..self }
    }

    /// A member that is not what it must be.
    #[cold]
    #[inline(never)]
    pub(crate) fn unless(param: &str, expected: &str) -> Self {
        Self::new(param, format!("must be {expected}"))
    }
}

impl fmt::Display for InvalidRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.param {
            Some(param) => write!(f, "{param}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for InvalidRequest {}

/// The value, or an error that says where and what was expected.
pub(crate) fn want<T>(value: Option<T>, path: &str, expected: &str) -> Result<T, InvalidRequest> {
    value.ok_or_else(|| InvalidRequest::unless(path, expected))
}

/// Why a member is lost that has no counterpart at all.
pub(crate) const NO_MEMBER: &str = "the provider's format has no such member";
