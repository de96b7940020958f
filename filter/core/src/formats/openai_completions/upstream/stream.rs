//! A streamed answer of the provider, decoded.

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::prompt::NEXT_TURN;
use crate::{
    canonical::{BlockStart, Delta, Event, Failure, Finish, FinishReason, TokenLogprob, Usage},
    dialect::{DecodeStream, Frame, ResponseError, Sink},
    json::Text,
    vendors::openai::{self, FinishWord, decode_finish},
};

/// Decodes a stream of completions (<https://platform.openai.com/docs/api-reference/completions/object>), each with more
/// text.
#[derive(Debug, Default)]
pub(super) struct StreamDecoder {
    started: bool,
    ended: bool,
    choices: Vec<Choice>,
    /// Whose turn it is.
    current: u32,
    /// The latest figures, where they were not final.
    usage: Option<Usage>,
}

/// How far a choice is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Choice {
    /// Nothing was seen of it.
    #[default]
    Unseen,
    /// It has no text yet.
    Seen,
    Open,
    Finished,
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
        self.accept(chunk, frame.data, sink)
    }

    /// Without `[DONE]` the end is where the provider gave its reasons.
    fn finish(&mut self, sink: Sink<'_>) -> Result<(), ResponseError> {
        for at in 0..self.choices.len() {
            if self.choices.get(at) == Some(&Choice::Open) {
                self.turn_to(at, sink);
                sink(Event::BlockStop);
            }
        }
        self.settle(sink);
        Ok(())
    }
}

impl StreamDecoder {
    /// Takes the next chunk, of which `body` is the text.
    pub(super) fn accept(&mut self, chunk: Chunk<'_>, body: &[u8], sink: Sink<'_>) -> Result<(), ResponseError> {
        if chunk.error.is_some() {
            let failure = openai::decode_error(body);
            let unknown = || Failure::new("the provider reports an error without a message");
            return Err(ResponseError::Provider(failure.unwrap_or_else(unknown)));
        }
        let choices = chunk.choices.unwrap_or_default();
        let usage = chunk.usage.and_then(|usage| openai::decode_usage(usage.get().as_bytes()));
        let choiceless = choices.is_empty();
        if !self.started && (!choiceless || usage.is_some()) {
            self.started = true;
            sink(Event::Start { model: chunk.model.unwrap_or_default().0 });
        }
        for choice in choices {
            self.accept_choice(choice, sink)?;
        }
        if let Some(usage) = usage {
            let terminal = choiceless || self.is_finished();
            self.usage = (!terminal).then_some(usage);
            sink(Event::Usage { usage, terminal });
        }
        Ok(())
    }

    fn accept_choice(&mut self, wire: ChoiceWire<'_>, sink: Sink<'_>) -> Result<(), ResponseError> {
        let at = usize::try_from(wire.index.unwrap_or_default()).unwrap_or(usize::MAX);
        if at >= MAX_CHOICES {
            sink(Event::Lost { path: "choices".into(), reason: "more choices than can be asked for" });
            return Ok(());
        }
        if self.choices.len() <= at {
            self.choices.resize(at.saturating_add(1), Choice::Unseen);
        }
        let Some(choice) = self.choices.get(at).copied().filter(|choice| *choice != Choice::Finished) else {
            return Ok(());
        };
        self.turn_to(at, sink);
        let text = wire.text.unwrap_or_default().0;
        let tokens = wire.logprobs.map(LogprobsWire::tokens).unwrap_or_default();
        let mut now = if choice == Choice::Unseen { Choice::Seen } else { choice };
        if now != Choice::Open && !(text.is_empty() && tokens.is_empty()) {
            sink(Event::BlockStart(BlockStart::Text));
            now = Choice::Open;
        }
        if !text.is_empty() {
            sink(Event::BlockDelta(Delta::Text(text)));
        }
        if !tokens.is_empty() {
            sink(Event::BlockDelta(Delta::Logprobs(tokens)));
        }
        self.set(at, now);
        match wire.finish_reason.map(|reason| decode_finish(&reason.0)) {
            None | Some(FinishWord::None) => Ok(()),
            Some(FinishWord::Finish(reason)) => {
                // vLLM: the stop text that was met, or the id of a token.
                let met = wire.stop_reason.and_then(|met| serde_json::from_str::<Text<'_>>(met.get()).ok());
                // Ours is no stop text of the client's: the answer was complete where it stands.
                let met = met.filter(|met| met.0 != NEXT_TURN);
                let finish = match (reason, met) {
                    (FinishReason::Stop, Some(met)) => {
                        Finish { reason: FinishReason::StopSequence, stop_sequence: Some(met.0) }
                    }
                    (reason, _) => reason.into(),
                };
                self.end_choice(at, finish, sink);
                Ok(())
            }
            Some(FinishWord::Failure(message)) => Err(ResponseError::Provider(Failure::new(message))),
        }
    }

    /// Says whose turn it is.
    fn turn_to(&mut self, at: usize, sink: Sink<'_>) {
        let index = u32::try_from(at).unwrap_or(u32::MAX);
        if self.current != index {
            self.current = index;
            sink(Event::Choice(index));
        }
    }

    fn set(&mut self, at: usize, now: Choice) {
        if let Some(choice) = self.choices.get_mut(at) {
            *choice = now;
        }
    }

    fn end_choice(&mut self, at: usize, finish: Finish<'_>, sink: Sink<'_>) {
        if self.choices.get(at) == Some(&Choice::Open) {
            sink(Event::BlockStop);
        }
        self.set(at, Choice::Finished);
        sink(Event::Finish(finish));
    }

    /// `[DONE]`: a provider that gives no reason has none but that the answer is complete.
    pub(super) fn done(&mut self, sink: Sink<'_>) {
        if self.ended {
            return;
        }
        for at in 0..self.choices.len() {
            if matches!(self.choices.get(at), Some(Choice::Seen | Choice::Open)) {
                self.turn_to(at, sink);
                self.end_choice(at, FinishReason::Stop.into(), sink);
            }
        }
        self.settle(sink);
        if self.is_finished() {
            self.ended = true;
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
        self.choices.contains(&Choice::Finished)
            && self.choices.iter().all(|choice| matches!(choice, Choice::Finished | Choice::Unseen))
    }
}

/// A chunk, or a whole completion: they are of one shape.
#[derive(Debug, Deserialize)]
pub(super) struct Chunk<'e> {
    #[serde(borrow)]
    model: Option<Text<'e>>,
    #[serde(borrow)]
    pub(super) choices: Option<Vec<ChoiceWire<'e>>>,
    #[serde(borrow)]
    usage: Option<&'e RawValue>,
    #[serde(borrow)]
    error: Option<&'e RawValue>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ChoiceWire<'e> {
    index: Option<u64>,
    #[serde(borrow)]
    text: Option<Text<'e>>,
    #[serde(borrow)]
    logprobs: Option<LogprobsWire<'e>>,
    #[serde(borrow)]
    finish_reason: Option<Text<'e>>,
    #[serde(borrow)]
    stop_reason: Option<&'e RawValue>,
}

/// Lists that go side by side.
#[derive(Debug, Deserialize)]
struct LogprobsWire<'e> {
    #[serde(borrow)]
    tokens: Option<Vec<Text<'e>>>,
    token_logprobs: Option<Vec<Option<f64>>>,
    top_logprobs: Option<Vec<Option<TopWire>>>,
}

/// An object from tokens to numbers.
#[derive(Debug)]
struct TopWire(Vec<(String, f64)>);

impl<'de> Deserialize<'de> for TopWire {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = TopWire;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object from tokens to numbers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::with_capacity(map.size_hint().unwrap_or_default());
                while let Some(entry) = map.next_entry()? {
                    all.push(entry);
                }
                Ok(TopWire(all))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

impl LogprobsWire<'_> {
    /// A token without a number, as the first of an echoed prompt, has none to give.
    fn tokens(self) -> Vec<TokenLogprob> {
        let mut top = self.top_logprobs.unwrap_or_default().into_iter();
        let tokens = self.tokens.unwrap_or_default().into_iter().zip(self.token_logprobs.unwrap_or_default());
        let tokens = tokens.filter_map(|(token, logprob)| {
            let top = top.next().flatten().map(|top| top.0).unwrap_or_default();
            Some(TokenLogprob { token: token.0.into_owned(), logprob: logprob?, top })
        });
        tokens.collect()
    }
}
