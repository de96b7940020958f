//! What a whole answer and the chunks of a stream have in common.

use serde::Serialize;

use super::super::wire::reasoning::DetailWire;
use crate::{
    canonical::{Citation, Finish, FinishReason, Losses, TokenLogprob},
    dialect::Translation,
};

/// A message of the assistant, or a piece of one.
#[derive(Default, Serialize)]
pub(super) struct MessageWire<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<&'static str>,
    /// A whole message says `null` where it has none; a piece says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<Option<&'e str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<Option<&'e str>>,
    /// Not OpenAI's own, but what clients of reasoning models read: <https://api-docs.deepseek.com/guides/thinking_mode>.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_content: Option<&'e str>,
    /// What keeps the seals, for clients that send the message back as it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) reasoning_details: Vec<DetailWire<'e>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) annotations: Vec<AnnotationWire<'e>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tool_calls: Vec<CallWire<'e>>,
}

/// A call, or a piece of one, which alone has an index.
#[derive(Serialize)]
pub(super) struct CallWire<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) index: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) r#type: Option<&'static str>,
    pub(super) function: FunctionWire<'e>,
    /// Google's seal, where Google puts it: <https://ai.google.dev/gemini-api/docs/thought-signatures#openai>.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) extra_content: Option<ExtraWire<'e>>,
}

#[derive(Serialize)]
pub(super) struct FunctionWire<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'e str>,
    pub(super) arguments: &'e str,
}

#[derive(Serialize)]
pub(super) struct ExtraWire<'e> {
    google: GoogleWire<'e>,
}

#[derive(Serialize)]
struct GoogleWire<'e> {
    thought_signature: &'e str,
}

impl<'e> ExtraWire<'e> {
    pub(super) fn of(thought_signature: &'e str) -> Self {
        Self { google: GoogleWire { thought_signature } }
    }
}

/// <https://platform.openai.com/docs/guides/tools-web-search?api-mode=chat#output-and-citations>
#[derive(Serialize)]
pub(super) struct AnnotationWire<'e> {
    /// Only in a stream: OpenAI's Python client puts lists together by it, and fails without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) index: Option<u32>,
    r#type: &'static str,
    url_citation: CitationWire<'e>,
}

#[derive(Serialize)]
struct CitationWire<'e> {
    url: &'e str,
    title: &'e str,
    /// OpenRouter's addition: <https://openrouter.ai/docs/features/web-search>.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'e str>,
    start_index: u64,
    end_index: u64,
}

impl<'e> AnnotationWire<'e> {
    /// `offset` is how many characters of the message stand before the block. OpenAI cites addresses only; a source
    /// without one is lost.
    pub(super) fn of(citation: &'e Citation<'_>, offset: u64, losses: &mut Losses) -> Option<Self> {
        let Citation { url, title, cited_text, span } = citation;
        let Some(url) = url.as_deref() else {
            losses.declare("citations", "the client's format cites addresses only");
            return None;
        };
        // Where the words are unknown OpenRouter says two zeros.
        let (start, end) =
            span.map_or((0, 0), |(start, end)| (start.saturating_add(offset), end.saturating_add(offset)));
        let url_citation = CitationWire {
            url,
            title: title.as_deref().unwrap_or_default(),
            content: cited_text.as_deref(),
            start_index: start,
            end_index: end,
        };
        Some(Self { index: None, r#type: "url_citation", url_citation })
    }
}

/// <https://platform.openai.com/docs/api-reference/chat/object#chat-object-choices-logprobs>
#[derive(Serialize)]
pub(super) struct LogprobsWire<'e> {
    content: Vec<TokenWire<'e>>,
    refusal: Option<()>,
}

#[derive(Serialize)]
struct TokenWire<'e> {
    token: &'e str,
    logprob: f64,
    bytes: &'e [u8],
    top_logprobs: Vec<TopWire<'e>>,
}

#[derive(Serialize)]
struct TopWire<'e> {
    token: &'e str,
    logprob: f64,
    bytes: &'e [u8],
}

impl<'e> LogprobsWire<'e> {
    pub(super) fn of(tokens: impl Iterator<Item = &'e TokenLogprob>) -> Option<Self> {
        let top = |(token, logprob): &'e (String, f64)| TopWire { token, logprob: *logprob, bytes: token.as_bytes() };
        let content: Vec<TokenWire<'e>> = tokens
            .map(|TokenLogprob { token, logprob, top: others }| TokenWire {
                token,
                logprob: *logprob,
                bytes: token.as_bytes(),
                top_logprobs: others.iter().map(top).collect(),
            })
            .collect();
        (!content.is_empty()).then_some(Self { content, refusal: None })
    }
}

/// OpenAI's word for a finish reason. Where the model refuses in words of its own OpenAI says `stop`.
pub(super) fn finish_reason(finish: &Finish<'_>, refused_in_words: bool, losses: &mut Losses) -> &'static str {
    if finish.stop_sequence.is_some() {
        losses.declare("stop_sequence", "the client's format does not tell which stop text was met");
    }
    let mut nearest = |word| {
        losses.approximate("finish_reason", "the client's format has no such reason");
        word
    };
    match finish.reason {
        FinishReason::Stop | FinishReason::StopSequence => "stop",
        FinishReason::Paused | FinishReason::Malformed => nearest("stop"),
        FinishReason::Length => "length",
        FinishReason::ContextFull => nearest("length"),
        FinishReason::ToolUse => "tool_calls",
        FinishReason::Refusal if refused_in_words => "stop",
        FinishReason::Refusal | FinishReason::Filter => "content_filter",
    }
}

/// Why words after a call are an approximation.
pub(super) const WORDS_FIRST: &str = "in the client's format words go before calls";

/// How many characters.
pub(super) fn count(text: &str) -> u64 {
    u64::try_from(text.chars().count()).unwrap_or(u64::MAX)
}

/// The id of a completion that we encode.
pub(super) fn completion_id(translation: &Translation<'_>) -> String {
    format!("chatcmpl-{}", translation.exchange)
}
