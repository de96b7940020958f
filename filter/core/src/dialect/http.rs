//! What a format says outside of bodies: in paths and headers, towards clients and towards providers.

use std::{borrow::Cow, fmt::Display};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Framing, UpstreamFraming};
use crate::words::Operation;

/// What a format says outside of bodies.
pub(crate) struct Http {
    /// How its clients are known and answered; `None` where only providers speak it.
    pub(crate) served: Option<Served>,
    /// The path of its operation below a provider's base URL, with its query, given the model and how the answer is to be
    /// streamed, if at all.
    pub(crate) path: fn(&str, Option<Framing>) -> Cow<'static, str>,
    /// Headers that a request must have, besides credentials and `content-type`.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// Headers of a client that go to a provider where both speak a format of this vendor: what chooses its version and its beta
    /// features.
    pub(crate) forwards: &'static [&'static str],
    /// The response header in which its providers put the id that their support asks for, where they have one.
    pub(crate) request_id: Option<&'static str>,
    /// The media type of a provider's whole answer.
    pub(crate) whole: &'static str,
    /// How a provider cuts its stream into frames, which also says the stream's media type.
    pub(crate) stream: UpstreamFraming,
}

/// The side of a format that is turned to its clients.
pub(crate) struct Served {
    /// What kind of call its calls are.
    pub(crate) operation: Operation,
    /// How a call is recognised.
    pub(crate) calls: Calls,
    /// The path at and below which whoever asks reads errors in this format.
    pub(crate) family: &'static str,
    /// A header that only its clients send, where it shares paths with other formats.
    pub(crate) known_by: Option<&'static str>,
    /// The parameter of the query that may hold the client's key.
    pub(crate) key_parameter: Option<&'static str>,
    /// The response header in which its clients look for the provider's request id.
    pub(crate) request_id: Option<&'static str>,
    /// Its list of models.
    pub(crate) models: Models,
}

/// How a client's request is recognised as a call.
pub(crate) enum Calls {
    /// It comes to this path, and its body says model and stream.
    At(&'static str),
    /// It comes to a model below the list of models, with a verb behind the model's name: `models/{model}:{verb}`.
    Verbs {
        /// The verbs, and whether each asks for a stream.
        verbs: &'static [(&'static str, bool)],
        /// The parameter of the query, and its value, that ask for server-sent events; without it a stream is a JSON array.
        sse: (&'static str, &'static str),
    },
}

/// How a format lists models.
pub(crate) struct Models {
    /// The paths of the list; one model is below it.
    pub(crate) at: &'static [&'static str],
    /// The body that lists these, in this order: all that there are, on one page.
    pub(crate) list: fn(&[ListedModel<'_>]) -> Vec<u8>,
    /// The body that shows one.
    pub(crate) one: fn(&ListedModel<'_>) -> Vec<u8>,
}

/// A model as clients see it. No route has a moment at which it was made, so that none is said here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListedModel<'a> {
    /// The name that a client asks for.
    pub(crate) name: &'a str,
    /// The provider that is asked first.
    pub(crate) owned_by: &'a str,
}

/// The media type of JSON.
pub(crate) const JSON: &str = "application/json";

/// A model's name as one segment of a path, whatever characters it has (RFC 3986 §3.3).
pub(crate) fn segment(model: &str) -> impl Display {
    utf8_percent_encode(model, SEGMENT)
}

/// All but the unreserved characters of RFC 3986 §2.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
