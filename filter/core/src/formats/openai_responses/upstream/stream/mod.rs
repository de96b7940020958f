//! A streamed answer of the provider, decoded.

mod live;
#[cfg(test)]
mod tests;

use serde::Deserialize;
use serde_json::value::RawValue;

use self::live::{Live, Shown};
use super::{
    failure::decode_failure,
    item::{AnnotationWire, Kind, LogprobWire, PartWire, Place},
    response::{ResponseWire, Said, decode_item, decode_response},
};
use crate::{
    canonical::Event,
    dialect::{DecodeStream, Frame, MAX_WHOLE, ResponseError, Sink},
    json::Text,
};

/// Decodes the events of a streamed response: <https://platform.openai.com/docs/api-reference/responses-streaming>.
///
/// Items come one after the other, each between its `output_item.added` and `.done`. Where a provider mixes them, the one
/// that began first is given as it comes and the others whole, once they are complete. What was never streamed is taken
/// from the last event, which has the whole response. Events of kinds unknown here are passed over.
#[derive(Debug, Default)]
pub(super) struct StreamDecoder {
    state: State,
    /// The id of the response, for ids that we make.
    response: String,
    said: Said,
    live: Option<Live>,
    /// Complete items that wait for the live one, by their place.
    held: Vec<(u64, Box<RawValue>)>,
    held_bytes: usize,
    /// The places of all items that were given or are.
    given: Vec<u64>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    AwaitingStart,
    Relaying,
    /// An error was told of. The response that failed may follow, with its figures.
    Failed(ResponseError),
    Ended,
}

/// Most items of one answer.
const MAX_ITEMS: usize = 1 << 12;

impl DecodeStream for StreamDecoder {
    /// The event's name stands in for a `type` that is left out of the data.
    fn decode(&mut self, frame: Frame<'_>, sink: Sink<'_>) -> Result<(), ResponseError> {
        // OpenRouter ends its responses as it ends its chats.
        if frame.data == b"[DONE]" || matches!(self.state, State::Ended) {
            return Ok(());
        }
        let event = match serde_json::from_slice::<EventWire<'_>>(frame.data) {
            Ok(event) => event,
            // An event of another kind may use our names for something else.
            Err(error) => {
                return match serde_json::from_slice::<Unknown<'_>>(frame.data) {
                    Ok(unknown) if !is_known(unknown.r#type.as_ref().map_or("", |kind| &kind.0)) => Ok(()),
                    _ => Err(ResponseError::Malformed(error.to_string())),
                };
            }
        };
        let name = std::str::from_utf8(frame.name).unwrap_or_default();
        let name = event.r#type.as_ref().map(|kind| kind.0.clone()).unwrap_or(name.into());
        if let State::Failed(failure) = &self.state {
            return match &*name {
                "response.failed" => {
                    let failure = failure.clone();
                    if let Some(response) = event.response.and_then(|raw| decode_object(raw).ok()) {
                        response.give_usage(sink);
                    }
                    Err(failure)
                }
                _ => Ok(()),
            };
        }
        match &*name {
            "response.created" | "response.queued" | "response.in_progress" => self.start(event.response, sink),
            "response.output_item.added" => self.begin(event, sink),
            "response.output_item.done" => self.complete(event, sink),
            "response.completed" | "response.incomplete" => self.end(event.response, sink),
            "response.failed" => Err(self.fail(event.response, sink)),
            "error" => {
                self.state = State::Failed(decode_failure(frame.data));
                Ok(())
            }
            "keepalive" => {
                sink(Event::Ping);
                Ok(())
            }
            // A provider may answer all at once in one event, or with a plain error.
            "" if event.object.as_ref().is_some_and(|object| object.0 == "response") => {
                self.state = State::Ended;
                decode_response(frame.data, sink)
            }
            "" if event.error.is_some() => Err(decode_failure(frame.data)),
            name => self.go_on(name, event, sink),
        }
    }

    fn finish(&mut self, sink: Sink<'_>) -> Result<(), ResponseError> {
        if let State::Failed(failure) = &self.state {
            return Err(failure.clone());
        }
        if let Some(live) = self.live.take() {
            live.cut_off(sink);
        }
        Ok(())
    }
}

impl StreamDecoder {
    fn start(&mut self, response: Option<&RawValue>, sink: Sink<'_>) -> Result<(), ResponseError> {
        if !matches!(self.state, State::AwaitingStart) {
            return Ok(());
        }
        self.state = State::Relaying;
        let response = response.map(decode_object).transpose()?;
        if let Some(response) = &response {
            response.id().clone_into(&mut self.response);
        }
        sink(Event::Start { model: response.and_then(|response| response.model).unwrap_or_default().0 });
        Ok(())
    }

    /// An item begins. Behind another it waits until it is complete, and so does a call whose name is not told yet.
    fn begin(&mut self, event: EventWire<'_>, sink: Sink<'_>) -> Result<(), ResponseError> {
        self.start(None, sink)?;
        let item = decode_item(event.item.ok_or_else(|| missing("item"))?)?;
        let place = event.output_index.unwrap_or_else(|| self.next_place());
        if self.live.as_ref().is_some_and(Live::seems_complete) {
            self.close_live(None, sink)?;
        }
        if self.live.is_some() || self.given.contains(&place) {
            return Ok(());
        }
        let Some(kind) = item.kind() else {
            self.note(place)?;
            item.lose(sink);
            return Ok(());
        };
        if kind == Kind::Call {
            if item.name.as_ref().is_none_or(|name| name.0.is_empty()) {
                return Ok(());
            }
            self.said.calls = true;
            sink(Event::BlockStart(item.call(Place { response: &self.response, index: place })));
        }
        self.note(place)?;
        self.live = Some(Live::new(place, kind));
        Ok(())
    }

    /// An item is complete: what of it was not given yet is given now.
    fn complete(&mut self, event: EventWire<'_>, sink: Sink<'_>) -> Result<(), ResponseError> {
        self.start(None, sink)?;
        let raw = event.item.ok_or_else(|| missing("item"))?;
        let live = self.live.as_ref().map(|live| live.place);
        let place = event.output_index.or(live).unwrap_or_else(|| self.next_place());
        if live == Some(place) {
            return self.close_live(Some(raw), sink);
        }
        if self.given.contains(&place) {
            return Ok(());
        }
        self.note(place)?;
        if live.is_none() {
            return self.give(place, raw, sink);
        }
        self.held_bytes = self.held_bytes.saturating_add(raw.get().len());
        if self.held_bytes > MAX_WHOLE {
            return Err(ResponseError::TooLarge);
        }
        self.held.push((place, raw.to_owned()));
        Ok(())
    }

    /// Some more of the live item.
    fn go_on(&mut self, name: &str, event: EventWire<'_>, sink: Sink<'_>) -> Result<(), ResponseError> {
        let kind = match name {
            "response.content_part.added"
            | "response.content_part.done"
            | "response.output_text.delta"
            | "response.output_text.done"
            | "response.output_text.annotation.added"
            | "response.refusal.delta"
            | "response.refusal.done" => Kind::Message,
            "response.reasoning_summary_part.added"
            | "response.reasoning_summary_text.delta"
            | "response.reasoning_summary_text.done"
            | "response.reasoning_text.delta"
            | "response.reasoning_text.done" => Kind::Reasoning,
            "response.function_call_arguments.delta" | "response.function_call_arguments.done" => Kind::Call,
            _ => return Ok(()),
        };
        self.start(None, sink)?;
        // Some begin with the text itself.
        let begins = matches!(name, "response.output_text.delta" | "response.reasoning_text.delta");
        if self.live.is_none() && begins {
            let place = event.output_index.unwrap_or_else(|| self.next_place());
            if self.given.contains(&place) {
                return Ok(());
            }
            self.note(place)?;
            self.live = Some(Live::new(place, kind));
        }
        self.said.refusals |= name.starts_with("response.refusal");
        let Some(live) = &mut self.live else { return Ok(()) };
        if event.output_index.is_some_and(|place| place != live.place) {
            return Ok(());
        }
        let part = event.content_index;
        let (delta, text) = (event.delta.unwrap_or_default().0, event.text.unwrap_or_default().0);
        match name {
            "response.content_part.added" => {
                if let Some(opened) = event.part {
                    live.open_part(&opened.r#type.0, part, sink);
                }
            }
            "response.output_text.delta" => {
                live.give_words(false, part, delta, sink);
                live.give_logprobs(event.logprobs, sink);
            }
            "response.output_text.done" => live.give_all_words(false, part, text, sink),
            "response.refusal.delta" => live.give_words(true, part, delta, sink),
            "response.refusal.done" => live.give_all_words(true, part, event.refusal.unwrap_or_default().0, sink),
            "response.output_text.annotation.added" => {
                if let Some(annotation) = event.annotation {
                    live.give_annotation(annotation, sink);
                }
            }
            "response.reasoning_summary_text.delta" => {
                live.give_reasoning(Shown::Summary, event.summary_index, delta, sink);
            }
            "response.reasoning_text.delta" => live.give_reasoning(Shown::Itself, part, delta, sink),
            "response.function_call_arguments.delta" => live.give_input(delta, sink),
            "response.function_call_arguments.done" => live.give_all_input(event.arguments.unwrap_or_default().0, sink),
            // The other ends of parts say nothing that the end of their item does not say.
            _ => live.may_be_complete(),
        }
        Ok(())
    }

    /// The response is complete, or cut short for a reason that it states.
    fn end(&mut self, response: Option<&RawValue>, sink: Sink<'_>) -> Result<(), ResponseError> {
        self.start(response, sink)?;
        let raw = response.ok_or_else(|| missing("response"))?;
        let response = decode_object(raw)?;
        if let Some(failure) = response.failure(raw.get().as_bytes()) {
            response.give_usage(sink);
            return Err(failure);
        }
        let output = response.output.as_deref().unwrap_or_default();
        let at = |place: u64| usize::try_from(place).ok().and_then(|place| output.get(place).copied());
        let live = self.live.as_ref().map(|live| live.place);
        self.close_live(live.and_then(at), sink)?;
        // Some number their items otherwise than in their order: only where some are missing is it to be trusted.
        if self.given.len() < output.len() {
            for (place, item) in (0_u64..).zip(output) {
                if !self.given.contains(&place) {
                    self.give(place, item, sink)?;
                }
            }
        }
        self.state = State::Ended;
        sink(Event::Finish(response.reason(self.said).into()));
        response.give_usage(sink);
        sink(Event::End);
        Ok(())
    }

    fn fail(&mut self, response: Option<&RawValue>, sink: Sink<'_>) -> ResponseError {
        let Some(raw) = response else { return missing("response") };
        if let Ok(response) = decode_object(raw) {
            response.give_usage(sink);
        }
        decode_failure(raw.get().as_bytes())
    }

    /// Ends the live item, with what its whole has beyond what was given, and gives those that waited for it.
    fn close_live(&mut self, whole: Option<&RawValue>, sink: Sink<'_>) -> Result<(), ResponseError> {
        if let Some(live) = self.live.take() {
            match whole.map(decode_item).transpose()? {
                Some(item) => {
                    self.said.note(&item);
                    let place = Place { response: &self.response, index: live.place };
                    live.complete(item, place, sink);
                }
                None => live.close(sink),
            }
        }
        self.held_bytes = 0;
        let mut held = std::mem::take(&mut self.held);
        held.sort_by_key(|(place, _)| *place);
        for (place, item) in held {
            self.give(place, &item, sink)?;
        }
        Ok(())
    }

    fn give(&mut self, place: u64, item: &RawValue, sink: Sink<'_>) -> Result<(), ResponseError> {
        let item = decode_item(item)?;
        self.said.note(&item);
        item.give(Place { response: &self.response, index: place }, sink);
        Ok(())
    }

    /// Remembers that an item was given, or is.
    fn note(&mut self, place: u64) -> Result<(), ResponseError> {
        if self.given.len() >= MAX_ITEMS {
            return Err(ResponseError::TooLarge);
        }
        self.given.push(place);
        Ok(())
    }

    /// Where an item stands that does not say so.
    fn next_place(&self) -> u64 {
        self.given.iter().max().map_or(0, |last| last.saturating_add(1))
    }
}

/// Whether events of this kind are read here.
fn is_known(name: &str) -> bool {
    const PREFIXES: [&str; 6] = [
        "response.output_",
        "response.content_part",
        "response.reasoning_",
        "response.refusal",
        "response.function_call_arguments",
        "error",
    ];
    const NAMES: [&str; 6] = [
        "response.created",
        "response.queued",
        "response.in_progress",
        "response.completed",
        "response.incomplete",
        "response.failed",
    ];
    name.is_empty() || NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn decode_object(raw: &RawValue) -> Result<ResponseWire<'_>, ResponseError> {
    serde_json::from_str(raw.get()).map_err(|error| ResponseError::Malformed(format!("a response: {error}")))
}

fn missing(member: &str) -> ResponseError {
    ResponseError::Malformed(format!("an event without {member}"))
}

#[derive(Deserialize)]
struct EventWire<'e> {
    #[serde(borrow)]
    r#type: Option<Text<'e>>,
    #[serde(borrow)]
    object: Option<Text<'e>>,
    #[serde(borrow)]
    response: Option<&'e RawValue>,
    output_index: Option<u64>,
    content_index: Option<u64>,
    summary_index: Option<u64>,
    #[serde(borrow)]
    item: Option<&'e RawValue>,
    #[serde(borrow)]
    part: Option<PartWire<'e>>,
    #[serde(borrow)]
    delta: Option<Text<'e>>,
    #[serde(borrow)]
    text: Option<Text<'e>>,
    #[serde(borrow)]
    refusal: Option<Text<'e>>,
    #[serde(borrow)]
    arguments: Option<Text<'e>>,
    #[serde(borrow)]
    annotation: Option<AnnotationWire<'e>>,
    #[serde(borrow)]
    logprobs: Option<Vec<LogprobWire<'e>>>,
    #[serde(borrow)]
    error: Option<&'e RawValue>,
}

#[derive(Deserialize)]
struct Unknown<'e> {
    #[serde(borrow)]
    r#type: Option<Text<'e>>,
}
