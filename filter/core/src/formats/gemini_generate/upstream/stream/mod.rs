//! A streamed answer of the provider, decoded.

use std::borrow::Cow;

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::{
    chunk::{Call, Candidate, Chunk, Logprobs, Part},
    grounding::{Grounding, Recited, Sources},
    partial::PartialCall,
};
use crate::{
    canonical::{BlockStart, Delta, Event, FinishReason, Seal, Vendor},
    dialect::{DecodeStream, Frame, ResponseError, Sink},
    formats::gemini_generate::{
        error::decode_error,
        upstream::finish::decode_finish,
        usage::Figures,
        wire::{offsets::Offsets, part::compact},
    },
};

/// Decodes the chunks of a stream, each of which is a whole `GenerateContentResponse` with what is new:
/// <https://ai.google.dev/api/generate-content#generatecontentresponse>.
///
/// A chunk with a finish reason need not be the last: where the model runs code, more may follow, and the last reason holds.
/// So the reason is given out at the end of the stream.
#[derive(Debug, Default)]
pub(super) struct StreamDecoder {
    started: bool,
    /// Names the calls of this answer apart from those of others.
    response_id: String,
    calls: u32,
    current: u32,
    choices: Vec<Choice>,
    /// Whether the prompt was blocked, so that there is no candidate.
    blocked: bool,
    figures: Figures,
}

/// One candidate.
#[derive(Debug, Default)]
struct Choice {
    open: Open,
    /// The open text.
    text: Offsets,
    sources: Sources,
    /// A call whose arguments are still coming.
    partial: Option<PartialCall>,
    called: bool,
    finish: Option<String>,
}

/// The block being read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Open {
    #[default]
    None,
    Text,
    /// Thoughts without a seal yet.
    Thinking,
}

/// Most candidates that are told apart: Google gives eight at most.
const MAX_CHOICES: u32 = 128;

impl DecodeStream for StreamDecoder {
    fn decode(&mut self, frame: Frame<'_>, sink: Sink<'_>) -> Result<(), ResponseError> {
        // Some gateways end every stream as OpenAI does.
        if frame.data.trim_ascii() == b"[DONE]" {
            return Ok(());
        }
        self.read(frame.data, sink)
    }

    fn finish(&mut self, sink: Sink<'_>) -> Result<(), ResponseError> {
        self.end(sink, None);
        Ok(())
    }
}

impl StreamDecoder {
    /// Reads a chunk, or a list of them.
    pub(super) fn read(&mut self, data: &[u8], sink: Sink<'_>) -> Result<(), ResponseError> {
        if data.trim_ascii_start().starts_with(b"[") {
            let chunks: Vec<&RawValue> = serde_json::from_slice(data).map_err(malformed)?;
            return chunks.into_iter().try_for_each(|chunk| self.chunk(chunk.get().as_bytes(), sink));
        }
        self.chunk(data, sink)
    }

    fn chunk(&mut self, data: &[u8], sink: Sink<'_>) -> Result<(), ResponseError> {
        let chunk: Chunk<'_> = serde_json::from_slice(data).map_err(malformed)?;
        if chunk.error.is_some() && chunk.candidates.is_none() {
            let failure =
                decode_error(data).ok_or_else(|| ResponseError::Malformed("an error without words".to_owned()))?;
            return Err(ResponseError::Provider(failure));
        }
        if let Some(id) = chunk.response_id.filter(|_| self.response_id.is_empty()) {
            self.response_id = id.0.into_owned();
        }
        if !self.started {
            self.started = true;
            sink(Event::Start { model: chunk.model_version.unwrap_or_default().0 });
        }
        self.blocked |= chunk.prompt_feedback.is_some_and(|feedback| feedback.block_reason.is_some());
        for (place, candidate) in chunk.candidates.unwrap_or_default().into_iter().enumerate() {
            // An index of 0 is left out on the wire.
            let index = candidate.index.or(u32::try_from(place).ok()).unwrap_or(MAX_CHOICES);
            if index < MAX_CHOICES {
                self.candidate(index, candidate, sink)?;
            }
        }
        self.figures.update(chunk.usage_metadata.unwrap_or_default());
        if let Some(usage) = self.figures.usage() {
            sink(Event::Usage { usage, terminal: self.is_finished() });
        }
        Ok(())
    }

    /// Whether there was a candidate, or a reason why there is none.
    pub(super) fn has_answered(&self) -> bool {
        !self.choices.is_empty() || self.blocked
    }

    fn is_finished(&self) -> bool {
        self.blocked || self.choices.first().is_some_and(|choice| choice.finish.is_some())
    }

    fn candidate(&mut self, index: u32, candidate: Candidate<'_>, sink: Sink<'_>) -> Result<(), ResponseError> {
        if index != self.current {
            self.current = index;
            sink(Event::Choice(index));
        }
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        if self.choices.len() <= place {
            self.choices.resize_with(place.saturating_add(1), Choice::default);
        }
        let Some(choice) = self.choices.get_mut(place) else { return Ok(()) };
        let mut caller = Caller { response_id: &self.response_id, count: &mut self.calls };
        let parts = candidate.content.and_then(|content| content.parts).unwrap_or_default();
        // What is said of the text stands behind the last of it, and before what ends its block.
        let last = parts.iter().rposition(Part::is_text);
        let mut about = Some(About {
            grounding: candidate.grounding_metadata,
            recited: candidate.citation_metadata,
            logprobs: candidate.logprobs_result,
        });
        if last.is_none() && choice.open == Open::Text {
            choice.about(about.take(), sink);
        }
        for (place, part) in parts.into_iter().enumerate() {
            choice.part(part, &mut caller, sink)?;
            if last == Some(place) {
                choice.about(about.take(), sink);
            }
        }
        choice.about(about, sink);
        if candidate.url_context_metadata.is_some() {
            sink(lost("urlContextMetadata"));
        }
        if let Some(reason) = candidate.finish_reason.map(|reason| reason.0).filter(|reason| !reason.is_empty()) {
            choice.finish = Some(reason);
        }
        Ok(())
    }

    /// Closes what is open and gives the reasons out; `default` is the reason of a candidate that has none.
    pub(super) fn end(&mut self, sink: Sink<'_>, default: Option<&str>) {
        let finished = self.is_finished();
        for (index, choice) in (0_u32..).zip(&mut self.choices) {
            if index != self.current {
                self.current = index;
                sink(Event::Choice(index));
            }
            choice.end_call(&mut Caller { response_id: &self.response_id, count: &mut self.calls }, sink);
            choice.close(sink);
            // One candidate's reason ends the stream for all.
            let default = if finished { Some("STOP") } else { default };
            if let Some(reason) = choice.finish.as_deref().or(default) {
                sink(Event::Finish(decode_finish(reason, choice.called).into()));
            }
        }
        if self.choices.is_empty() && self.blocked {
            sink(Event::Finish(FinishReason::Filter.into()));
        }
        if let Some(usage) = self.figures.usage().filter(|_| finished) {
            sink(Event::Usage { usage, terminal: true });
        }
    }
}

impl Choice {
    fn part(&mut self, part: Part<'_>, caller: &mut Caller<'_>, sink: Sink<'_>) -> Result<(), ResponseError> {
        if !part.function_call.as_ref().is_some_and(Call::goes_on) {
            self.end_call(caller, sink);
        }
        let seal = part.thought_signature.map(|seal| seal.0).filter(|seal| !seal.is_empty());
        let thought = part.thought == Some(true);
        match part.text {
            Some(text) if thought => {
                self.open(Open::Thinking, sink);
                if !text.0.is_empty() {
                    sink(Event::BlockDelta(Delta::Thinking(text.0)));
                }
                self.seal(seal, sink);
            }
            Some(text) => {
                self.seal(seal, sink);
                if !text.0.is_empty() {
                    self.open(Open::Text, sink);
                    self.text.push(&text.0);
                    sink(Event::BlockDelta(Delta::Text(text.0)));
                }
            }
            None => match part.function_call {
                Some(call) => {
                    self.seal(seal, sink);
                    self.call(call, caller, sink)?;
                }
                None => {
                    let others = [
                        (part.inline_data, "content.inlineData"),
                        (part.file_data, "content.fileData"),
                        (part.executable_code, "content.executableCode"),
                        (part.code_execution_result, "content.codeExecutionResult"),
                        (part.tool_call, "content.toolCall"),
                        (part.tool_response, "content.toolResponse"),
                    ];
                    match others.into_iter().find_map(|(there, path)| there.map(|_| path)) {
                        Some(path) => sink(lost(path)),
                        None => self.seal(seal, sink),
                    }
                }
            },
        }
        Ok(())
    }

    fn call(&mut self, call: Call<'_>, caller: &mut Caller<'_>, sink: Sink<'_>) -> Result<(), ResponseError> {
        let id = call.id.map(|id| id.0).filter(|id| !id.is_empty());
        let is_partial = call.will_continue == Some(true) || call.partial_args.is_some() || self.partial.is_some();
        if !is_partial {
            let name = call.name.unwrap_or_default().0;
            let input = call.args.map(RawValue::get).filter(|args| args.starts_with('{')).unwrap_or("{}");
            self.whole_call(id, name, compact(input), caller, sink);
            return Ok(());
        }
        let partial = self.partial.get_or_insert_with(|| {
            PartialCall::new(id.map(Cow::into_owned), call.name.unwrap_or_default().0.into_owned())
        });
        for argument in call.partial_args.unwrap_or_default() {
            partial.add(argument)?;
        }
        if call.will_continue != Some(true) {
            self.end_call(caller, sink);
        }
        Ok(())
    }

    fn end_call(&mut self, caller: &mut Caller<'_>, sink: Sink<'_>) {
        if let Some(partial) = self.partial.take() {
            let input = partial.arguments().into();
            self.whole_call(partial.id.map(Cow::Owned), partial.name.into(), input, caller, sink);
        }
    }

    fn whole_call(
        &mut self,
        id: Option<Cow<'_, str>>,
        name: Cow<'_, str>,
        input: Cow<'_, str>,
        caller: &mut Caller<'_>,
        sink: Sink<'_>,
    ) {
        self.close(sink);
        self.called = true;
        let id = id.unwrap_or_else(|| caller.id(&name, &input).into());
        sink(Event::BlockStart(BlockStart::ToolUse { id, name }));
        sink(Event::BlockDelta(Delta::Input(input)));
        sink(Event::BlockStop);
    }

    /// Google's seal stands on the part after what it seals, which may be thoughts that are not shown.
    fn seal(&mut self, seal: Option<Cow<'_, str>>, sink: Sink<'_>) {
        let Some(data) = seal else { return };
        self.open(Open::Thinking, sink);
        sink(Event::BlockDelta(Delta::Seal(Seal { vendor: Vendor::Google, redacted: false, data })));
        self.close(sink);
    }

    fn open(&mut self, kind: Open, sink: Sink<'_>) {
        if self.open == kind {
            return;
        }
        self.close(sink);
        self.open = kind;
        self.text = Offsets::default();
        match kind {
            Open::None => {}
            Open::Text => sink(Event::BlockStart(BlockStart::Text)),
            Open::Thinking => sink(Event::BlockStart(BlockStart::Thinking)),
        }
    }

    fn close(&mut self, sink: Sink<'_>) {
        if std::mem::take(&mut self.open) != Open::None {
            sink(Event::BlockStop);
        }
    }

    /// What a chunk says of the text before it.
    fn about(&mut self, about: Option<About<'_>>, sink: Sink<'_>) {
        let Some(About { grounding, recited, logprobs }) = about else { return };
        let is_text = self.open == Open::Text;
        if let Some(logprobs) = logprobs {
            match is_text {
                true => sink(Event::BlockDelta(Delta::Logprobs(logprobs.decode()))),
                false => sink(lost("logprobsResult")),
            }
        }
        if let Some(grounding) = grounding {
            if grounding.search_entry_point.is_some() {
                sink(lost("groundingMetadata.searchEntryPoint"));
            }
            if grounding.web_search_queries.as_ref().is_some_and(|queries| !queries.is_empty()) {
                sink(lost("groundingMetadata.webSearchQueries"));
            }
            for citation in self.sources.decode(grounding, &self.text) {
                match citation.filter(|_| is_text) {
                    Some(citation) => sink(Event::BlockDelta(Delta::Citation(citation))),
                    None => sink(lost("groundingMetadata.groundingSupports")),
                }
            }
        }
        for citation in recited.map(|recited| recited.decode(&self.text)).unwrap_or_default() {
            match citation.filter(|_| is_text) {
                Some(citation) => sink(Event::BlockDelta(Delta::Citation(citation))),
                None => sink(lost("citationMetadata")),
            }
        }
    }
}

/// Makes ids for calls that have none.
struct Caller<'c> {
    response_id: &'c str,
    count: &'c mut u32,
}

impl Caller<'_> {
    /// A digest of what tells the call apart from all others: the answer, its place there, and what it says.
    fn id(&mut self, name: &str, input: &str) -> String {
        *self.count = self.count.saturating_add(1);
        let text = format!("{}\n{}\n{name}\n{input}", self.response_id, self.count);
        let digest = Sha256::digest(text.as_bytes());
        let digits = digest.iter().take(12).map(|byte| format!("{byte:02x}"));
        std::iter::once("call_".to_owned()).chain(digits).collect()
    }
}

fn lost(path: &'static str) -> Event<'static> {
    Event::Lost { path: path.into(), reason: "the client's format has no place for it" }
}

fn malformed(error: serde_json::Error) -> ResponseError {
    ResponseError::Malformed(error.to_string())
}

struct About<'e> {
    grounding: Option<Grounding<'e>>,
    recited: Option<Recited<'e>>,
    logprobs: Option<Logprobs>,
}

#[cfg(test)]
mod tests;
