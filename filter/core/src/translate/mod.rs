//! From a client's format to a provider's and back: the only room that names several formats.
//!
//! *Identity*, the provider speaks the client's format: members we own are spliced, all other bytes stay as they came.
//! *Canonical*, it does not: everything is decoded to [`canonical`](crate::canonical) and encoded again. Either way
//! this room asks the rows of [`formats`](crate::formats) and knows none of their members; what a row has says
//! [`dialect`](crate::dialect).

mod error;
mod http;
mod policy;
mod relay;
mod request;

pub(crate) use self::http::{
    STREAM_MEDIA_TYPES, VerbCall, below_models, call_at, call_by_verb, format_of_replies, is_forwarded, request_ids,
};
pub use self::{
    error::{encode_error, is_error_of, retry_after_s, translate_error},
    relay::{Observed, Passed, Relay, ResponseKind},
    request::{UpstreamBody, UpstreamRequest, encode_request},
};
pub use crate::dialect::{
    Author, ClientError, Framing, InvalidMember, InvalidRequest, RequestText, ResponseError, TextKind, Translation,
};
pub(crate) use crate::dialect::{ListedModel, Models};

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
}
