//! A whole answer of the provider, decoded.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::finish::decode_finish;
use crate::{
    canonical::{BlockStart, Citation, Delta, Event, Finish, Seal, Vendor},
    dialect::{ResponseError, Sink},
    formats::anthropic_messages::{error::decode_error, usage::Figures},
    json::Text,
};

/// Decodes a whole message into the events of its answer. Blocks without a place in an answer are declared as lost and
/// passed over, as in a stream.
pub(super) fn decode_response(body: &[u8], sink: Sink<'_>) -> Result<(), ResponseError> {
    if let Some(failure) = decode_error(body) {
        return Err(ResponseError::Provider(failure));
    }
    let message: Wire<'_> =
        serde_json::from_slice(body).map_err(|error| ResponseError::Malformed(error.to_string()))?;
    sink(Event::Start { model: message.model.0 });
    for block in message.content {
        decode_block(block, sink);
    }
    // Without a reason it is complete all the same: it is one JSON text.
    let reason = decode_finish(message.stop_reason.as_ref().map_or("", |reason| &*reason.0));
    let stop_sequence = message.stop_sequence.map(|text| text.0);
    sink(Event::Finish(Finish { reason, stop_sequence }));
    if let Some(usage) = message.usage.and_then(|figures| figures.usage()) {
        sink(Event::Usage { usage, terminal: true });
    }
    sink(Event::End);
    Ok(())
}

fn decode_block(block: BlockWire<'_>, sink: Sink<'_>) {
    match &*block.r#type.0 {
        "text" => {
            sink(Event::BlockStart(BlockStart::Text));
            sink(Event::BlockDelta(Delta::Text(block.text.unwrap_or_default().0)));
            for citation in block.citations.unwrap_or_default() {
                sink(Event::BlockDelta(Delta::Citation(citation.decode())));
            }
        }
        "thinking" => {
            sink(Event::BlockStart(BlockStart::Thinking));
            sink(Event::BlockDelta(Delta::Thinking(block.thinking.unwrap_or_default().0)));
            if let Some(seal) = block.signature.filter(|seal| !seal.0.is_empty()) {
                sink(Event::BlockDelta(Delta::Seal(seal_of(seal.0, false))));
            }
        }
        "redacted_thinking" => {
            sink(Event::BlockStart(BlockStart::Thinking));
            sink(Event::BlockDelta(Delta::Seal(seal_of(block.data.unwrap_or_default().0, true))));
        }
        "tool_use" => {
            let (id, name) = (block.id.unwrap_or_default().0, block.name.unwrap_or_default().0);
            sink(Event::BlockStart(BlockStart::ToolUse { id, name }));
            sink(Event::BlockDelta(Delta::Input(block.input.map_or("{}", RawValue::get).into())));
        }
        kind => return pass_over(kind, sink),
    }
    sink(Event::BlockStop);
}

/// Anthropic's own seal.
pub(super) fn seal_of(data: Cow<'_, str>, redacted: bool) -> Seal<'_> {
    Seal { vendor: Vendor::Anthropic, redacted, data }
}

/// A block without a place in an answer: what a server tool did, or a kind that is unknown here.
pub(super) fn pass_over(kind: &str, sink: Sink<'_>) {
    sink(Event::Lost { path: format!("content.{kind}").into(), reason: "the client's format has no such block" });
}

/// A citation: <https://platform.claude.com/docs/en/build-with-claude/citations>. Those of documents count into the request,
/// those of search results have an address.
#[derive(Deserialize)]
pub(super) struct CitationWire<'e> {
    #[serde(borrow)]
    url: Option<Text<'e>>,
    #[serde(borrow)]
    source: Option<Text<'e>>,
    #[serde(borrow)]
    title: Option<Text<'e>>,
    #[serde(borrow)]
    document_title: Option<Text<'e>>,
    #[serde(borrow)]
    cited_text: Option<Text<'e>>,
}

impl<'e> CitationWire<'e> {
    pub(super) fn decode(self) -> Citation<'e> {
        let text = |text: Option<Text<'e>>| text.map(|text| text.0);
        Citation {
            url: text(self.url.or(self.source)),
            title: text(self.title.or(self.document_title)),
            cited_text: text(self.cited_text),
            span: None,
        }
    }
}

#[derive(Deserialize)]
struct Wire<'e> {
    #[serde(borrow, default)]
    model: Text<'e>,
    #[serde(borrow)]
    content: Vec<BlockWire<'e>>,
    #[serde(borrow)]
    stop_reason: Option<Text<'e>>,
    #[serde(borrow)]
    stop_sequence: Option<Text<'e>>,
    usage: Option<Figures>,
}

#[derive(Deserialize)]
pub(super) struct BlockWire<'e> {
    #[serde(borrow)]
    pub(super) r#type: Text<'e>,
    #[serde(borrow)]
    pub(super) text: Option<Text<'e>>,
    #[serde(borrow)]
    pub(super) thinking: Option<Text<'e>>,
    #[serde(borrow)]
    pub(super) id: Option<Text<'e>>,
    #[serde(borrow)]
    pub(super) name: Option<Text<'e>>,
    #[serde(borrow)]
    pub(super) input: Option<&'e RawValue>,
    #[serde(borrow)]
    pub(super) signature: Option<Text<'e>>,
    #[serde(borrow)]
    pub(super) data: Option<Text<'e>>,
    #[serde(borrow)]
    citations: Option<Vec<CitationWire<'e>>>,
}
