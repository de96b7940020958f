//! Wire dialects: one folder each, and the two lanes between them.
//!
//! *Identity*, the provider speaks the client's format: members we own are spliced, all other bytes stay as they came.
//! *Canonical*, it does not: everything is decoded to [`canonical`](crate::canonical) and encoded again. Formats never
//! import each other; this module and [`relay`] are the only places that name several.

mod anthropic_messages;
mod bedrock_converse;
mod claude;
mod dialect;
mod error;
mod gemini_generate;
mod openai;
mod openai_chat;
mod openai_completions;
mod openai_embeddings;
mod openai_responses;
mod relay;
mod schema;

use std::{borrow::Cow, fmt};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

pub use error::{ClientError, encode_error, is_error_of, retry_after_s, translate_error};
pub use relay::{MAX_WHOLE, Observed, Passed, Relay, RelayError, ResponseKind};

use crate::{
    canonical::Losses,
    json::{self, Edit, Envelope, MAX_DEPTH},
    words::Format,
};
use dialect::{Dialect, IdentitySide};

impl Format {
    /// What its folder says of it.
    fn dialect(self) -> &'static Dialect {
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

/// What the translation of one attempt must know of its exchange.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
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

/// The value, or an error that says where and what was expected.
fn want<T>(value: Option<T>, path: &str, expected: &str) -> Result<T, InvalidRequest> {
    value.ok_or_else(|| InvalidRequest::unless(path, expected))
}

/// Why a member is lost that has no counterpart at all.
const NO_MEMBER: &str = "the provider's format has no such member";

/// How a client's stream is framed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    #[default]
    Sse,
    /// One JSON array whose elements arrive one by one: Gemini's streams without `alt=sse`.
    JsonArray,
}

/// What to send to the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamRequest {
    /// Headers that its format demands, besides credentials and `content-type`.
    pub headers: &'static [(&'static str, &'static str)],
    /// The body.
    pub body: UpstreamBody,
    /// What could not cross.
    pub losses: Losses,
}

/// A request's body for the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamBody {
    /// The client's, byte for byte.
    AsReceived,
    /// This one.
    Replaced(Vec<u8>),
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
    fn new(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { message: message.into(), param: Some(param.into()) }
    }

    /// A member that is not what it must be.
    #[cold]
    #[inline(never)]
    fn unless(param: &str, expected: &str) -> Self {
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

/// Puts a client's request into the provider's format.
///
/// `envelope` is the scan of `body`. The same inputs always give the same request, so that it may be asked before the
/// request is admitted, only to learn the losses.
///
/// # Errors
/// When the body does not follow the client's format, or says what the provider's format can neither say nor leave out.
pub fn encode_request(
    attempt: &Attempt<'_>,
    body: &[u8],
    envelope: &Envelope,
) -> Result<UpstreamRequest, InvalidRequest> {
    let dialect = attempt.upstream.dialect();
    let mut losses = Losses::default();
    if attempt.client == attempt.upstream {
        return Ok(UpstreamRequest {
            headers: dialect.upstream.as_ref().map_or(&[], |upstream| upstream.headers),
            body: splice_request(attempt, &dialect.identity, body, envelope),
            losses,
        });
    }
    let (Some(client), Some(upstream)) = (&attempt.client.dialect().client, &dialect.upstream) else {
        return Err(no_translation(attempt.client, attempt.upstream));
    };
    // What passes as it is nobody looks into, so only here.
    if json::is_too_deep(body) {
        return Err(InvalidRequest {
            message: format!("the body is nested deeper than {MAX_DEPTH} levels"),
            param: None,
        });
    }
    let chat = (client.decode_request)(body, envelope)?;
    for path in &chat.extra {
        losses.declare(path.as_str(), NO_MEMBER);
    }
    let body = (upstream.encode_request)(attempt, &chat, &mut losses)?;
    Ok(UpstreamRequest { headers: upstream.headers, body: UpstreamBody::Replaced(body), losses })
}

fn splice_request(attempt: &Attempt<'_>, identity: &IdentitySide, body: &[u8], envelope: &Envelope) -> UpstreamBody {
    let mut edits = Vec::with_capacity(2);
    if identity.names_model && envelope.parse::<String>(body, "model").is_none_or(|model| model != attempt.model) {
        let model = serde_json::to_string(attempt.model).unwrap_or_default();
        edits.push(Edit::Set("model", model.into()));
    }
    if let Some(ask_for_usage) = identity.ask_for_usage.filter(|_| attempt.stream) {
        edits.extend(ask_for_usage(attempt.model, body, envelope));
    }
    match edits.is_empty() {
        true => UpstreamBody::AsReceived,
        false => UpstreamBody::Replaced(envelope.splice(body, &edits)),
    }
}

fn no_translation(client: Format, upstream: Format) -> InvalidRequest {
    let (client, upstream) = (client.name(), upstream.name());
    InvalidRequest { message: format!("a request in {client} cannot be translated to {upstream}"), param: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nested_too_deep_passes_but_is_not_translated() {
        let body = |depth: usize| {
            let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}],"unknown":{nested}}}"#)
        };
        let encode = |upstream, depth| {
            let (body, client) = (body(depth), Format::OpenaiChat);
            let attempt = Attempt {
                client,
                upstream,
                model: "m",
                default_max_tokens: 1,
                stream: false,
                include_usage: false,
                framing: Framing::Sse,
                exchange: "0",
                created_s: 0,
            };
            encode_request(&attempt, body.as_bytes(), &Envelope::scan(body.as_bytes()).unwrap())
        };
        assert_eq!(encode(Format::OpenaiChat, 1_000).unwrap().body, UpstreamBody::AsReceived);
        assert!(encode(Format::AnthropicMessages, MAX_DEPTH - 1).is_ok());
        let refused = encode(Format::AnthropicMessages, MAX_DEPTH).unwrap_err();
        assert_eq!(refused.to_string(), "the body is nested deeper than 128 levels");
    }
}
