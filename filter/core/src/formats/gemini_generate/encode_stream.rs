use std::borrow::Cow;

use serde::Serialize;

use super::{
    answer::{AnswerWire, CandidateWire, LogprobsWire, moves_on},
    error::encode_error,
    grounding::{GroundingWire, Standing, encode_citation},
    offsets::Offsets,
    part::{CallWire, PartWire, arguments},
    response::{declare_refusal, declare_usage, finish_word, malformed_call},
    usage::encode_usage,
};
use crate::{
    canonical::{BlockStart, Delta, Event, FinishReason, Losses, Signature, Usage, Vendor},
    formats::{Attempt, ClientError, Framing, MAX_WHOLE, dialect::EncodeStream},
};

/// Encodes the events of an answer as chunks, each an answer with what is new:
/// <https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent>.
///
/// The call of a function is one part, so its arguments are held until they are complete. Reasons and figures go out
/// together in the last chunk.
#[derive(Debug)]
pub(super) struct StreamEncoder {
    id: String,
    model: String,
    framing: Framing,
    state: State,
    current: usize,
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

/// What the client has got, and so what may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    AwaitingChunk,
    Streaming,
    Ended,
}

/// One candidate.
#[derive(Debug, Default)]
struct Choice {
    open: Open,
    /// The seal for the next part.
    seal: Option<String>,
    /// The text of the open block.
    text: Offsets,
    /// Bytes of text before the open block.
    before: u64,
    /// Sources named so far.
    sources: usize,
    reason: Option<FinishReason>,
    /// Whether a call could not be said.
    lacks_call: bool,
}

#[derive(Debug, Default)]
enum Open {
    #[default]
    None,
    Text {
        bytes: u64,
    },
    Thinking {
        has_text: bool,
    },
    Call {
        id: String,
        name: String,
        input: String,
    },
}

/// Most choices that are told apart: OpenAI's limit for `n`.
const MAX_CHOICES: usize = 128;

impl EncodeStream for StreamEncoder {
    fn encode(&mut self, event: &Event<'_>, out: &mut Vec<u8>, losses: &mut Losses) {
        if self.state == State::Ended {
            return;
        }
        match event {
            Event::Start { model } => {
                if !model.is_empty() {
                    self.model = model.clone().into_owned();
                }
            }
            Event::Choice(index) => self.current = usize::try_from(*index).unwrap_or(usize::MAX),
            Event::BlockStart(start) => self.start(start, losses),
            Event::BlockDelta(delta) => self.extend(delta, out, losses),
            Event::BlockStop => self.stop(out, losses),
            Event::Usage { usage, .. } => self.usage = Some(*usage),
            Event::Finish(finish) => {
                if let Some(choice) = self.choice() {
                    choice.reason = Some(finish.reason);
                }
            }
            Event::End => self.end(out, losses),
            // An empty line: Google's clients take comments for broken chunks, and do not mind white space.
            Event::Ping => out.push(b'\n'),
            Event::Lost { .. } => {}
        }
    }

    fn fail(&mut self, error: &ClientError<'_>, out: &mut Vec<u8>) {
        self.begin(out);
        out.extend(encode_error(error));
        self.close(out);
        self.finish(out);
    }

    fn is_ended(&self) -> bool {
        self.state == State::Ended
    }
}

impl StreamEncoder {
    pub(super) fn new(attempt: &Attempt<'_>) -> Self {
        Self {
            id: attempt.exchange.to_owned(),
            model: attempt.model.to_owned(),
            framing: attempt.framing,
            state: State::AwaitingChunk,
            current: 0,
            choices: Vec::new(),
            usage: None,
        }
    }

    fn choice(&mut self) -> Option<&mut Choice> {
        if self.current < MAX_CHOICES && self.choices.len() <= self.current {
            self.choices.resize_with(self.current.saturating_add(1), Choice::default);
        }
        self.choices.get_mut(self.current)
    }

    fn start(&mut self, start: &BlockStart<'_>, losses: &mut Losses) {
        if *start == BlockStart::Refusal {
            declare_refusal(losses);
        }
        let Some(choice) = self.choice() else { return };
        choice.open = match start {
            BlockStart::Text | BlockStart::Refusal => Open::Text { bytes: 0 },
            BlockStart::Thinking => Open::Thinking { has_text: false },
            BlockStart::ToolUse { id, name } => {
                Open::Call { id: id.clone().into_owned(), name: name.clone().into_owned(), input: String::new() }
            }
        };
    }

    fn extend(&mut self, delta: &Delta<'_>, out: &mut Vec<u8>, losses: &mut Losses) {
        let index = self.current;
        let Some(choice) = self.choice() else { return };
        match (delta, &mut choice.open) {
            (Delta::Text(text), Open::Text { bytes }) => {
                *bytes = bytes.saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX));
                choice.text.push(text);
                let seal = choice.seal.take();
                self.send(PartWire::text(&**text).sealed(seal.map(Cow::Owned)), index, out);
            }
            (Delta::Thinking(text), Open::Thinking { has_text }) => {
                *has_text = true;
                let seal = choice.seal.take();
                if let Some(seal) = seal {
                    self.send(PartWire::text("").sealed(Some(seal.into())), index, out);
                }
                self.send(PartWire::thought(&**text), index, out);
            }
            (Delta::Signature(signature), Open::Thinking { has_text }) => {
                let has_text = *has_text;
                self.seal(signature, has_text, index, out);
            }
            (Delta::Input(more), Open::Call { input, .. }) => {
                if input.len().saturating_add(more.len()) <= MAX_WHOLE {
                    input.push_str(more);
                } else {
                    // Not an object any more, so that the call is not made.
                    input.push('!');
                }
            }
            (Delta::Citation(citation), Open::Text { .. }) => {
                let number = choice.sources;
                choice.sources = number.saturating_add(1);
                let (chunk, support) = encode_citation(citation, number, &choice.text, Standing::Behind(choice.before));
                let grounding = GroundingWire { grounding_chunks: vec![chunk], grounding_supports: vec![support] };
                let candidate = CandidateWire {
                    grounding_metadata: Some(grounding),
                    ..CandidateWire::new(index, vec![PartWire::text("")])
                };
                self.write(vec![candidate], None, out);
            }
            (Delta::Logprobs(tokens), Open::Text { .. }) => {
                let logprobs_result = LogprobsWire::new(tokens.iter());
                let candidate =
                    CandidateWire { logprobs_result, ..CandidateWire::new(index, vec![PartWire::text("")]) };
                self.write(vec![candidate], None, out);
            }
            (Delta::Citation(_) | Delta::Logprobs(_), _) => {
                losses.declare("citations", "the client's format has them on text only");
            }
            // A decoder gives deltas of the kind its block has.
            _ => {}
        }
    }

    fn seal(&mut self, signature: &Signature<'_>, has_text: bool, index: usize, out: &mut Vec<u8>) {
        let carried = signature.carried_by(Vendor::Google);
        if !moves_on(signature, has_text) {
            self.send(PartWire::thought("").sealed(Some(carried)), index, out);
            return;
        }
        let Some(choice) = self.choices.get_mut(index) else { return };
        if let Some(before) = choice.seal.replace(carried.into_owned()) {
            self.send(PartWire::text("").sealed(Some(before.into())), index, out);
        }
    }

    fn stop(&mut self, out: &mut Vec<u8>, losses: &mut Losses) {
        let index = self.current;
        let Some(choice) = self.choice() else { return };
        match std::mem::take(&mut choice.open) {
            Open::Text { bytes } => {
                choice.before = choice.before.saturating_add(bytes);
                choice.text = Offsets::default();
            }
            Open::Call { id, name, input } => match arguments(&input) {
                Some(args) => {
                    let seal = choice.seal.take().map(Cow::Owned);
                    let call = CallWire { id: Some(&id), name: &name, args };
                    self.send(PartWire { function_call: Some(call), ..PartWire::default() }.sealed(seal), index, out);
                }
                None => {
                    choice.lacks_call = true;
                    malformed_call(FinishReason::Stop, losses);
                }
            },
            Open::None | Open::Thinking { .. } => {}
        }
    }

    /// The last chunk: what every candidate still lacks, and the figures.
    fn end(&mut self, out: &mut Vec<u8>, losses: &mut Losses) {
        if self.choices.is_empty() {
            self.choices.push(Choice::default());
        }
        let mut seals = Vec::with_capacity(self.choices.len());
        for choice in &mut self.choices {
            let reason = match (choice.reason.unwrap_or(FinishReason::Stop), choice.lacks_call) {
                (FinishReason::Stop | FinishReason::ToolUse, true) => FinishReason::Malformed,
                (reason, _) => reason,
            };
            seals.push((finish_word(reason, losses), choice.seal.take()));
        }
        let candidates = seals.into_iter().enumerate().map(|(index, (reason, seal))| CandidateWire {
            finish_reason: Some(reason),
            ..CandidateWire::new(index, vec![PartWire::text("").sealed(seal.map(Cow::Owned))])
        });
        let candidates = candidates.collect();
        let usage = self.usage;
        if let Some(usage) = &usage {
            declare_usage(usage, losses);
        }
        self.write(candidates, usage, out);
        self.finish(out);
    }

    fn send(&mut self, part: PartWire<'_>, index: usize, out: &mut Vec<u8>) {
        self.write(vec![CandidateWire::new(index, vec![part])], None, out);
    }

    fn write(&mut self, candidates: Vec<CandidateWire<'_>>, usage: Option<Usage>, out: &mut Vec<u8>) {
        self.begin(out);
        let answer = AnswerWire {
            candidates,
            usage_metadata: usage.as_ref().map(encode_usage),
            model_version: &self.model,
            response_id: &self.id,
        };
        // Writing strings and numbers into a vector cannot fail.
        let _ = answer.serialize(&mut serde_json::Serializer::new(&mut *out));
        self.close(out);
    }

    /// What stands before a chunk.
    fn begin(&mut self, out: &mut Vec<u8>) {
        let before: &[u8] = match (self.framing, self.state) {
            (Framing::Sse, _) => b"data: ",
            (Framing::JsonArray, State::AwaitingChunk) => b"[",
            (Framing::JsonArray, _) => b",\n",
        };
        out.extend_from_slice(before);
        self.state = State::Streaming;
    }

    /// What stands behind one.
    fn close(&self, out: &mut Vec<u8>) {
        if self.framing == Framing::Sse {
            out.extend_from_slice(b"\n\n");
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.framing == Framing::JsonArray {
            out.extend_from_slice(b"]\n");
        }
        self.state = State::Ended;
    }
}
