//! From a client's format to a provider's and back: the only room that names several formats.
//!
//! *Identity*, the provider speaks the client's format: members we own are spliced, all other bytes stay as they came.
//! *Canonical*, it does not: everything is decoded to [`canonical`](crate::canonical) and encoded again. Either way this room
//! asks the rows of [`formats`](crate::formats) and knows none of their members; what a row has says [`dialect`](crate::dialect).

mod error;
mod relay;
mod request;

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

pub use self::{
    error::{encode_error, is_error_of, retry_after_s, translate_error},
    relay::{Observed, Passed, Relay, ResponseKind},
    request::{UpstreamBody, UpstreamRequest, encode_request},
};
pub use crate::dialect::{ClientError, Framing, InvalidRequest, ResponseError, Translation};

use crate::{
    dialect::Dialect,
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

    /// The path of its operation below a provider's base URL, with its query. Two formats name the model and the stream
    /// there; a model's name is one segment of the path, whatever characters it has (RFC 3986 §3.3).
    #[must_use]
    pub fn path(self, model: &str, stream: bool) -> Cow<'static, str> {
        let segment = || percent_encoding::utf8_percent_encode(model, SEGMENT);
        match (self, stream) {
            (Self::OpenaiChat, _) => "/chat/completions".into(),
            (Self::OpenaiEmbeddings, _) => "/embeddings".into(),
            (Self::AnthropicMessages, _) => "/messages".into(),
            (Self::OpenaiResponses, _) => "/responses".into(),
            (Self::OpenaiCompletions, _) => "/completions".into(),
            (Self::GeminiGenerate, false) => format!("/models/{}:generateContent", segment()).into(),
            (Self::GeminiGenerate, true) => format!("/models/{}:streamGenerateContent?alt=sse", segment()).into(),
            (Self::BedrockConverse, false) => format!("/model/{}/converse", segment()).into(),
            (Self::BedrockConverse, true) => format!("/model/{}/converse-stream", segment()).into(),
        }
    }
}

/// All but the unreserved characters of RFC 3986 §2.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
