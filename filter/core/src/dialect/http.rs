//! What a format says outside of bodies: in paths and headers.

use std::{borrow::Cow, fmt::Display};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Framing;

/// How a request in the format is sent to a provider.
pub(crate) struct Http {
    /// The path of its operation below a provider's base URL, with its query, given the model and how the answer is to be
    /// streamed, if at all.
    pub(crate) path: fn(&str, Option<Framing>) -> Cow<'static, str>,
    /// Headers that a request must have, besides credentials and `content-type`.
    pub(crate) headers: &'static [(&'static str, &'static str)],
}

/// A model's name as one segment of a path, whatever characters it has (RFC 3986 §3.3).
pub(crate) fn segment(model: &str) -> impl Display {
    utf8_percent_encode(model, SEGMENT)
}

/// All but the unreserved characters of RFC 3986 §2.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
