//! A whole answer for the client.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    canonical::{Answer, AnswerBlock, Citation, Finish, FinishReason, Losses, Seal, Vendor},
    dialect::{EncodeResponse, Translation},
    formats::anthropic_messages::usage::{EncodedUsage, encode_usage},
    json::Node,
};

/// Encodes a gathered answer as a message: <https://platform.claude.com/docs/en/api/messages/create>.
#[derive(Debug)]
pub(super) struct ResponseEncoder {
    id: String,
    model: String,
}

impl ResponseEncoder {
    pub(super) fn new(translation: &Translation<'_>) -> Self {
        Self { id: message_id(translation), model: translation.model.to_owned() }
    }
}

impl EncodeResponse for ResponseEncoder {
    fn encode(&self, answer: &Answer, losses: &mut Losses) -> Vec<u8> {
        let choice = answer.choices.first();
        let blocks = choice.map_or(&[][..], |choice| &choice.blocks);
        let finish = choice.and_then(|choice| choice.finish.as_ref());
        let body = Body {
            id: &self.id,
            r#type: "message",
            role: "assistant",
            model: if answer.model.is_empty() { &self.model } else { &answer.model },
            content: blocks.iter().map(|block| encode_block(block, losses)).collect(),
            stop_reason: stop_reason(finish.map_or(FinishReason::Stop, |finish| finish.reason)),
            stop_sequence: finish.and_then(stop_sequence),
            usage: encode_usage(&answer.usage.unwrap_or_default()),
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

fn encode_block<'e>(block: &'e AnswerBlock, losses: &mut Losses) -> BlockWire<'e> {
    match block {
        AnswerBlock::Text { text, citations, logprobs } => {
            if !logprobs.is_empty() {
                losses.declare("logprobs", "the client's format has no place for them");
            }
            let citations: Vec<_> = citations.iter().filter_map(|citation| encode_citation(citation, losses)).collect();
            BlockWire::Text { text, citations: (!citations.is_empty()).then_some(citations) }
        }
        AnswerBlock::Refusal(text) => BlockWire::Text { text, citations: None },
        AnswerBlock::Thinking { text, seal } => match seal {
            Some(seal) if is_redacted(text, seal) => BlockWire::RedactedThinking { data: redacted_data(seal) },
            seal => BlockWire::Thinking {
                thinking: text,
                signature: seal.as_ref().map(|seal| seal.carried_by(Vendor::Anthropic)).unwrap_or_default(),
            },
        },
        AnswerBlock::ToolUse { id, name, input } => {
            let object = Node::parse(input.as_bytes()).ok().filter(|input| input.members().is_some());
            let input = object.and_then(|object| serde_json::from_str(object.text()).ok());
            if input.is_none() {
                losses.declare("tool_use.input", "the arguments are not the JSON text of an object");
            }
            BlockWire::ToolUse { id, name, input: input.map_or(Input::Empty {}, Input::Given) }
        }
    }
}

/// Whether reasoning is inside its seal and nowhere else.
pub(super) fn is_redacted(text: &str, seal: &Seal<'_>) -> bool {
    seal.redacted && text.is_empty()
}

/// What stands in a `redacted_thinking` block: Anthropic's own data, or another vendor's seal, wrapped.
pub(super) fn redacted_data<'s>(seal: &'s Seal<'_>) -> std::borrow::Cow<'s, str> {
    match seal.vendor {
        Vendor::Anthropic => std::borrow::Cow::Borrowed(&seal.data),
        Vendor::Openai | Vendor::Google => seal.carried_by(Vendor::Anthropic),
    }
}

/// A citation as one of a web page (<https://platform.claude.com/docs/en/build-with-claude/citations>); other kinds are about
/// documents of the request, which only Anthropic can count into.
pub(super) fn encode_citation<'e>(citation: &'e Citation<'_>, losses: &mut Losses) -> Option<CitationWire<'e>> {
    let Some(url) = citation.url.as_deref() else {
        losses.declare("citations", "the client's format cites without an address only what it can count into");
        return None;
    };
    Some(CitationWire {
        r#type: "web_search_result_location",
        url,
        title: citation.title.as_deref(),
        cited_text: citation.cited_text.as_deref().unwrap_or_default(),
        encrypted_index: "",
    })
}

/// The id of a message that we encode.
pub(super) fn message_id(translation: &Translation<'_>) -> String {
    format!("msg_{}", translation.exchange)
}

/// <https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons>
pub(super) fn stop_reason(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop | FinishReason::Malformed => "end_turn",
        FinishReason::StopSequence => "stop_sequence",
        FinishReason::Length => "max_tokens",
        FinishReason::ContextFull => "model_context_window_exceeded",
        FinishReason::ToolUse => "tool_use",
        FinishReason::Refusal | FinishReason::Filter => "refusal",
        FinishReason::Paused => "pause_turn",
    }
}

/// The stop text goes only with the reason that is about it.
pub(super) fn stop_sequence<'f>(finish: &'f Finish<'_>) -> Option<&'f str> {
    finish.stop_sequence.as_deref().filter(|_| finish.reason == FinishReason::StopSequence)
}

#[derive(Serialize)]
struct Body<'e> {
    id: &'e str,
    r#type: &'static str,
    role: &'static str,
    model: &'e str,
    content: Vec<BlockWire<'e>>,
    stop_reason: &'static str,
    stop_sequence: Option<&'e str>,
    usage: EncodedUsage,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum BlockWire<'e> {
    Text {
        text: &'e str,
        #[serde(skip_serializing_if = "Option::is_none")]
        citations: Option<Vec<CitationWire<'e>>>,
    },
    Thinking {
        thinking: &'e str,
        signature: std::borrow::Cow<'e, str>,
    },
    RedactedThinking {
        data: std::borrow::Cow<'e, str>,
    },
    ToolUse {
        id: &'e str,
        name: &'e str,
        input: Input<'e>,
    },
}

/// The arguments of a call: an object, whatever was given.
#[derive(Serialize)]
#[serde(untagged)]
enum Input<'e> {
    Given(&'e RawValue),
    Empty {},
}

/// See [`encode_citation`].
#[derive(Serialize)]
pub(super) struct CitationWire<'e> {
    r#type: &'static str,
    url: &'e str,
    title: Option<&'e str>,
    cited_text: &'e str,
    encrypted_index: &'static str,
}
