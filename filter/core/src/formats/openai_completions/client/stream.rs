//! A streamed answer for the client.

use super::wire::{ChoiceWire, CompletionWire, LogprobsWire, TEXT_ONLY, finish_reason};
use crate::{
    canonical::{BlockStart, Delta, Event, Losses, Usage},
    dialect::{ClientError, EncodeStream, Translation},
    framing::sse::write_json,
    vendors::openai::{self, EncodedUsage, encode_usage},
};

/// Encodes the events of an answer as a stream of completions, each with more text
/// (<https://platform.openai.com/docs/api-reference/completions/create#completions-create-stream>).
#[derive(Debug)]
pub(super) struct StreamEncoder {
    id: String,
    created_s: u64,
    model: String,
    include_usage: bool,
    usage: Option<Usage>,
    choices: Vec<Choice>,
    /// Whose turn it is.
    current: usize,
    /// Whether `[DONE]` or an error was said.
    ended: bool,
}

/// One choice.
#[derive(Debug, Default)]
struct Choice {
    finished: bool,
    /// Where the next token with a probability begins in the text, in characters.
    offset: u64,
}

/// The most choices: OpenAI's limit for `n` is 128.
const MAX_CHOICES: usize = 128;

impl StreamEncoder {
    pub(super) fn new(translation: &Translation<'_>) -> Self {
        Self {
            id: super::wire::completion_id(translation),
            created_s: translation.created_s,
            model: translation.model.to_owned(),
            include_usage: translation.include_usage,
            usage: None,
            choices: Vec::new(),
            current: 0,
            ended: false,
        }
    }

    fn send(&self, choice: ChoiceWire<'_>, out: &mut Vec<u8>) {
        // Asked for usage, OpenAI puts a null into every chunk but the last.
        self.write(&[choice], self.include_usage.then_some(None), out);
    }

    fn write(&self, choices: &[ChoiceWire<'_>], usage: Option<Option<EncodedUsage>>, out: &mut Vec<u8>) {
        let chunk = CompletionWire {
            id: &self.id,
            object: "text_completion",
            created: self.created_s,
            model: &self.model,
            choices,
            usage,
        };
        write_json("", &chunk, out);
    }

    /// The choice whose turn it is and its index, while it is not finished.
    fn choice(&mut self) -> Option<(&mut Choice, u32)> {
        if self.current >= MAX_CHOICES {
            return None;
        }
        if self.choices.len() <= self.current {
            self.choices.resize_with(self.current.saturating_add(1), Choice::default);
        }
        let index = u32::try_from(self.current).unwrap_or_default();
        let choice = self.choices.get_mut(self.current)?;
        (!choice.finished).then_some((choice, index))
    }

    fn more(&mut self, delta: &Delta<'_>, out: &mut Vec<u8>, losses: &mut Losses) {
        let Some((choice, index)) = self.choice() else { return };
        match delta {
            Delta::Text(text) => self.send(ChoiceWire { text, index, logprobs: None, finish_reason: None }, out),
            Delta::Logprobs(tokens) => {
                let logprobs = LogprobsWire::of(tokens.iter(), &mut choice.offset);
                self.send(ChoiceWire { text: "", index, logprobs, finish_reason: None }, out);
            }
            Delta::Citation(_) => losses.declare("citations", TEXT_ONLY),
            // Their block was declared.
            Delta::Thinking(_) | Delta::Seal(_) | Delta::Input(_) => {}
        }
    }
}

impl EncodeStream for StreamEncoder {
    fn encode(&mut self, event: &Event<'_>, out: &mut Vec<u8>, losses: &mut Losses) {
        if self.ended {
            return;
        }
        match event {
            Event::Start { model } if !model.is_empty() => self.model = model.clone().into_owned(),
            Event::Choice(index) => self.current = usize::try_from(*index).unwrap_or(usize::MAX),
            Event::BlockStart(BlockStart::Thinking) => losses.declare("reasoning", TEXT_ONLY),
            Event::BlockStart(BlockStart::ToolUse { .. }) => losses.declare("tool_calls", TEXT_ONLY),
            Event::BlockDelta(delta) => self.more(delta, out, losses),
            Event::Finish(finish) => {
                let Some((choice, index)) = self.choice() else { return };
                choice.finished = true;
                let finish_reason = Some(finish_reason(finish, losses));
                self.send(ChoiceWire { text: "", index, logprobs: None, finish_reason }, out);
            }
            Event::Usage { usage, .. } => self.usage = Some(*usage),
            Event::End => {
                if let (true, Some(usage)) = (self.include_usage, &self.usage) {
                    self.write(&[], Some(Some(encode_usage(usage))), out);
                }
                out.extend_from_slice(b"data: [DONE]\n\n");
                self.ended = true;
            }
            // A comment, which clients ignore and idle timeouts do not.
            Event::Ping => out.extend_from_slice(b": ping\n\n"),
            Event::Start { .. } | Event::BlockStart(_) | Event::BlockStop | Event::Lost { .. } => {}
        }
    }

    fn fail(&mut self, error: &ClientError<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&openai::encode_error(error));
        out.extend_from_slice(b"\n\n");
        self.ended = true;
    }
}
