use serde::Serialize;

use super::usage::{EncodedUsage, encode_usage};
use crate::{
    canonical::{BlockStart, Delta, Event, FinishReason, Losses, Usage},
    formats::{Attempt, ClientError, dialect::EncodeStream, openai},
};

/// Encodes the events of an answer as a chat stream:
/// <https://platform.openai.com/docs/api-reference/chat-streaming>.
#[derive(Debug)]
pub(super) struct StreamEncoder {
    id: String,
    created_s: u64,
    model: String,
    include_usage: bool,
    state: State,
    usage: Option<Usage>,
    /// Tool calls begun: OpenAI counts them from 0, whatever other blocks there are.
    tools: u32,
}

/// What the client has got, and so what may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing yet.
    AwaitingStart,
    /// The role.
    Open,
    /// The finish reason.
    Finished,
    /// `[DONE]` or an error.
    Ended,
}

impl StreamEncoder {
    pub(super) fn new(attempt: &Attempt<'_>) -> Self {
        Self {
            id: super::completion_id(attempt),
            created_s: attempt.created_s,
            model: attempt.model.to_owned(),
            include_usage: attempt.include_usage,
            state: State::AwaitingStart,
            usage: None,
            tools: 0,
        }
    }
}

impl EncodeStream for StreamEncoder {
    fn encode(&mut self, event: &Event<'_>, out: &mut Vec<u8>, losses: &mut Losses) {
        match (self.state, event) {
            (State::Ended, _) => {}
            // A comment, which clients ignore and idle timeouts do not.
            (_, Event::Ping) => out.extend_from_slice(b": ping\n\n"),
            (_, Event::Usage { usage, .. }) => self.usage = Some(*usage),
            (_, Event::End) => self.end(out),
            (State::AwaitingStart, Event::Start { model }) => {
                if !model.is_empty() {
                    self.model = model.clone().into_owned();
                }
                self.open(out);
            }
            (State::AwaitingStart, _) => {
                self.open(out);
                self.encode(event, out, losses);
            }
            (State::Open, Event::BlockStart(BlockStart::ToolUse { id, name })) => {
                let index = self.tools;
                self.tools = index.saturating_add(1);
                let function = FunctionDelta { name: Some(name), arguments: "" };
                let call = ToolCallDelta { index, id: Some(id), r#type: Some("function"), function };
                self.send(DeltaWire { tool_calls: Some([call]), ..DeltaWire::default() }, None, out);
            }
            (State::Open, Event::BlockDelta(delta)) => {
                let delta = match delta {
                    Delta::Text(text) => DeltaWire { content: Some(text), ..DeltaWire::default() },
                    Delta::Thinking(text) => DeltaWire { reasoning_content: Some(text), ..DeltaWire::default() },
                    Delta::Citation(_) => {
                        losses.declare("citations", "the client's format has no place for them");
                        return;
                    }
                    Delta::Signature(_) | Delta::Logprobs(_) => return,
                    Delta::Input(json) => {
                        let function = FunctionDelta { name: None, arguments: json };
                        let index = self.tools.saturating_sub(1);
                        let call = ToolCallDelta { index, id: None, r#type: None, function };
                        DeltaWire { tool_calls: Some([call]), ..DeltaWire::default() }
                    }
                };
                self.send(delta, None, out);
            }
            (State::Open, Event::Finish(reason)) => {
                self.send(DeltaWire::default(), Some(finish_reason(reason.reason)), out);
                self.state = State::Finished;
            }
            // Text and thinking begin with their first delta, and blocks end without a word.
            (State::Open, Event::BlockStart(_) | Event::BlockStop | Event::Start { .. })
            | (State::Open, Event::Choice(_) | Event::Lost { .. })
            | (State::Finished, _) => {}
        }
    }

    fn fail(&mut self, error: &ClientError<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&openai::encode_error(error));
        out.extend_from_slice(b"\n\n");
        self.state = State::Ended;
    }

    fn is_ended(&self) -> bool {
        self.state == State::Ended
    }
}

impl StreamEncoder {
    fn open(&mut self, out: &mut Vec<u8>) {
        self.state = State::Open;
        let delta = DeltaWire { role: Some("assistant"), content: Some(""), ..DeltaWire::default() };
        self.send(delta, None, out);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if let (true, Some(usage)) = (self.include_usage, &self.usage) {
            write(out, &self.chunk([], Some(Some(encode_usage(usage)))));
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
        self.state = State::Ended;
    }

    fn send(&self, delta: DeltaWire<'_>, finish_reason: Option<&'static str>, out: &mut Vec<u8>) {
        let choice = ChoiceWire { index: 0, delta, logprobs: None, finish_reason };
        // Asked for usage, OpenAI puts a null into every chunk but the last.
        write(out, &self.chunk([choice], self.include_usage.then_some(None)));
    }

    fn chunk<'e, const N: usize>(
        &'e self,
        choices: [ChoiceWire<'e>; N],
        usage: Option<Option<EncodedUsage>>,
    ) -> ChunkWire<'e, N>
    where
        [ChoiceWire<'e>; N]: Serialize,
    {
        ChunkWire {
            id: &self.id,
            object: "chat.completion.chunk",
            created: self.created_s,
            model: &self.model,
            choices,
            usage,
        }
    }
}

/// OpenAI's word for a finish reason.
pub(super) fn finish_reason(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop | FinishReason::StopSequence | FinishReason::Paused | FinishReason::Malformed => "stop",
        FinishReason::Length | FinishReason::ContextFull => "length",
        FinishReason::ToolUse => "tool_calls",
        FinishReason::Refusal | FinishReason::Filter => "content_filter",
    }
}

fn write(out: &mut Vec<u8>, chunk: &impl Serialize) {
    out.extend_from_slice(b"data: ");
    // Writing strings and numbers into a vector cannot fail.
    let _ = serde_json::to_writer(&mut *out, chunk);
    out.extend_from_slice(b"\n\n");
}

#[derive(Serialize)]
struct ChunkWire<'e, const N: usize>
where
    [ChoiceWire<'e>; N]: Serialize,
{
    id: &'e str,
    object: &'static str,
    created: u64,
    model: &'e str,
    choices: [ChoiceWire<'e>; N],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<EncodedUsage>>,
}

#[derive(Serialize)]
struct ChoiceWire<'e> {
    index: u32,
    delta: DeltaWire<'e>,
    logprobs: Option<()>,
    finish_reason: Option<&'static str>,
}

#[derive(Default, Serialize)]
struct DeltaWire<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'e str>,
    /// Not OpenAI's own, but what clients of reasoning models read: <https://api-docs.deepseek.com/guides/reasoning_model>.
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[ToolCallDelta<'e>; 1]>,
}

#[derive(Serialize)]
struct ToolCallDelta<'e> {
    index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
    function: FunctionDelta<'e>,
}

#[derive(Serialize)]
struct FunctionDelta<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'e str>,
    arguments: &'e str,
}
