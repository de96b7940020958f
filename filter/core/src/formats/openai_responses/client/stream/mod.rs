//! A streamed answer for the client.

#[cfg(test)]
mod tests;

use super::{
    event::{
        AnnotationEvent, DeltaEvent, DoneEvent, ErrorEvent, ErrorWire, ItemEvent, PartEvent, Place, ResponseEvent,
        SummaryEvent, Whole, Writer,
    },
    object::{Head, Outcome, incompleteness},
    output::{Annotation, Content, Item, Logprobs, Part, Status, SummaryWire, TextPart, ending},
    response::declare_ending,
};
use crate::{
    canonical::{BlockStart, Delta, Event, FinishReason, Losses, Usage},
    dialect::{ClientError, EncodeStream, MAX_WHOLE, ResponseError, Translation},
};

/// Encodes the events of an answer as those of a response:
/// <https://platform.openai.com/docs/api-reference/responses-streaming>.
///
/// The events that close a part, an item and the response repeat all that was said. So the answer is kept, up to
/// [`MAX_WHOLE`] bytes: an exception to the small state of streams that the format forces.
#[derive(Debug)]
pub(super) struct StreamEncoder {
    head: Head,
    state: State,
    writer: Writer,
    /// All items, the last of which may be open.
    output: Vec<Item>,
    /// How many bytes `output` holds, about.
    kept: usize,
    finish: FinishReason,
    usage: Option<Usage>,
}

/// What the client has got, and so what may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing yet.
    AwaitingStart,
    /// The beginning of the response, and no item that is open.
    Between,
    /// The beginning of the last item; its blocks so far are complete.
    InItem,
    /// The beginning of the last item and of its last block.
    InBlock,
    /// The last event.
    Ended,
}

impl StreamEncoder {
    pub(super) fn new(translation: &Translation<'_>) -> Self {
        Self {
            head: Head::new(translation),
            state: State::AwaitingStart,
            writer: Writer::default(),
            output: Vec::new(),
            kept: 0,
            finish: FinishReason::Stop,
            usage: None,
        }
    }
}

impl EncodeStream for StreamEncoder {
    fn encode(&mut self, event: &Event<'_>, out: &mut Vec<u8>, losses: &mut Losses) {
        match (self.state, event) {
            (State::Ended, _) | (_, Event::Choice(_) | Event::Lost { .. }) => {}
            // A comment, which clients ignore and idle timeouts do not.
            (_, Event::Ping) => out.extend_from_slice(b": ping\n\n"),
            (_, Event::Usage { usage, .. }) => self.usage = Some(*usage),
            (State::AwaitingStart, Event::Start { model }) => {
                self.head.answered_by(model);
                self.open(out);
            }
            (State::AwaitingStart, _) => {
                self.open(out);
                self.encode(event, out, losses);
            }
            (_, Event::BlockStart(start)) => self.start_block(start, out),
            (State::InBlock, Event::BlockDelta(delta)) => self.continue_block(delta, out, losses),
            (State::InBlock, Event::BlockStop) => self.stop_block(out),
            (_, Event::Start { .. } | Event::BlockDelta(_) | Event::BlockStop) => {}
            (_, Event::Finish(finish)) => {
                self.finish = finish.reason;
                declare_ending(finish.reason, losses);
            }
            (_, Event::End) => self.end(out),
        }
    }

    /// `error`, then `response.failed`, as OpenAI ends a response that breaks: the official clients raise an exception on
    /// an event that has a member `error` (`_streaming.py` of openai-python, `streaming.ts` of openai-node).
    fn fail(&mut self, error: &ClientError<'_>, out: &mut Vec<u8>) {
        match self.state {
            State::AwaitingStart => self.open(out),
            // An answer beyond the bound has failed already.
            State::Ended => return,
            State::Between | State::InItem | State::InBlock => {}
        }
        // Words so far are kept; a call that is cut off must not look like one to be made.
        match self.output.last() {
            Some(Item { content: Content::Call { .. }, .. }) if self.state != State::Between => drop(self.output.pop()),
            _ => self.close_item(Status::Incomplete, out),
        }
        let ClientError { status, kind, code, message, param } = *error;
        let inner = ErrorWire { r#type: kind, code, message, param };
        self.writer.write("error", &ErrorEvent { code: code.or(Some(kind)), message, param, error: inner }, out);
        // The codes of a failed response are a closed list.
        let code = match status {
            429 => "rate_limit_exceeded",
            400..=499 => "invalid_prompt",
            _ => "server_error",
        };
        self.send_response("response.failed", Outcome::Failed { code, message }, out);
        self.state = State::Ended;
    }
}

impl StreamEncoder {
    fn open(&mut self, out: &mut Vec<u8>) {
        self.state = State::Between;
        self.send_response("response.created", Outcome::InProgress, out);
        self.send_response("response.in_progress", Outcome::InProgress, out);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        let reason = ending(self.finish, &self.output);
        let (status, name) = match incompleteness(reason) {
            Some(_) => (Status::Incomplete, "response.incomplete"),
            None => (Status::Completed, "response.completed"),
        };
        self.close_item(status, out);
        self.send_response(name, Outcome::Ended(reason), out);
        self.state = State::Ended;
    }

    fn send_response(&mut self, name: &'static str, outcome: Outcome<'_>, out: &mut Vec<u8>) {
        let object = self.head.object(&self.output, outcome, self.usage.as_ref());
        self.writer.write(name, &ResponseEvent { response: &object }, out);
    }

    /// An item stays open after its last block: another may join it, and only the end tells whether it was cut off.
    fn start_block(&mut self, start: &BlockStart<'_>, out: &mut Vec<u8>) {
        self.stop_block(out);
        if self.state != State::InItem || !self.output.last().is_some_and(|item| item.takes(start)) {
            self.close_item(Status::Completed, out);
            self.output.push(Item::new(start, self.head.exchange(), self.output.len()));
            self.send_item("response.output_item.added", out);
        }
        self.state = State::InBlock;
        let output_index = self.last_index();
        let Some(item) = self.output.last_mut() else { return };
        item.begin_part(start);
        let Content::Message(parts) = &item.content else { return };
        let Some((part, earlier)) = parts.split_last() else { return };
        let place = Place::of(item, output_index).in_part(earlier.len());
        self.writer.write("response.content_part.added", &PartEvent { place, part }, out);
    }

    fn continue_block(&mut self, delta: &Delta<'_>, out: &mut Vec<u8>, losses: &mut Losses) {
        self.kept = self.kept.saturating_add(weight(delta));
        if self.kept > MAX_WHOLE {
            let message = ResponseError::TooLarge.to_string();
            let error = ClientError { status: 502, kind: "api_error", code: None, message: &message, param: None };
            return self.fail(&error, out);
        }
        let output_index = self.last_index();
        let Some(item) = self.output.last_mut() else { return };
        if let Delta::Seal(seal) = delta {
            return item.seal(seal);
        }
        if let Delta::Thinking(more) = delta {
            return self.add_thinking(more, out);
        }
        let Item { id, content, .. } = item;
        let place = Place { item_id: id, output_index, content_index: None, summary_index: None };
        match (content, delta) {
            (Content::Message(parts), delta) => {
                let index = parts.len().saturating_sub(1);
                let Some(part) = parts.last_mut() else { return };
                add_to_part(&mut self.writer, part, place.in_part(index), delta, out, losses);
            }
            (Content::Call { arguments, .. }, Delta::Input(more)) => {
                arguments.push_str(more);
                let event = DeltaEvent { place, delta: more, logprobs: None };
                self.writer.write("response.function_call_arguments.delta", &event, out);
            }
            _ => {}
        }
    }

    /// A summary has a part only where it has words.
    fn add_thinking(&mut self, more: &str, out: &mut Vec<u8>) {
        if more.is_empty() {
            return;
        }
        let output_index = self.last_index();
        let Some(Item { id, content: Content::Reasoning { summary, .. }, .. }) = self.output.last_mut() else { return };
        let place = Place { item_id: id, output_index, content_index: None, summary_index: Some(0) };
        if summary.is_empty() {
            let event = SummaryEvent { place, part: SummaryWire::new("") };
            self.writer.write("response.reasoning_summary_part.added", &event, out);
        }
        summary.push_str(more);
        let event = DeltaEvent { place, delta: more, logprobs: None };
        self.writer.write("response.reasoning_summary_text.delta", &event, out);
    }

    fn stop_block(&mut self, out: &mut Vec<u8>) {
        if self.state != State::InBlock {
            return;
        }
        self.state = State::InItem;
        let output_index = self.last_index();
        // A call without a word has no arguments, which is an empty object.
        if let Some(Item { id, content: Content::Call { arguments, .. }, .. }) = self.output.last_mut()
            && arguments.is_empty()
        {
            arguments.push_str("{}");
            let place = Place { item_id: id, output_index, content_index: None, summary_index: None };
            let event = DeltaEvent { place, delta: "{}", logprobs: None };
            self.writer.write("response.function_call_arguments.delta", &event, out);
        }
        if let Some(Item { id, content: Content::Message(parts), .. }) = self.output.last_mut() {
            let content_index = Some(parts.len().saturating_sub(1));
            let place = Place { item_id: id, output_index, content_index, summary_index: None };
            if let Some(Part::Text(part)) = parts.last_mut() {
                for annotation in part.place_pending() {
                    annotate(&mut self.writer, part, place, annotation, out);
                }
            }
        }
        let Some(item) = self.output.last() else { return };
        let (writer, place) = (&mut self.writer, Place::of(item, output_index));
        match &item.content {
            Content::Reasoning { summary, .. } if summary.is_empty() => {}
            Content::Reasoning { summary, .. } => {
                let place = place.in_summary();
                let whole = Whole::Summary { text: summary };
                writer.write("response.reasoning_summary_text.done", &DoneEvent { place, whole }, out);
                let part = SummaryWire::new(summary);
                writer.write("response.reasoning_summary_part.done", &SummaryEvent { place, part }, out);
            }
            Content::Message(parts) => {
                let Some((part, earlier)) = parts.split_last() else { return };
                let place = place.in_part(earlier.len());
                let (name, whole) = match part {
                    Part::Text(part) => {
                        let logprobs = Logprobs(&part.logprobs);
                        ("response.output_text.done", Whole::Text { text: &part.text, logprobs })
                    }
                    Part::Refusal(refusal) => ("response.refusal.done", Whole::Refusal { refusal }),
                };
                writer.write(name, &DoneEvent { place, whole }, out);
                writer.write("response.content_part.done", &PartEvent { place, part }, out);
            }
            Content::Call { arguments, .. } => {
                let whole = Whole::Arguments { arguments };
                writer.write("response.function_call_arguments.done", &DoneEvent { place, whole }, out);
            }
        }
    }

    fn close_item(&mut self, status: Status, out: &mut Vec<u8>) {
        self.stop_block(out);
        if self.state != State::InItem {
            return;
        }
        self.state = State::Between;
        if let Some(item) = self.output.last_mut() {
            item.status = status;
        }
        self.send_item("response.output_item.done", out);
    }

    fn send_item(&mut self, name: &'static str, out: &mut Vec<u8>) {
        let output_index = self.last_index();
        if let Some(item) = self.output.last() {
            self.writer.write(name, &ItemEvent { output_index, item }, out);
        }
    }

    fn last_index(&self) -> usize {
        self.output.len().saturating_sub(1)
    }
}

fn add_to_part(
    writer: &mut Writer,
    part: &mut Part,
    place: Place<'_>,
    delta: &Delta<'_>,
    out: &mut Vec<u8>,
    losses: &mut Losses,
) {
    match (part, delta) {
        (Part::Text(part), Delta::Text(more)) => {
            part.push(more);
            let event = DeltaEvent { place, delta: more, logprobs: Some(Logprobs(&[])) };
            writer.write("response.output_text.delta", &event, out);
        }
        (Part::Text(part), Delta::Logprobs(tokens)) => {
            // They come after their text, which has gone out already.
            let event = DeltaEvent { place, delta: "", logprobs: Some(Logprobs(tokens)) };
            writer.write("response.output_text.delta", &event, out);
            part.logprobs.extend_from_slice(tokens);
        }
        (Part::Text(part), Delta::Citation(citation)) => {
            let Some(annotation) = Annotation::new(citation, part.characters, losses) else { return };
            match citation.span {
                Some(_) => annotate(writer, part, place, annotation, out),
                // Anthropic cites before it speaks.
                None => part.pending.push(annotation),
            }
        }
        (Part::Refusal(refusal), Delta::Text(more)) => {
            refusal.push_str(more);
            let event = DeltaEvent { place, delta: more, logprobs: None };
            writer.write("response.refusal.delta", &event, out);
        }
        _ => {}
    }
}

fn annotate(writer: &mut Writer, part: &mut TextPart, place: Place<'_>, annotation: Annotation, out: &mut Vec<u8>) {
    let event = AnnotationEvent { place, annotation_index: part.annotations.len(), annotation: &annotation };
    writer.write("response.output_text.annotation.added", &event, out);
    part.annotations.push(annotation);
}

/// How many bytes of the answer a delta adds to what is kept, about.
fn weight(delta: &Delta<'_>) -> usize {
    match delta {
        Delta::Text(text) | Delta::Thinking(text) | Delta::Input(text) => text.len(),
        Delta::Seal(seal) => seal.data.len(),
        Delta::Citation(citation) => {
            let texts = [&citation.url, &citation.title].into_iter().flatten();
            texts.fold(128, |sum, text| text.len().saturating_add(sum))
        }
        Delta::Logprobs(tokens) => tokens
            .iter()
            .fold(0, |sum, token| token.top.len().saturating_mul(64).saturating_add(sum).saturating_add(64)),
    }
}
