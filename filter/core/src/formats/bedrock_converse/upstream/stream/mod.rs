//! A streamed answer of the provider, decoded.

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::{
    answer::{self, CitationWire},
    response::SERVER_TOOL,
};
use crate::{
    canonical::{BlockStart, Delta, Event, Usage},
    dialect::{DecodeStream, Frame, ResponseError, Sink},
    formats::bedrock_converse::{error::decode_exception, usage::Figures},
    json::Text,
};

/// Decodes the events of a streamed answer
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html>).
///
/// Only calls of tools have a `contentBlockStart`; text and reasoning begin with their first delta, whose index may be any:
/// gpt-oss begins with an empty text, then reasons at 1 and answers at 2. Usage comes after the reason to stop, in `metadata`,
/// so that this event is the end; some proxies send it before. Members that pad an event (`p`) are passed over.
#[derive(Debug, Default)]
pub(super) struct StreamDecoder {
    phase: Phase,
    block: Option<Open>,
    usage: Option<Usage>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Nothing was decoded yet.
    #[default]
    Waiting,
    Answering,
    /// It was said why the answer ended.
    Stopped,
}

/// The block being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Open {
    /// Its `contentBlockIndex`.
    index: Option<u64>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
    /// A tool call. `input` is whether any of its arguments was seen.
    ToolUse {
        input: bool,
    },
    /// One that has no place in an answer.
    PassedOver,
}

impl DecodeStream for StreamDecoder {
    fn decode(&mut self, frame: Frame<'_>, sink: Sink<'_>) -> Result<(), ResponseError> {
        let Frame { name, data, is_exception } = frame;
        if is_exception || name.ends_with(b"Exception") {
            return Err(ResponseError::Provider(decode_exception(name, data)));
        }
        match name {
            b"metadata" => self.note_figures(&parse(data)?, sink),
            // An answer that has ended is not gone on with.
            _ if self.phase == Phase::Stopped => {}
            b"messageStart" => self.start(sink),
            b"contentBlockStart" => self.start_block(parse(data)?, sink),
            b"contentBlockDelta" => self.continue_block(parse(data)?, sink)?,
            b"contentBlockStop" => self.stop_block(sink),
            b"messageStop" => self.stop(&parse(data)?, sink),
            // More kinds of events may come, as AWS's service models always allow.
            _ => {}
        }
        Ok(())
    }
}

impl StreamDecoder {
    fn start(&mut self, sink: Sink<'_>) {
        if self.phase == Phase::Waiting {
            self.phase = Phase::Answering;
            sink(Event::Start { model: Cow::Borrowed("") });
        }
    }

    fn start_block(&mut self, event: BlockStartWire<'_>, sink: Sink<'_>) {
        let index = event.content_block_index;
        let Some(StartWire { tool_use, tool_result, image }) = event.start else { return };
        if let Some(tool) = tool_use {
            if tool.r#type.is_some_and(|kind| kind.0 == SERVER_TOOL) {
                return self.pass_over(index, "content.toolUse", sink);
            }
            let id = tool.tool_use_id.map(|id| id.0).filter(|id| !id.is_empty());
            let id = id.unwrap_or_else(|| format!("tooluse_{}", index.unwrap_or_default()).into());
            let block = BlockStart::ToolUse { id, name: tool.name.unwrap_or_default().0 };
            self.stop_block(sink);
            self.begin(index, Kind::ToolUse { input: false }, block, sink);
        } else if tool_result.is_some() {
            self.pass_over(index, "content.toolResult", sink);
        } else if image.is_some() {
            self.pass_over(index, "content.image", sink);
        }
    }

    fn continue_block(&mut self, event: BlockDeltaWire<'_>, sink: Sink<'_>) -> Result<(), ResponseError> {
        let index = event.content_block_index;
        if self.block.is_some_and(|block| block.index == index && block.kind == Kind::PassedOver) {
            return Ok(());
        }
        let Some(delta) = event.delta else { return Ok(()) };
        let DeltaWire { text, tool_use, tool_result, reasoning_content, citation, image } = delta;
        if let Some(text) = text {
            if !text.0.is_empty() {
                self.go_on(index, Kind::Text, sink);
                sink(Event::BlockDelta(Delta::Text(text.0)));
            }
        } else if let Some(tool) = tool_use {
            self.add_input(index, tool.input.unwrap_or_default().0, sink)?;
        } else if let Some(reasoning) = reasoning_content {
            self.reason(index, reasoning, sink);
        } else if let Some(citation) = citation {
            let citation = citation.decode(sink);
            self.go_on(index, Kind::Text, sink);
            sink(Event::BlockDelta(Delta::Citation(citation)));
        } else {
            let path = match (tool_result, image) {
                (Some(_), _) => "content.toolResult",
                (_, Some(_)) => "content.image",
                _ => "content",
            };
            self.pass_over(index, path, sink);
        }
        Ok(())
    }

    fn add_input(&mut self, index: Option<u64>, more: Cow<'_, str>, sink: Sink<'_>) -> Result<(), ResponseError> {
        match &mut self.block {
            Some(Open { index: open, kind: Kind::ToolUse { input } }) if *open == index => {
                if !more.is_empty() {
                    *input = true;
                    sink(Event::BlockDelta(Delta::Input(more)));
                }
                Ok(())
            }
            _ => Err(ResponseError::Malformed("arguments of a tool call that did not begin".to_owned())),
        }
    }

    fn reason(&mut self, index: Option<u64>, reasoning: ReasoningWire<'_>, sink: Sink<'_>) {
        let ReasoningWire { text, signature, redacted_content } = reasoning;
        let text = text.map(|text| Delta::Thinking(text.0));
        let signature = signature.map(|data| Delta::Seal(answer::seal(data.0, false)));
        let redacted = redacted_content.and_then(|bytes| answer::decode_redacted(&bytes.0, sink)).map(Delta::Seal);
        for delta in [text, signature, redacted].into_iter().flatten() {
            let is_empty = match &delta {
                Delta::Thinking(text) => text.is_empty(),
                Delta::Seal(seal) => seal.data.is_empty(),
                _ => false,
            };
            if !is_empty {
                self.go_on(index, Kind::Thinking, sink);
                sink(Event::BlockDelta(delta));
            }
        }
    }

    /// Sees to it that a block of this kind, text or thinking, is open at `index`.
    fn go_on(&mut self, index: Option<u64>, kind: Kind, sink: Sink<'_>) {
        if self.block == Some(Open { index, kind }) {
            return;
        }
        self.stop_block(sink);
        let block = if kind == Kind::Thinking { BlockStart::Thinking } else { BlockStart::Text };
        self.begin(index, kind, block, sink);
    }

    fn begin(&mut self, index: Option<u64>, kind: Kind, block: BlockStart<'_>, sink: Sink<'_>) {
        self.start(sink);
        self.block = Some(Open { index, kind });
        sink(Event::BlockStart(block));
    }

    fn pass_over(&mut self, index: Option<u64>, path: &'static str, sink: Sink<'_>) {
        self.stop_block(sink);
        self.start(sink);
        self.block = Some(Open { index, kind: Kind::PassedOver });
        answer::pass_over(path, sink);
    }

    fn stop_block(&mut self, sink: Sink<'_>) {
        let Some(block) = self.block.take() else { return };
        match block.kind {
            Kind::PassedOver => return,
            // A tool without arguments has no input deltas, or an empty one.
            Kind::ToolUse { input: false } => sink(Event::BlockDelta(Delta::Input("{}".into()))),
            Kind::Text | Kind::Thinking | Kind::ToolUse { input: true } => {}
        }
        sink(Event::BlockStop);
    }

    fn stop(&mut self, event: &StopWire<'_>, sink: Sink<'_>) {
        self.start(sink);
        self.stop_block(sink);
        let reason = event.stop_reason.as_ref().map_or("", |reason| &*reason.0);
        sink(Event::Finish(answer::finish(reason, event.additional_model_response_fields)));
        self.phase = Phase::Stopped;
        self.report_usage(sink);
    }

    fn note_figures(&mut self, event: &MetadataWire<'_>, sink: Sink<'_>) {
        self.usage = event.usage.as_ref().and_then(Figures::usage).or(self.usage);
        self.report_usage(sink);
        if self.phase == Phase::Stopped {
            sink(Event::End);
        }
    }

    fn report_usage(&self, sink: Sink<'_>) {
        if let Some(usage) = self.usage {
            sink(Event::Usage { usage, terminal: self.phase == Phase::Stopped });
        }
    }
}

fn parse<'e, T: Deserialize<'e>>(data: &'e [u8]) -> Result<T, ResponseError> {
    serde_json::from_slice(data).map_err(|error| ResponseError::Malformed(error.to_string()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockStartWire<'e> {
    content_block_index: Option<u64>,
    #[serde(borrow)]
    start: Option<StartWire<'e>>,
}

/// One of these members says what it is; none for a text, where it is sent at all.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartWire<'e> {
    #[serde(borrow)]
    tool_use: Option<ToolStartWire<'e>>,
    tool_result: Option<IgnoredAny>,
    image: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolStartWire<'e> {
    #[serde(borrow)]
    tool_use_id: Option<Text<'e>>,
    #[serde(borrow)]
    name: Option<Text<'e>>,
    #[serde(borrow)]
    r#type: Option<Text<'e>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockDeltaWire<'e> {
    content_block_index: Option<u64>,
    #[serde(borrow)]
    delta: Option<DeltaWire<'e>>,
}

/// One of these members says what it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeltaWire<'e> {
    #[serde(borrow)]
    text: Option<Text<'e>>,
    #[serde(borrow)]
    tool_use: Option<InputWire<'e>>,
    tool_result: Option<IgnoredAny>,
    #[serde(borrow)]
    reasoning_content: Option<ReasoningWire<'e>>,
    #[serde(borrow)]
    citation: Option<CitationWire<'e>>,
    image: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct InputWire<'e> {
    #[serde(borrow)]
    input: Option<Text<'e>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReasoningWire<'e> {
    #[serde(borrow)]
    text: Option<Text<'e>>,
    #[serde(borrow)]
    signature: Option<Text<'e>>,
    #[serde(borrow)]
    redacted_content: Option<Text<'e>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StopWire<'e> {
    #[serde(borrow)]
    stop_reason: Option<Text<'e>>,
    #[serde(borrow)]
    additional_model_response_fields: Option<&'e RawValue>,
}

#[derive(Deserialize)]
struct MetadataWire<'e> {
    #[serde(borrow)]
    usage: Option<Figures<'e>>,
}

#[cfg(test)]
mod tests;
