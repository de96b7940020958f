//! A streamed answer of the provider, decoded.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    finish::decode_finish,
    response::{BlockWire, CitationWire, decode_response, pass_over, seal_of},
};
use crate::{
    canonical::{BlockStart, Delta, Event, Finish},
    dialect::{DecodeStream, Frame, ResponseError, Sink},
    formats::anthropic_messages::{error::decode_error, usage::Figures},
    json::Text,
};

/// Decodes the events of a streamed message: <https://platform.claude.com/docs/en/build-with-claude/streaming>.
///
/// Blocks whose kind has no place in an answer (server tools and their results) are declared as lost and passed over, and
/// so are events and deltas of kinds unknown here: Anthropic's versioning policy announces that new ones may appear.
#[derive(Debug, Default)]
pub(super) struct StreamDecoder {
    figures: Figures,
    block: Open,
    /// Why the answer ended was said: figures from then on are final.
    finished: bool,
}

/// The block being read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Open {
    /// None, or one that is passed over.
    #[default]
    None,
    Content,
    /// A tool call. `input` is whether any of its arguments was seen.
    ToolUse {
        input: bool,
    },
}

impl DecodeStream for StreamDecoder {
    /// The event's name stands in for a `type` that some gateways leave out of the data.
    fn decode(&mut self, frame: Frame<'_>, sink: Sink<'_>) -> Result<(), ResponseError> {
        let Frame { name, data, .. } = frame;
        // OpenRouter ends its messages as it ends its chats.
        if data == b"[DONE]" {
            return Ok(());
        }
        let wire: Wire<'_> =
            serde_json::from_slice(data).map_err(|error| ResponseError::Malformed(error.to_string()))?;
        match wire.r#type.as_ref().map_or(name, |kind| kind.0.as_bytes()) {
            b"message_start" => {
                let message = wire.message.ok_or_else(|| missing("message"))?;
                sink(Event::Start { model: message.model.0 });
                self.figures.update(message.usage.unwrap_or_default());
                self.report_usage(sink);
            }
            b"content_block_start" => {
                self.start_block(wire.content_block.ok_or_else(|| missing("content_block"))?, sink)
            }
            b"content_block_delta" => self.continue_block(wire.delta.ok_or_else(|| missing("delta"))?, sink),
            b"content_block_stop" => self.stop_block(sink),
            b"message_delta" => {
                let (reason, stop) = wire.delta.map_or((None, None), |delta| (delta.stop_reason, delta.stop_sequence));
                if let Some(reason) = reason {
                    self.finished = true;
                    let stop_sequence = stop.map(|text| text.0);
                    sink(Event::Finish(Finish { reason: decode_finish(&reason.0), stop_sequence }));
                }
                self.figures.update(wire.usage.unwrap_or_default());
                self.report_usage(sink);
            }
            b"message_stop" => sink(Event::End),
            // A provider may answer all at once in one event.
            b"message" => return decode_response(data, sink),
            b"ping" => sink(Event::Ping),
            b"error" => {
                let failure = decode_error(data).ok_or_else(|| missing("error"))?;
                return Err(ResponseError::Provider(failure));
            }
            _ => {}
        }
        Ok(())
    }
}

impl StreamDecoder {
    fn report_usage(&self, sink: Sink<'_>) {
        if let Some(usage) = self.figures.usage() {
            sink(Event::Usage { usage, terminal: self.finished });
        }
    }

    fn start_block(&mut self, block: BlockWire<'_>, sink: Sink<'_>) {
        self.block = match &*block.r#type.0 {
            "text" => {
                sink(Event::BlockStart(BlockStart::Text));
                give(sink, Delta::Text, block.text);
                Open::Content
            }
            "thinking" => {
                sink(Event::BlockStart(BlockStart::Thinking));
                give(sink, Delta::Thinking, block.thinking);
                give_seal(sink, block.signature);
                Open::Content
            }
            "redacted_thinking" => {
                sink(Event::BlockStart(BlockStart::Thinking));
                sink(Event::BlockDelta(Delta::Seal(seal_of(block.data.unwrap_or_default().0, true))));
                Open::Content
            }
            "tool_use" => {
                let (id, name) = (block.id.unwrap_or_default().0, block.name.unwrap_or_default().0);
                sink(Event::BlockStart(BlockStart::ToolUse { id, name }));
                // Anthropic begins with `{}` and streams what is in it; others give all of the input here.
                let input = block.input.map(RawValue::get).filter(|input| has_members(input));
                if let Some(input) = input {
                    sink(Event::BlockDelta(Delta::Input(input.into())));
                }
                Open::ToolUse { input: input.is_some() }
            }
            kind => {
                pass_over(kind, sink);
                Open::None
            }
        };
    }

    fn continue_block(&mut self, delta: DeltaWire<'_>, sink: Sink<'_>) {
        match (delta.r#type.as_ref().map_or("", |kind| &*kind.0), &mut self.block) {
            ("text_delta", Open::Content) => give(sink, Delta::Text, delta.text),
            ("thinking_delta", Open::Content) => give(sink, Delta::Thinking, delta.thinking),
            ("signature_delta", Open::Content) => give_seal(sink, delta.signature),
            ("citations_delta", Open::Content) => {
                if let Some(citation) = delta.citation {
                    sink(Event::BlockDelta(Delta::Citation(citation.decode())));
                }
            }
            ("input_json_delta", Open::ToolUse { input }) => {
                *input |= delta.partial_json.as_ref().is_some_and(|more| !more.0.is_empty());
                give(sink, Delta::Input, delta.partial_json);
            }
            _ => {}
        }
    }

    fn stop_block(&mut self, sink: Sink<'_>) {
        match std::mem::take(&mut self.block) {
            Open::None => return,
            // A tool without arguments has no input deltas, or an empty one.
            Open::ToolUse { input: false } => sink(Event::BlockDelta(Delta::Input("{}".into()))),
            Open::Content | Open::ToolUse { input: true } => {}
        }
        sink(Event::BlockStop);
    }
}

fn give<'e>(sink: Sink<'_>, kind: fn(Cow<'e, str>) -> Delta<'e>, text: Option<Text<'e>>) {
    if let Some(text) = text.filter(|text| !text.0.is_empty()) {
        sink(Event::BlockDelta(kind(text.0)));
    }
}

fn give_seal(sink: Sink<'_>, seal: Option<Text<'_>>) {
    if let Some(seal) = seal.filter(|seal| !seal.0.is_empty()) {
        sink(Event::BlockDelta(Delta::Seal(seal_of(seal.0, false))));
    }
}

fn has_members(object: &str) -> bool {
    object.bytes().any(|byte| byte == b'"')
}

fn missing(member: &str) -> ResponseError {
    ResponseError::Malformed(format!("an event without {member}"))
}

#[derive(Deserialize)]
struct Wire<'e> {
    #[serde(borrow)]
    r#type: Option<Text<'e>>,
    #[serde(borrow)]
    message: Option<MessageWire<'e>>,
    #[serde(borrow)]
    content_block: Option<BlockWire<'e>>,
    #[serde(borrow)]
    delta: Option<DeltaWire<'e>>,
    usage: Option<Figures>,
}

#[derive(Deserialize)]
struct MessageWire<'e> {
    #[serde(borrow, default)]
    model: Text<'e>,
    usage: Option<Figures>,
}

#[derive(Deserialize)]
struct DeltaWire<'e> {
    #[serde(borrow)]
    r#type: Option<Text<'e>>,
    #[serde(borrow)]
    text: Option<Text<'e>>,
    #[serde(borrow)]
    thinking: Option<Text<'e>>,
    #[serde(borrow)]
    partial_json: Option<Text<'e>>,
    #[serde(borrow)]
    stop_reason: Option<Text<'e>>,
    #[serde(borrow)]
    stop_sequence: Option<Text<'e>>,
    #[serde(borrow)]
    signature: Option<Text<'e>>,
    #[serde(borrow)]
    citation: Option<CitationWire<'e>>,
}
