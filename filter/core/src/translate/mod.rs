//! From a client's format to a provider's and back: the only room that names several formats.
//!
//! *Identity*, the provider speaks the client's format: members we own are spliced, all other bytes stay as they came.
//! *Canonical*, it does not: everything is decoded to [`canonical`](crate::canonical) and encoded again. Either way
//! this room asks the rows of [`formats`](crate::formats) and knows none of their members; what a row has says
//! [`dialect`](crate::dialect).

mod error;
mod relay;
mod request;

use std::borrow::Cow;

pub use self::{
    error::{encode_error, is_error_of, retry_after_s, translate_error},
    relay::{Observed, Passed, Relay, ResponseKind},
    request::{UpstreamBody, UpstreamRequest, encode_request},
};
pub use crate::dialect::{ClientError, Framing, InvalidRequest, ResponseError, Translation};

use crate::{
    canonical::Vendor,
    dialect::{Dialect, Policy, UpstreamFraming},
    formats::{
        anthropic_messages, bedrock_converse, gemini_generate, openai_chat, openai_completions, openai_embeddings,
        openai_responses,
    },
    words::Format,
};

impl Format {
    /// What its folder says of it.
    pub(crate) fn dialect(self) -> &'static Dialect {
        match self {
            Self::OpenaiChat => &openai_chat::DIALECT,
            Self::OpenaiEmbeddings => &openai_embeddings::DIALECT,
            Self::AnthropicMessages => &anthropic_messages::DIALECT,
            Self::OpenaiResponses => &openai_responses::DIALECT,
            Self::OpenaiCompletions => &openai_completions::DIALECT,
            Self::GeminiGenerate => &gemini_generate::DIALECT,
            Self::BedrockConverse => &bedrock_converse::DIALECT,
        }
    }

    /// Whether a request of this client format can be put into `upstream` and its answers back. The same format on both
    /// sides is the identity lane and needs no translation.
    #[must_use]
    pub fn translates_to(self, upstream: Self) -> bool {
        self != upstream && self.dialect().client.is_some() && upstream.dialect().upstream.is_some()
    }

    /// The path of its operation below a provider's base URL, with its query, given the model and how the answer is to be
    /// streamed, if at all.
    #[must_use]
    pub fn path(self, model: &str, stream: Option<Framing>) -> Cow<'static, str> {
        (self.dialect().http.path)(model, stream)
    }

    /// The media type to ask a provider for.
    pub(crate) fn accepts(self, stream: Option<Framing>) -> &'static str {
        match (stream, &self.dialect().upstream) {
            (None, _) => "application/json",
            (Some(Framing::Sse), Some(upstream)) => upstream.framing.media_type(),
            (Some(framing), _) => framing.media_type(),
        }
    }

    /// What decides whether a request in it is admitted.
    pub(crate) fn policy(self) -> &'static Policy {
        &self.dialect().policy
    }

    /// Whose it is, where that vendor has headers, ids or seals of its own.
    pub(crate) fn vendor(self) -> Option<Vendor> {
        self.dialect().vendor
    }
}

/// The media types of an answer that is a stream.
pub(crate) const STREAM_MEDIA_TYPES: [&str; 2] =
    [UpstreamFraming::Sse.media_type(), UpstreamFraming::EventStream.media_type()];
