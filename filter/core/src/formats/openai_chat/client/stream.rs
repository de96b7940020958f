//! A streamed answer for the client.

use serde::Serialize;

use super::{
    super::wire::reasoning::DetailWire,
    wire::{
        AnnotationWire, CallWire, ExtraWire, FunctionWire, LogprobsWire, MessageWire, WORDS_FIRST, count, finish_reason,
    },
};
use crate::{
    canonical::{BlockStart, Delta, Event, Finish, Losses, Seal, Usage, Vendor},
    dialect::{ClientError, EncodeStream, Translation},
    framing::sse::write_json,
    vendors::openai::{self, EncodedUsage, encode_usage},
};

/// Encodes the events of an answer as a chat stream:
/// <https://platform.openai.com/docs/api-reference/chat-streaming>.
#[derive(Debug)]
pub(super) struct StreamEncoder {
    head: Head,
    state: State,
    usage: Option<Usage>,
    choices: Vec<Choice>,
    /// Whose turn it is.
    current: usize,
}

/// What every chunk says.
#[derive(Debug)]
struct Head {
    id: String,
    created_s: u64,
    model: String,
    include_usage: bool,
}

/// What the client has got, and so what may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing yet.
    AwaitingStart,
    /// Something.
    Open,
    /// `[DONE]` or an error.
    Ended,
}

/// One choice.
#[derive(Debug, Default)]
struct Choice {
    progress: Progress,
    block: Open,
    /// Calls begun: OpenAI counts them from 0, whatever else there is.
    calls: u32,
    /// Citations told.
    citations: u32,
    /// The place of the next thing among all that the choice says.
    place: u32,
    spoke: bool,
    refused: bool,
    /// Characters of the text, and how many of them stood before the block.
    characters: u64,
    before: u64,
    /// Google's seal, until it is known what it belongs to.
    seal: Option<Held>,
}

/// How far a choice is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Progress {
    /// Its role was not said.
    #[default]
    Unopened,
    Opened,
    /// Its finish reason was said.
    Finished,
}

/// The block that is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Open {
    #[default]
    None,
    Text,
    Refusal,
    /// Whether anything of it was said.
    Thinking {
        said: bool,
    },
    Call,
}

/// A seal that is held back.
#[derive(Debug)]
struct Held {
    seal: Seal<'static>,
    place: u32,
    has_text: bool,
}

/// The most choices: OpenAI's limit for `n` is 128.
const MAX_CHOICES: usize = 128;

impl StreamEncoder {
    pub(super) fn new(translation: &Translation<'_>) -> Self {
        let head = Head {
            id: super::wire::completion_id(translation),
            created_s: translation.created_s,
            model: translation.model.to_owned(),
            include_usage: translation.include_usage,
        };
        Self { head, state: State::AwaitingStart, usage: None, choices: Vec::new(), current: 0 }
    }
}

impl EncodeStream for StreamEncoder {
    fn encode(&mut self, event: &Event<'_>, out: &mut Vec<u8>, losses: &mut Losses) {
        match (self.state, event) {
            (State::Ended, _) | (_, Event::Lost { .. }) => {}
            // A comment, which clients ignore and idle timeouts do not.
            (_, Event::Ping) => out.extend_from_slice(b": ping\n\n"),
            (_, Event::Usage { usage, .. }) => self.usage = Some(*usage),
            (_, Event::Choice(index)) => self.current = usize::try_from(*index).unwrap_or(usize::MAX),
            (_, Event::Start { model }) => {
                if self.state == State::AwaitingStart && !model.is_empty() {
                    self.head.model = model.clone().into_owned();
                }
                self.with_choice(out, |_, _| {});
            }
            (_, Event::End) => {
                if self.state == State::AwaitingStart {
                    self.with_choice(out, |_, _| {});
                }
                self.end(out);
            }
            (_, Event::BlockStart(start)) => self.with_choice(out, |choice, say| choice.start(start, say, losses)),
            (_, Event::BlockDelta(delta)) => self.with_choice(out, |choice, say| choice.more(delta, say, losses)),
            (_, Event::BlockStop) => self.with_choice(out, |choice, _| choice.stop()),
            (_, Event::Finish(finish)) => self.with_choice(out, |choice, say| choice.finish(finish, say, losses)),
        }
    }

    fn fail(&mut self, error: &ClientError<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&openai::encode_error(error));
        out.extend_from_slice(b"\n\n");
        self.state = State::Ended;
    }
}

impl StreamEncoder {
    /// Does something with the choice whose turn it is, having said its role. After its finish reason nothing is said.
    fn with_choice(&mut self, out: &mut Vec<u8>, act: impl FnOnce(&mut Choice, &mut Say<'_>)) {
        self.state = State::Open;
        if self.current >= MAX_CHOICES {
            return;
        }
        if self.choices.len() <= self.current {
            self.choices.resize_with(self.current.saturating_add(1), Choice::default);
        }
        let Some(choice) = self.choices.get_mut(self.current) else { return };
        let mut say = Say { head: &self.head, index: u32::try_from(self.current).unwrap_or_default(), out };
        match choice.progress {
            Progress::Finished => return,
            Progress::Opened => {}
            Progress::Unopened => {
                choice.progress = Progress::Opened;
                say.delta(MessageWire { role: Some("assistant"), content: Some(Some("")), ..MessageWire::default() });
            }
        }
        act(choice, &mut say);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if let (true, Some(usage)) = (self.head.include_usage, &self.usage) {
            self.head.write(&[], Some(Some(encode_usage(usage))), out);
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
        self.state = State::Ended;
    }
}

impl Choice {
    fn start(&mut self, start: &BlockStart<'_>, say: &mut Say<'_>, losses: &mut Losses) {
        let held = match start {
            BlockStart::ToolUse { .. } => self.seal.take(),
            _ => {
                self.say_seal(say);
                None
            }
        };
        match start {
            BlockStart::Text => {
                if self.calls > 0 {
                    losses.approximate("content", WORDS_FIRST);
                }
                self.before = self.characters;
                self.place = self.place.saturating_add(u32::from(!self.spoke));
                self.spoke = true;
                self.block = Open::Text;
            }
            BlockStart::Refusal => {
                self.place = self.place.saturating_add(u32::from(!self.refused));
                self.refused = true;
                self.block = Open::Refusal;
            }
            BlockStart::Thinking => self.block = Open::Thinking { said: false },
            BlockStart::ToolUse { id, name } => {
                let call = CallWire {
                    index: Some(self.calls),
                    id: Some(id),
                    r#type: Some("function"),
                    function: FunctionWire { name: Some(name), arguments: "" },
                    extra_content: held.as_ref().map(|held| ExtraWire::of(&held.seal.data)),
                };
                say.delta(MessageWire { tool_calls: vec![call], ..MessageWire::default() });
                self.calls = self.calls.saturating_add(1);
                let sealed = u32::from(held.is_some_and(|held| held.has_text));
                self.place = self.place.saturating_add(1).saturating_add(sealed);
                self.block = Open::Call;
            }
        }
    }

    fn more(&mut self, delta: &Delta<'_>, say: &mut Say<'_>, losses: &mut Losses) {
        match (delta, &mut self.block) {
            (Delta::Text(text), Open::Refusal) => {
                say.delta(MessageWire { refusal: Some(Some(text)), ..MessageWire::default() });
            }
            (Delta::Text(text), _) => {
                self.characters = self.characters.saturating_add(count(text));
                say.delta(MessageWire { content: Some(Some(text)), ..MessageWire::default() });
            }
            (Delta::Thinking(text), block) => {
                *block = Open::Thinking { said: true };
                say.delta(MessageWire {
                    reasoning_content: Some(text),
                    reasoning_details: vec![DetailWire::text(text, self.place)],
                    ..MessageWire::default()
                });
            }
            (Delta::Seal(seal), block) => {
                let has_text = *block == Open::Thinking { said: true };
                *block = Open::Thinking { said: true };
                if seal.vendor == Vendor::Google {
                    self.seal = Some(Held { seal: seal.clone().into_owned(), place: self.place, has_text });
                } else {
                    let reasoning_details = vec![DetailWire::seal(seal, self.place)];
                    say.delta(MessageWire { reasoning_details, ..MessageWire::default() });
                }
            }
            (Delta::Input(json), _) => {
                let call = CallWire {
                    index: Some(self.calls.saturating_sub(1)),
                    id: None,
                    r#type: None,
                    function: FunctionWire { name: None, arguments: json },
                    extra_content: None,
                };
                say.delta(MessageWire { tool_calls: vec![call], ..MessageWire::default() });
            }
            (Delta::Citation(citation), _) => {
                if let Some(mut annotation) = AnnotationWire::of(citation, self.before, losses) {
                    annotation.index = Some(self.citations);
                    let annotations = vec![annotation];
                    self.citations = self.citations.saturating_add(1);
                    say.delta(MessageWire { annotations, ..MessageWire::default() });
                }
            }
            (Delta::Logprobs(tokens), _) => {
                if let Some(logprobs) = LogprobsWire::of(tokens.iter()) {
                    say.choice(MessageWire::default(), Some(logprobs), None);
                }
            }
        }
    }

    fn stop(&mut self) {
        if self.block == (Open::Thinking { said: true }) {
            self.place = self.place.saturating_add(1);
        }
        self.block = Open::None;
    }

    fn finish(&mut self, finish: &Finish<'_>, say: &mut Say<'_>, losses: &mut Losses) {
        self.say_seal(say);
        say.choice(MessageWire::default(), None, Some(finish_reason(finish, self.refused, losses)));
        self.progress = Progress::Finished;
    }

    /// A seal that belongs to no call.
    fn say_seal(&mut self, say: &mut Say<'_>) {
        if let Some(Held { seal, place, .. }) = self.seal.take() {
            let reasoning_details = vec![DetailWire::seal(&seal, place)];
            say.delta(MessageWire { reasoning_details, ..MessageWire::default() });
        }
    }
}

/// Writes the chunks of one choice.
struct Say<'s> {
    head: &'s Head,
    index: u32,
    out: &'s mut Vec<u8>,
}

impl Say<'_> {
    fn delta(&mut self, delta: MessageWire<'_>) {
        self.choice(delta, None, None);
    }

    fn choice(
        &mut self,
        delta: MessageWire<'_>,
        logprobs: Option<LogprobsWire<'_>>,
        finish_reason: Option<&'static str>,
    ) {
        let choice = ChoiceWire { index: self.index, delta, logprobs, finish_reason };
        // Asked for usage, OpenAI puts a null into every chunk but the last.
        self.head.write(&[choice], self.head.include_usage.then_some(None), self.out);
    }
}

impl Head {
    fn write(&self, choices: &[ChoiceWire<'_>], usage: Option<Option<EncodedUsage>>, out: &mut Vec<u8>) {
        let chunk = ChunkWire {
            id: &self.id,
            object: "chat.completion.chunk",
            created: self.created_s,
            model: &self.model,
            choices,
            usage,
        };
        write_json("", &chunk, out);
    }
}

#[derive(Serialize)]
struct ChunkWire<'e> {
    id: &'e str,
    object: &'static str,
    created: u64,
    model: &'e str,
    choices: &'e [ChoiceWire<'e>],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<EncodedUsage>>,
}

#[derive(Serialize)]
struct ChoiceWire<'e> {
    index: u32,
    delta: MessageWire<'e>,
    logprobs: Option<LogprobsWire<'e>>,
    finish_reason: Option<&'static str>,
}
