//! A streamed answer for the client.

use std::borrow::Cow;

use serde::Serialize;

use super::response::{
    CitationWire, encode_citation, is_redacted, message_id, redacted_data, stop_reason, stop_sequence,
};
use crate::{
    canonical::{BlockStart, Delta, Event, Finish, FinishReason, Losses, Usage, Vendor},
    dialect::{ClientError, EncodeStream, Translation},
    formats::anthropic_messages::{
        error::encode_error,
        usage::{EncodedUsage, encode_final_usage, encode_usage},
    },
    framing::sse::write_json,
};

/// Encodes the events of an answer as a streamed message:
/// <https://platform.claude.com/docs/en/build-with-claude/streaming>.
#[derive(Debug)]
pub(super) struct StreamEncoder {
    id: String,
    model: String,
    state: State,
    /// The index of the next block.
    next: u32,
    usage: Usage,
    /// What of it the start of the stream said.
    started: Usage,
    /// How the answer ended: said only at its end, since its figures may come after the reason.
    finish: Option<Finish<'static>>,
}

/// What the client has got, and so what may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing yet.
    AwaitingStart,
    /// `message_start`, and whole blocks.
    BetweenBlocks,
    /// Nothing of a block of reasoning: only its first delta tells whether it can be read.
    AwaitingThinking,
    /// The start of the block with this index.
    InBlock(u32),
    /// `message_stop` or an error.
    Ended,
}

impl StreamEncoder {
    pub(super) fn new(translation: &Translation<'_>) -> Self {
        Self {
            id: message_id(translation),
            model: translation.model.to_owned(),
            state: State::AwaitingStart,
            next: 0,
            usage: Usage::default(),
            started: Usage::default(),
            finish: None,
        }
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        let message = MessageWire {
            id: &self.id,
            r#type: "message",
            role: "assistant",
            model: &self.model,
            content: [],
            stop_reason: None,
            stop_sequence: None,
            usage: encode_usage(&self.usage),
        };
        self.started = self.usage;
        write_json("message_start", &Wire::MessageStart { message }, out);
        self.state = State::BetweenBlocks;
    }

    fn open(&mut self, content_block: BlockWire<'_>, out: &mut Vec<u8>) {
        let index = self.next;
        self.next = index.saturating_add(1);
        write_json("content_block_start", &Wire::ContentBlockStart { index, content_block }, out);
        self.state = State::InBlock(index);
    }

    fn continue_block(&mut self, delta: &Delta<'_>, out: &mut Vec<u8>, losses: &mut Losses) {
        if self.state == State::AwaitingThinking {
            match delta {
                Delta::Seal(seal) if is_redacted("", seal) => {
                    return self.open(BlockWire::RedactedThinking { data: redacted_data(seal) }, out);
                }
                _ => self.open(BlockWire::Thinking { thinking: "", signature: "" }, out),
            }
        }
        let State::InBlock(index) = self.state else { return };
        let delta = match delta {
            Delta::Text(text) => DeltaWire::TextDelta { text },
            Delta::Thinking(thinking) => DeltaWire::ThinkingDelta { thinking },
            Delta::Seal(seal) => DeltaWire::SignatureDelta { signature: seal.carried_by(Vendor::Anthropic) },
            Delta::Input(partial_json) => DeltaWire::InputJsonDelta { partial_json },
            Delta::Citation(citation) => match encode_citation(citation, losses) {
                Some(citation) => DeltaWire::CitationsDelta { citation },
                None => return,
            },
            Delta::Logprobs(_) => {
                return losses.declare("logprobs", "the client's format has no place for them");
            }
        };
        write_json("content_block_delta", &Wire::ContentBlockDelta { index, delta }, out);
    }

    fn stop_block(&mut self, out: &mut Vec<u8>) {
        if let State::InBlock(index) = self.state {
            write_json("content_block_stop", &Wire::ContentBlockStop { index }, out);
        }
        self.state = State::BetweenBlocks;
    }

    fn end(&mut self, out: &mut Vec<u8>, losses: &mut Losses) {
        if matches!(self.state, State::InBlock(_) | State::AwaitingThinking) {
            self.stop_block(out);
        }
        if self.usage.cache_write_1h > self.started.cache_write_1h {
            losses.declare("usage.cache_write_1h", "the end of the client's stream tells no lifetimes of caches apart");
        }
        let finish = self.finish.take().unwrap_or(FinishReason::Stop.into());
        let delta = EndWire { stop_reason: stop_reason(finish.reason), stop_sequence: stop_sequence(&finish) };
        write_json("message_delta", &Wire::MessageDelta { delta, usage: encode_final_usage(&self.usage) }, out);
        write_json("message_stop", &Wire::MessageStop, out);
        self.state = State::Ended;
    }
}

impl EncodeStream for StreamEncoder {
    fn encode(&mut self, event: &Event<'_>, out: &mut Vec<u8>, losses: &mut Losses) {
        match (self.state, event) {
            (State::Ended, _) => {}
            (_, Event::Ping) => write_json("ping", &Wire::Ping, out),
            (_, Event::Usage { usage, .. }) => self.usage = *usage,
            (State::AwaitingStart, Event::Start { model }) => {
                if !model.is_empty() {
                    self.model = model.clone().into_owned();
                }
                self.start(out);
            }
            (State::AwaitingStart, _) => {
                self.start(out);
                self.encode(event, out, losses);
            }
            (_, Event::End) => self.end(out, losses),
            (_, Event::Finish(finish)) => {
                let stop_sequence = finish.stop_sequence.clone().map(|text| text.into_owned().into());
                self.finish = Some(Finish { reason: finish.reason, stop_sequence });
            }
            (State::BetweenBlocks, Event::BlockStart(start)) => match start {
                BlockStart::Text | BlockStart::Refusal => self.open(BlockWire::Text { text: "" }, out),
                BlockStart::Thinking => self.state = State::AwaitingThinking,
                BlockStart::ToolUse { id, name } => self.open(BlockWire::ToolUse { id, name, input: Empty {} }, out),
            },
            (State::AwaitingThinking | State::InBlock(_), Event::BlockDelta(delta)) => {
                self.continue_block(delta, out, losses);
            }
            (State::AwaitingThinking | State::InBlock(_), Event::BlockStop) => self.stop_block(out),
            (
                State::BetweenBlocks | State::AwaitingThinking | State::InBlock(_),
                Event::Start { .. }
                | Event::Choice(_)
                | Event::Lost { .. }
                | Event::BlockStart(_)
                | Event::BlockDelta(_)
                | Event::BlockStop,
            ) => {}
        }
    }

    fn fail(&mut self, error: &ClientError<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"event: error\ndata: ");
        out.extend_from_slice(&encode_error(error));
        out.extend_from_slice(b"\n\n");
        self.state = State::Ended;
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Wire<'e> {
    MessageStart { message: MessageWire<'e> },
    ContentBlockStart { index: u32, content_block: BlockWire<'e> },
    ContentBlockDelta { index: u32, delta: DeltaWire<'e> },
    ContentBlockStop { index: u32 },
    MessageDelta { delta: EndWire<'e>, usage: EncodedUsage },
    MessageStop,
    Ping,
}

#[derive(Serialize)]
struct MessageWire<'e> {
    id: &'e str,
    r#type: &'static str,
    role: &'static str,
    model: &'e str,
    content: [(); 0],
    stop_reason: Option<()>,
    stop_sequence: Option<()>,
    usage: EncodedUsage,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum BlockWire<'e> {
    Text { text: &'static str },
    Thinking { thinking: &'static str, signature: &'static str },
    RedactedThinking { data: Cow<'e, str> },
    ToolUse { id: &'e str, name: &'e str, input: Empty },
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the names on the wire")]
enum DeltaWire<'e> {
    TextDelta { text: &'e str },
    ThinkingDelta { thinking: &'e str },
    SignatureDelta { signature: Cow<'e, str> },
    InputJsonDelta { partial_json: &'e str },
    CitationsDelta { citation: CitationWire<'e> },
}

#[derive(Serialize)]
struct EndWire<'e> {
    stop_reason: &'static str,
    stop_sequence: Option<&'e str>,
}
