//! A streamed answer of the provider, decoded.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    blocks::Blocks,
    calls::{Calls, Place},
    extra::{says_something, text_of},
    message::{LogprobsWire, MessageWire, read},
};
use crate::{
    canonical::{Citation, Event, Failure, Finish, FinishReason, Usage},
    dialect::{DecodeStream, Frame, ResponseError, Sink},
    json::Text,
    vendors::openai::{self, FinishWord, decode_finish},
};

/// Decodes the chunks of a streamed completion: <https://platform.openai.com/docs/api-reference/chat-streaming>.
///
/// A whole completion is decoded as a stream of one chunk, whose choices have a `message` in place of a `delta`.
#[derive(Debug, Default)]
pub(super) struct StreamDecoder {
    state: State,
    /// The id of the answer, for ids that are made.
    id: String,
    choices: Vec<Choice>,
    /// Whose turn it is.
    current: u32,
    /// The latest figures, where they were not final.
    usage: Option<Usage>,
}

/// How far the answer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    AwaitingStart,
    Open,
    Ended,
}

/// One choice.
#[derive(Debug, Default)]
struct Choice {
    blocks: Blocks,
    calls: Calls,
    begun: bool,
    finished: bool,
    /// Whether the sources that stand beside the choices were told.
    cited: bool,
}

/// The most choices: OpenAI's limit for `n` is 128.
const MAX_CHOICES: usize = 128;

impl DecodeStream for StreamDecoder {
    fn decode(&mut self, frame: Frame<'_>, sink: Sink<'_>) -> Result<(), ResponseError> {
        if frame.data.trim_ascii() == b"[DONE]" {
            self.done(sink);
            return Ok(());
        }
        let chunk: Chunk<'_> =
            serde_json::from_slice(frame.data).map_err(|error| ResponseError::Malformed(error.to_string()))?;
        if frame.name == b"error" || chunk.error.is_some_and(says_something) {
            return Err(ResponseError::Provider(failure(frame.data)));
        }
        self.accept(chunk, sink)
    }

    /// Without `[DONE]` the end is where the provider gave its reasons.
    fn finish(&mut self, sink: Sink<'_>) -> Result<(), ResponseError> {
        for index in 0..self.choices.len() {
            self.with_choice(index, sink, |choice, sink| choice.blocks.end(sink));
        }
        self.settle(sink);
        Ok(())
    }
}

impl StreamDecoder {
    /// Takes a chunk, or a whole completion.
    pub(super) fn accept(&mut self, chunk: Chunk<'_>, sink: Sink<'_>) -> Result<(), ResponseError> {
        let choices = chunk.choices.unwrap_or_default();
        let added = chunk.usage.and_then(|usage| openai::decode_usage(usage.get().as_bytes()));
        let usage = added.or_else(|| openai::decode_usage(chunk.x_groq?.usage?.get().as_bytes()));
        let choiceless = choices.is_empty();
        // Azure begins with a chunk that tells of the prompt's filters only, and names no model.
        if self.state == State::AwaitingStart && (!choiceless || usage.is_some()) {
            self.state = State::Open;
            self.id = chunk.id.unwrap_or_default().0.chars().take(MAX_ID).collect();
            sink(Event::Start { model: chunk.model.unwrap_or_default().0 });
        }
        let sources = Sources { results: chunk.search_results, urls: chunk.citations };
        for choice in choices {
            self.accept_choice(choice, sources, sink)?;
        }
        if let Some(usage) = usage {
            // Some state running figures in each chunk: only those with or after the last reason are final.
            let terminal = choiceless || self.is_finished();
            self.usage = (!terminal).then_some(usage);
            sink(Event::Usage { usage, terminal });
        }
        Ok(())
    }

    fn accept_choice(
        &mut self,
        wire: ChoiceWire<'_>,
        sources: Sources<'_>,
        sink: Sink<'_>,
    ) -> Result<(), ResponseError> {
        let index = wire.index.unwrap_or_default();
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        if at >= MAX_CHOICES {
            sink(Event::Lost { path: "choices".into(), reason: "more choices than can be asked for" });
            return Ok(());
        }
        if self.choices.len() <= at {
            self.choices.resize_with(at.saturating_add(1), Choice::default);
        }
        let id = std::mem::take(&mut self.id);
        let mut result = Ok(());
        self.with_choice(at, sink, |choice, sink| {
            let place = Place { answer: &id, choice: u32::try_from(at).unwrap_or_default() };
            result = choice.accept(wire, place, sources, sink);
        });
        self.id = id;
        result
    }

    /// Does something with a choice, having said whose turn it is.
    fn with_choice(&mut self, at: usize, sink: Sink<'_>, act: impl FnOnce(&mut Choice, Sink<'_>)) {
        let index = u32::try_from(at).unwrap_or(u32::MAX);
        let Some(choice) = self.choices.get_mut(at).filter(|choice| !choice.finished) else { return };
        if self.current != index {
            self.current = index;
            sink(Event::Choice(index));
        }
        act(choice, sink);
    }

    /// `[DONE]`: a provider that gives no reason has none but that the answer is complete.
    pub(super) fn done(&mut self, sink: Sink<'_>) {
        if self.state == State::Ended {
            return;
        }
        for at in 0..self.choices.len() {
            self.with_choice(at, sink, |choice, sink| {
                if choice.begun {
                    choice.finish(FinishReason::Stop, None, sink);
                }
            });
        }
        self.settle(sink);
        if self.is_finished() {
            self.state = State::Ended;
            sink(Event::End);
        }
    }

    /// Says again, as the last word, what was said before it was known to be that.
    fn settle(&mut self, sink: Sink<'_>) {
        if self.is_finished()
            && let Some(usage) = self.usage.take()
        {
            sink(Event::Usage { usage, terminal: true });
        }
    }

    fn is_finished(&self) -> bool {
        self.choices.iter().any(|choice| choice.finished)
            && self.choices.iter().all(|choice| choice.finished || !choice.begun)
    }
}

impl Choice {
    fn accept(
        &mut self,
        wire: ChoiceWire<'_>,
        place: Place<'_>,
        sources: Sources<'_>,
        sink: Sink<'_>,
    ) -> Result<(), ResponseError> {
        // A provider may give both, all of it each time in the second; or all at once after nothing.
        let message = match (wire.delta, wire.message) {
            (Some(delta), _) => Some(delta),
            (None, message) => message.filter(|_| !self.begun),
        };
        if let Some(mut message) = message {
            self.begun = true;
            let (calls, function) = (message.tool_calls.take(), message.function_call.take());
            message.tell(wire.logprobs, &mut self.blocks, sink)?;
            if !self.cited {
                self.cited = sources.tell(&mut self.blocks, sink);
            }
            for call in calls.into_iter().flatten() {
                self.calls.tell(call, place, &mut self.blocks, sink)?;
            }
            if let Some(function) = function {
                self.calls.tell_function(function, place, &mut self.blocks, sink)?;
            }
        }
        let stop_sequence = wire.stop_reason.and_then(text_of);
        match wire.finish_reason.map(|reason| decode_finish(&reason.0)) {
            None | Some(FinishWord::None) => Ok(()),
            Some(FinishWord::Finish(reason)) => {
                self.finish(reason, stop_sequence.as_deref(), sink);
                Ok(())
            }
            Some(FinishWord::Failure(message)) => Err(ResponseError::Provider(Failure::new(message))),
        }
    }

    fn finish(&mut self, reason: FinishReason, stop_sequence: Option<&str>, sink: Sink<'_>) {
        self.blocks.end(sink);
        self.finished = true;
        let reason = match reason {
            // OpenAI itself says `stop` where the call was forced, and where the model refused.
            FinishReason::Stop if self.blocks.any_call => FinishReason::ToolUse,
            FinishReason::Stop if self.blocks.any_refusal => FinishReason::Refusal,
            FinishReason::Stop if stop_sequence.is_some() => FinishReason::StopSequence,
            reason => reason,
        };
        let stop_sequence = stop_sequence.filter(|_| reason == FinishReason::StopSequence).map(Into::into);
        sink(Event::Finish(Finish { reason, stop_sequence }));
    }
}

/// Perplexity gives its sources beside the choices, all of them in each chunk, and refers to them by number in the text:
/// <https://docs.perplexity.ai/guides/chat-completions-guide>.
#[derive(Clone, Copy)]
struct Sources<'e> {
    results: Option<&'e RawValue>,
    urls: Option<&'e RawValue>,
}

impl Sources<'_> {
    /// Says whether there were any, and a text that they go with.
    fn tell(self, blocks: &mut Blocks, sink: Sink<'_>) -> bool {
        #[derive(Deserialize)]
        struct Wire<'e> {
            #[serde(borrow)]
            url: Option<Text<'e>>,
            #[serde(borrow)]
            title: Option<Text<'e>>,
        }

        let mut told = false;
        for Wire { url, title } in self.results.map(read::<Wire<'_>>).into_iter().flatten() {
            let (url, title) = (url.map(|text| text.0), title.map(|text| text.0));
            told |= blocks.cite(Citation { url, title, ..Citation::default() }, sink);
        }
        for url in self.urls.filter(|_| !told).map(read::<Text<'_>>).into_iter().flatten() {
            told |= blocks.cite(Citation { url: Some(url.0), ..Citation::default() }, sink);
        }
        told
    }
}

/// The longest id that is kept of an answer, in characters.
const MAX_ID: usize = 128;

/// An error's failure, or one that says that there was one.
pub(super) fn failure(body: &[u8]) -> Failure {
    openai::decode_error(body).unwrap_or_else(|| Failure::new("the provider reports an error without a message"))
}

/// A chunk, or a whole completion.
#[derive(Debug, Deserialize)]
pub(super) struct Chunk<'e> {
    #[serde(borrow)]
    id: Option<Text<'e>>,
    #[serde(borrow)]
    model: Option<Text<'e>>,
    #[serde(borrow)]
    pub(super) choices: Option<Vec<ChoiceWire<'e>>>,
    #[serde(borrow)]
    usage: Option<&'e RawValue>,
    /// Groq: <https://console.groq.com/docs/api-reference>.
    #[serde(borrow)]
    x_groq: Option<GroqWire<'e>>,
    #[serde(borrow)]
    pub(super) error: Option<&'e RawValue>,
    #[serde(borrow)]
    search_results: Option<&'e RawValue>,
    #[serde(borrow)]
    citations: Option<&'e RawValue>,
}

#[derive(Debug, Deserialize)]
struct GroqWire<'e> {
    #[serde(borrow)]
    usage: Option<&'e RawValue>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ChoiceWire<'e> {
    index: Option<u64>,
    /// Boxed, since the parser hands what it has read from one to the next, and this is large.
    #[serde(borrow)]
    pub(super) delta: Option<Box<MessageWire<'e>>>,
    #[serde(borrow)]
    pub(super) message: Option<Box<MessageWire<'e>>>,
    #[serde(borrow)]
    pub(super) finish_reason: Option<Text<'e>>,
    /// vLLM: the stop text that was met, or the id of a token.
    #[serde(borrow)]
    stop_reason: Option<&'e RawValue>,
    #[serde(borrow)]
    logprobs: Option<LogprobsWire<'e>>,
}
