//! A streamed answer for the client.

use std::borrow::Cow;

use super::{
    answer::{AnswerWire, CandidateWire, LogprobsWire, moves_on},
    grounding::{GroundingWire, Standing, encode_citation},
    response::{declare_refusal, declare_usage, finish_word, malformed_call},
};
use crate::{
    canonical::{BlockStart, Delta, Event, FinishReason, Losses, Seal, Usage, Vendor},
    dialect::{ClientError, EncodeStream, Framing, MAX_WHOLE, Translation},
    formats::gemini_generate::{
        error::encode_error,
        usage::encode_usage,
        wire::{
            offsets::Offsets,
            part::{CallWire, PartWire, arguments},
        },
    },
    framing::sse::write_json,
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
        let (before, after): (&[u8], &[u8]) = match self.framing {
            Framing::Sse => (b"data: ", b"\n\n"),
            Framing::JsonArray => (self.separator(), b""),
        };
        out.extend_from_slice(before);
        out.extend(encode_error(error));
        out.extend_from_slice(after);
        self.finish(out);
    }
}

impl StreamEncoder {
    pub(super) fn new(translation: &Translation<'_>) -> Self {
        Self {
            id: translation.exchange.to_owned(),
            model: translation.model.to_owned(),
            framing: translation.framing,
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
            (Delta::Seal(seal), Open::Thinking { has_text }) => {
                let has_text = *has_text;
                self.seal(seal, has_text, index, out);
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

    fn seal(&mut self, seal: &Seal<'_>, has_text: bool, index: usize, out: &mut Vec<u8>) {
        let carried = seal.carried_by(Vendor::Google);
        if !moves_on(seal, has_text) {
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

    /// The last chunk: what every candidate still lacks, and the figures. A provider that was cut off leaves blocks open.
    fn end(&mut self, out: &mut Vec<u8>, losses: &mut Losses) {
        for index in 0..self.choices.len() {
            self.current = index;
            self.stop(out, losses);
        }
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
        let answer = AnswerWire {
            candidates,
            usage_metadata: usage.as_ref().map(encode_usage),
            model_version: &self.model,
            response_id: &self.id,
        };
        match self.framing {
            Framing::Sse => write_json("", &answer, out),
            Framing::JsonArray => {
                out.extend_from_slice(self.separator());
                // What is written has string keys only, and a vector takes every byte.
                let _ = serde_json::to_writer(&mut *out, &answer);
            }
        }
        self.state = State::Streaming;
    }

    /// What stands before an element of the array.
    fn separator(&self) -> &'static [u8] {
        if self.state == State::AwaitingChunk { b"[" } else { b",\n" }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.framing == Framing::JsonArray {
            out.extend_from_slice(b"]\n");
        }
        self.state = State::Ended;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{canonical::Citation, words::Format};

    fn encoder(framing: Framing) -> StreamEncoder {
        StreamEncoder::new(&Translation {
            client: Format::GeminiGenerate,
            upstream: Format::OpenaiChat,
            model: "m",
            default_max_tokens: 1,
            stream: true,
            include_usage: false,
            framing,
            exchange: "x",
            created_s: 0,
        })
    }

    fn encoded(framing: Framing, events: impl IntoIterator<Item = Event<'static>>) -> (String, Losses) {
        let (mut encoder, mut out, mut losses) = (encoder(framing), Vec::new(), Losses::default());
        for event in events {
            encoder.encode(&event, &mut out, &mut losses);
        }
        (String::from_utf8(out).unwrap(), losses)
    }

    /// The candidates of each chunk.
    fn candidates(stream: &str) -> Vec<String> {
        let chunk = |chunk: &str| {
            let value: serde_json::Value = serde_json::from_str(chunk.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!((&value["modelVersion"], &value["responseId"]), (&"m".into(), &"x".into()));
            value["candidates"].to_string()
        };
        stream.trim().split("\n\n").map(chunk).collect()
    }

    fn text(text: &'static str) -> Event<'static> {
        Event::BlockDelta(Delta::Text(text.into()))
    }

    fn call(input: &[&'static str]) -> Vec<Event<'static>> {
        let start = BlockStart::ToolUse { id: "i".into(), name: "f".into() };
        let deltas = input.iter().map(|input| Event::BlockDelta(Delta::Input((*input).into())));
        std::iter::once(Event::BlockStart(start)).chain(deltas).chain([Event::BlockStop]).collect()
    }

    fn seal(vendor: Vendor) -> Event<'static> {
        Event::BlockDelta(Delta::Seal(Seal { vendor, redacted: false, data: "s".into() }))
    }

    #[test]
    fn a_call_is_one_part_once_its_arguments_are_complete() {
        let events = call(&["{\"a\"", ":1}"]).into_iter();
        let (stream, losses) =
            encoded(Framing::Sse, events.chain([Event::Finish(FinishReason::ToolUse.into()), Event::End]));
        assert_eq!(
            candidates(&stream),
            [
                r#"[{"content":{"parts":[{"functionCall":{"args":{"a":1},"id":"i","name":"f"}}],"role":"model"},"index":0}]"#,
                r#"[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}]"#,
            ]
        );
        assert!(losses.is_empty());
    }

    #[test]
    fn a_call_that_is_no_object_is_not_made_and_the_reason_says_so() {
        let events = call(&["{\"a\":"]).into_iter();
        let (stream, losses) =
            encoded(Framing::Sse, events.chain([Event::Finish(FinishReason::ToolUse.into()), Event::End]));
        assert!(!stream.contains("functionCall"), "{stream}");
        assert!(stream.contains(r#""finishReason":"MALFORMED_FUNCTION_CALL""#), "{stream}");
        assert_eq!(losses.len(), 1);
    }

    #[test]
    fn a_call_that_nothing_ended_is_made_if_it_is_whole_and_declared_if_it_is_cut() {
        for (input, losses) in [(["{\"a\":", "1}"], 0), (["{\"a\":", "\"b"], 1)] {
            let open = call(&input).into_iter().filter(|event| *event != Event::BlockStop);
            let end = [Event::Finish(FinishReason::Length.into()), Event::End];
            let (stream, declared) = encoded(Framing::Sse, open.chain(end));
            assert_eq!((stream.contains("functionCall"), declared.len()), (losses == 0, losses), "{stream}");
            assert!(stream.contains(r#""finishReason":"MAX_TOKENS""#), "{stream}");
        }
    }

    #[test]
    fn the_seal_of_google_stands_on_the_next_part_and_others_on_their_thoughts() {
        let thinking = |vendor| {
            [
                Event::BlockStart(BlockStart::Thinking),
                Event::BlockDelta(Delta::Thinking("t".into())),
                seal(vendor),
                Event::BlockStop,
            ]
        };
        let google = thinking(Vendor::Google).into_iter().chain(call(&[])).chain([Event::End]);
        let parts = candidates(&encoded(Framing::Sse, google).0);
        assert!(parts[0].contains(r#""parts":[{"text":"t","thought":true}]"#), "{parts:?}");
        assert!(parts[1].contains(r#""thoughtSignature":"s""#) && parts[1].contains("functionCall"), "{parts:?}");
        let anthropic = thinking(Vendor::Anthropic).into_iter().chain(call(&[])).chain([Event::End]);
        let parts = candidates(&encoded(Framing::Sse, anthropic).0);
        assert!(parts[1].contains(r#""thought":true,"thoughtSignature":"dG9sbGdhdGUv"#), "{parts:?}");
        assert!(!parts[2].contains("thoughtSignature"), "{parts:?}");
    }

    #[test]
    fn a_seal_that_nothing_follows_goes_out_at_the_end() {
        let events = [Event::BlockStart(BlockStart::Thinking), seal(Vendor::Google), Event::BlockStop, Event::End];
        let parts = candidates(&encoded(Framing::Sse, events).0);
        assert!(parts[0].contains(r#"{"text":"","thoughtSignature":"s"}"#), "{parts:?}");
    }

    #[test]
    fn citations_count_bytes_of_all_the_text_so_far() {
        let cite = || {
            let citation = Citation { url: Some("u".into()), span: Some((1, 2)), ..Citation::default() };
            Event::BlockDelta(Delta::Citation(citation))
        };
        let block = || [Event::BlockStart(BlockStart::Text), text("h\u{e9}"), cite(), Event::BlockStop];
        let parts = candidates(&encoded(Framing::Sse, block().into_iter().chain(block()).chain([Event::End])).0);
        assert!(
            parts[1].contains(r#""groundingChunkIndices":[0],"segment":{"endIndex":3,"startIndex":1}"#),
            "{parts:?}"
        );
        assert!(
            parts[3].contains(r#""groundingChunkIndices":[1],"segment":{"endIndex":6,"startIndex":4}"#),
            "{parts:?}"
        );
    }

    #[test]
    fn a_list_is_one_json_text_however_it_ends() {
        let (stream, _) =
            encoded(Framing::JsonArray, [Event::BlockStart(BlockStart::Text), text("a"), Event::Ping, Event::End]);
        let chunks: Vec<serde_json::Value> = serde_json::from_str(&stream).unwrap();
        assert_eq!(chunks.len(), 2);
        let (mut encoder, mut out) = (encoder(Framing::JsonArray), Vec::new());
        encoder.encode(&Event::BlockStart(BlockStart::Text), &mut out, &mut Losses::default());
        encoder.encode(&text("a"), &mut out, &mut Losses::default());
        let error = ClientError { status: 502, kind: "api_error", code: None, message: "m", param: None };
        encoder.fail(&error, &mut out);
        let chunks: Vec<serde_json::Value> = serde_json::from_slice(&out).unwrap();
        assert_eq!(chunks[1]["error"]["code"], 502);
    }

    #[test]
    fn choices_keep_apart_and_each_has_its_reason() {
        let events = [
            Event::BlockStart(BlockStart::Text),
            text("a"),
            Event::Choice(1),
            Event::BlockStart(BlockStart::Text),
            text("b"),
            Event::Choice(0),
            text("c"),
            Event::BlockStop,
            Event::Finish(FinishReason::Stop.into()),
            Event::Choice(1),
            Event::BlockStop,
            Event::Finish(FinishReason::Length.into()),
            Event::End,
        ];
        let chunks = candidates(&encoded(Framing::Sse, events).0);
        assert!(chunks[1].contains(r#""index":1"#) && chunks[2].contains(r#""index":0"#), "{chunks:?}");
        assert!(
            chunks[3].contains(r#""STOP","index":0"#) && chunks[3].contains(r#""MAX_TOKENS","index":1"#),
            "{chunks:?}"
        );
    }
}
