//! What a whole answer and a streamed one have in common.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    canonical::{Citation, Event, Finish, FinishReason, Seal, Vendor},
    dialect::Sink,
    json::{Node, Text},
};

/// How an answer ended (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_MessageStopEvent.html>). A
/// reason that came after this was written counts as a plain stop: the answer is complete as far as can be told.
///
/// `fields` is `additionalModelResponseFields`, which has the stop text that was met, at the top for a whole answer of
/// Claude's and below `delta` for a streamed one.
pub(super) fn finish<'e>(stop_reason: &str, fields: Option<&'e RawValue>) -> Finish<'e> {
    let reason = match stop_reason {
        "max_tokens" => FinishReason::Length,
        "model_context_window_exceeded" => FinishReason::ContextFull,
        "stop_sequence" => FinishReason::StopSequence,
        "tool_use" => FinishReason::ToolUse,
        "guardrail_intervened" | "content_filtered" => FinishReason::Filter,
        "malformed_model_output" | "malformed_tool_use" => FinishReason::Malformed,
        "refusal" => FinishReason::Refusal,
        "pause_turn" => FinishReason::Paused,
        _ => FinishReason::Stop,
    };
    let fields = fields.and_then(|fields| Node::parse(fields.get().as_bytes()).ok());
    let fields = fields.map(|fields| fields.member("delta").unwrap_or(fields));
    let stop_sequence = fields.and_then(|fields| fields.member("stop_sequence")).and_then(Node::string);
    Finish { reason, stop_sequence }
}

/// Redacted reasoning: bytes here, which are the text that Anthropic's own API has
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ReasoningContentBlock.html>). `None` for bytes that
/// are no text: they could not go back the way they came.
pub(super) fn decode_redacted(bytes: &str, sink: Sink<'_>) -> Option<Seal<'static>> {
    if bytes.is_empty() {
        return None;
    }
    let data = BASE64_STANDARD.decode(bytes).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    if data.is_none() {
        let reason = "it is not the text that the model's vendor seals thinking in";
        sink(Event::Lost { path: "content.reasoningContent.redactedContent".into(), reason });
    }
    data.map(|data| seal(data.into(), true))
}

/// A seal on reasoning. Claude alone seals, and its seals are the same wherever it is served
/// (<https://platform.claude.com/docs/en/build-with-claude/extended-thinking#thinking-encryption>).
pub(super) fn seal(data: Cow<'_, str>, redacted: bool) -> Seal<'_> {
    Seal { vendor: Vendor::Anthropic, redacted, data }
}

/// Where something of an answer comes from
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Citation.html>).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CitationWire<'e> {
    #[serde(borrow)]
    title: Option<Text<'e>>,
    #[serde(borrow)]
    source: Option<Text<'e>>,
    #[serde(borrow)]
    source_content: Option<Vec<TextWire<'e>>>,
    #[serde(borrow)]
    location: Option<LocationWire<'e>>,
}

/// A piece of text.
#[derive(Deserialize)]
pub(super) struct TextWire<'e> {
    #[serde(borrow)]
    pub(super) text: Option<Text<'e>>,
}

/// The places inside of a document are left unread.
#[derive(Deserialize)]
struct LocationWire<'e> {
    #[serde(borrow)]
    web: Option<WebWire<'e>>,
}

#[derive(Deserialize)]
struct WebWire<'e> {
    #[serde(borrow)]
    url: Option<Text<'e>>,
}

impl<'e> CitationWire<'e> {
    /// The citation. A place inside of a document is passed over: other formats count its pages and letters otherwise.
    pub(super) fn decode(self, sink: Sink<'_>) -> Citation<'e> {
        let Self { title, source, source_content, location } = self;
        if location.as_ref().is_some_and(|location| location.web.is_none()) {
            let reason = "the place inside of the document has no counterpart";
            sink(Event::Lost { path: "citations.location".into(), reason });
        }
        let is_address = |text: &Text<'_>| text.0.starts_with("https://") || text.0.starts_with("http://");
        let url = location.and_then(|location| location.web?.url).or(source.filter(is_address));
        let cited_text = join(source_content.unwrap_or_default());
        Citation {
            url: url.map(|url| url.0),
            title: title.map(|title| title.0),
            cited_text: (!cited_text.is_empty()).then_some(cited_text),
            span: None,
        }
    }
}

/// All texts, one after the other; borrowed where there is one.
pub(super) fn join(texts: Vec<TextWire<'_>>) -> Cow<'_, str> {
    let texts = texts.into_iter().filter_map(|text| text.text).map(|text| text.0);
    texts.reduce(|all, more| all + more).unwrap_or_default()
}

/// Says that a kind of content has no place in an answer: tools that the provider runs itself, pictures.
pub(super) fn pass_over(path: &'static str, sink: Sink<'_>) {
    sink(Event::Lost { path: path.into(), reason: "such content of the provider's has no counterpart" });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_to_stop_is_known() {
        let cases = [
            ("end_turn", FinishReason::Stop),
            ("tool_use", FinishReason::ToolUse),
            ("max_tokens", FinishReason::Length),
            ("stop_sequence", FinishReason::StopSequence),
            ("guardrail_intervened", FinishReason::Filter),
            ("content_filtered", FinishReason::Filter),
            ("malformed_model_output", FinishReason::Malformed),
            ("malformed_tool_use", FinishReason::Malformed),
            ("model_context_window_exceeded", FinishReason::ContextFull),
            ("of_next_year", FinishReason::Stop),
        ];
        for (word, reason) in cases {
            assert_eq!(finish(word, None), reason.into(), "{word}");
        }
    }

    #[test]
    fn the_stop_text_is_read_where_either_api_puts_it() {
        let stopped_by = |fields: &str| {
            let fields: &RawValue = serde_json::from_str(fields).unwrap();
            finish("stop_sequence", Some(fields)).stop_sequence.map(Cow::into_owned)
        };
        assert_eq!(stopped_by(r#"{"stop_sequence":"END"}"#).as_deref(), Some("END"));
        assert_eq!(stopped_by(r#"{"delta":{"stop_sequence":"END"}}"#).as_deref(), Some("END"));
        assert_eq!(stopped_by(r#"{"delta":{"stop_sequence":null}}"#), None);
        assert_eq!(stopped_by("null"), None);
    }
}
