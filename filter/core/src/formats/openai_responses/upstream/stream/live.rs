//! The item whose events are given on as they come.

use std::borrow::Cow;

use super::super::item::{AnnotationWire, ItemWire, Kind, LogprobWire, PartWire, Place, give_logprobs, give_text};
use crate::{
    canonical::{BlockStart, Delta, Event},
    dialect::Sink,
};

/// The item whose events are given as they come, and how much of it was.
#[derive(Debug)]
pub(super) struct Live {
    /// Where it stands in the answer.
    pub(super) place: u64,
    /// Whether something of it was said to be complete.
    seems_complete: bool,
    content: Content,
}

/// What of the item was given. Parts and reasoning begin with their first words; a call has begun already.
#[derive(Debug)]
enum Content {
    Message(Option<Part>),
    Reasoning(Option<Reasoning>),
    /// Whether there were arguments.
    Call(bool),
}

/// The open part of a message; those before it are complete.
#[derive(Debug)]
struct Part {
    index: u64,
    is_refusal: bool,
    /// Whether there were words.
    words: bool,
    logprobs: bool,
    annotations: usize,
}

#[derive(Debug)]
struct Reasoning {
    shown: Shown,
    /// Its part last given.
    part: u64,
}

/// What is shown of reasoning. Of a provider that shows both, the first is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Summary,
    Itself,
}

impl Live {
    pub(super) fn new(place: u64, kind: Kind) -> Self {
        let content = match kind {
            Kind::Message => Content::Message(None),
            Kind::Reasoning => Content::Reasoning(None),
            Kind::Call => Content::Call(false),
        };
        Self { place, seems_complete: false, content }
    }

    /// Whether another may begin although the end of this one was not told.
    pub(super) fn seems_complete(&self) -> bool {
        self.seems_complete
    }

    /// A part of it is complete, and so may be all of it.
    pub(super) fn may_be_complete(&mut self) {
        self.seems_complete = true;
    }

    /// A part of a message begins.
    pub(super) fn open_part(&mut self, kind: &str, index: Option<u64>, sink: Sink<'_>) {
        match kind {
            "output_text" | "text" => drop(self.part(false, index, sink)),
            "refusal" => drop(self.part(true, index, sink)),
            _ => {}
        }
    }

    /// More words of a part of a message.
    pub(super) fn give_words(&mut self, is_refusal: bool, index: Option<u64>, text: Cow<'_, str>, sink: Sink<'_>) {
        if let Some(part) = self.part(is_refusal, index, sink) {
            part.words |= !text.is_empty();
            give_text(sink, Delta::Text, text);
        }
    }

    /// All words of a part of a message, for providers that give them only so.
    pub(super) fn give_all_words(&mut self, is_refusal: bool, index: Option<u64>, text: Cow<'_, str>, sink: Sink<'_>) {
        if let Some(part) = self.part(is_refusal, index, sink)
            && !part.words
        {
            part.words = !text.is_empty();
            give_text(sink, Delta::Text, text);
        }
        self.seems_complete = true;
    }

    /// The tokens of the words just given.
    pub(super) fn give_logprobs(&mut self, tokens: Option<Vec<LogprobWire<'_>>>, sink: Sink<'_>) {
        if let Content::Message(Some(part)) = &mut self.content
            && !part.is_refusal
        {
            part.logprobs |= give_logprobs(sink, tokens);
        }
    }

    pub(super) fn give_annotation(&mut self, annotation: AnnotationWire<'_>, sink: Sink<'_>) {
        if let Content::Message(Some(part)) = &mut self.content
            && !part.is_refusal
        {
            part.annotations = part.annotations.saturating_add(1);
            annotation.give(sink);
        }
    }

    /// More of what is shown of reasoning.
    pub(super) fn give_reasoning(&mut self, shown: Shown, index: Option<u64>, text: Cow<'_, str>, sink: Sink<'_>) {
        let Content::Reasoning(open) = &mut self.content else { return };
        if text.is_empty() {
            return;
        }
        match open {
            None => {
                *open = Some(Reasoning { shown, part: index.unwrap_or_default() });
                sink(Event::BlockStart(BlockStart::Thinking));
            }
            Some(open) if open.shown != shown => {
                let reason = "reasoning came with its summary, and one of them was taken";
                return sink(Event::Lost { path: "output.summary".into(), reason });
            }
            Some(open) => {
                let part = index.unwrap_or(open.part);
                if part != open.part {
                    open.part = part;
                    sink(Event::BlockDelta(Delta::Thinking("\n\n".into())));
                }
            }
        }
        sink(Event::BlockDelta(Delta::Thinking(text)));
    }

    /// More of a call's arguments.
    pub(super) fn give_input(&mut self, text: Cow<'_, str>, sink: Sink<'_>) {
        if let Content::Call(any) = &mut self.content {
            *any |= !text.is_empty();
            give_text(sink, Delta::Input, text);
        }
    }

    /// All of a call's arguments, for providers that give them only so.
    pub(super) fn give_all_input(&mut self, text: Cow<'_, str>, sink: Sink<'_>) {
        if matches!(self.content, Content::Call(false)) {
            self.give_input(text, sink);
        }
        self.seems_complete = true;
    }

    /// Gives what of the complete item was not given yet, and closes it.
    pub(super) fn complete(mut self, item: ItemWire<'_>, place: Place<'_>, sink: Sink<'_>) {
        if matches!(self.content, Content::Reasoning(None)) && item.kind() == Some(Kind::Reasoning) {
            return item.give(place, sink);
        }
        item.lose_rest(sink);
        match &mut self.content {
            Content::Message(open) if item.kind() == Some(Kind::Message) => {
                for (index, part) in (0_u64..).zip(item.content.unwrap_or_default()) {
                    match open {
                        Some(open) if index < open.index => {}
                        Some(open) if index == open.index => open.complete(part, sink),
                        _ => {
                            if open.take().is_some() {
                                sink(Event::BlockStop);
                            }
                            part.give(sink);
                        }
                    }
                }
            }
            Content::Reasoning(Some(_)) if item.kind() == Some(Kind::Reasoning) => {
                if let Some(seal) = item.seal(place) {
                    sink(Event::BlockDelta(Delta::Seal(seal)));
                }
            }
            Content::Call(false) if item.kind() == Some(Kind::Call) => self.give_input(item.input(), sink),
            Content::Message(_) | Content::Reasoning(_) | Content::Call(_) => {}
        }
        self.close(sink);
    }

    /// Closes what is open, as complete. A call without a word has no arguments, which is an empty object.
    pub(super) fn close(mut self, sink: Sink<'_>) {
        if matches!(self.content, Content::Call(false)) {
            self.give_input("{}".into(), sink);
        }
        self.cut_off(sink);
    }

    /// Closes what is open, as it is.
    pub(super) fn cut_off(self, sink: Sink<'_>) {
        match self.content {
            Content::Message(Some(_)) | Content::Reasoning(Some(_)) | Content::Call(_) => sink(Event::BlockStop),
            Content::Message(None) | Content::Reasoning(None) => {}
        }
    }

    /// The part of a message that an event is about, begun where it is a new one; `None` for one that is over.
    fn part(&mut self, is_refusal: bool, index: Option<u64>, sink: Sink<'_>) -> Option<&mut Part> {
        let Content::Message(open) = &mut self.content else { return None };
        let index = index.unwrap_or_else(|| open.as_ref().map_or(0, |open| open.index));
        if open.as_ref().is_some_and(|open| index < open.index) {
            return None;
        }
        if !open.as_ref().is_some_and(|open| index == open.index && is_refusal == open.is_refusal) {
            if open.is_some() {
                sink(Event::BlockStop);
            }
            let start = if is_refusal { BlockStart::Refusal } else { BlockStart::Text };
            sink(Event::BlockStart(start));
            *open = Some(Part { index, is_refusal, words: false, logprobs: false, annotations: 0 });
            self.seems_complete = false;
        }
        open.as_mut()
    }
}

impl Part {
    fn complete(&self, part: PartWire<'_>, sink: Sink<'_>) {
        if !self.words {
            let words = if self.is_refusal { part.refusal } else { part.text };
            give_text(sink, Delta::Text, words.unwrap_or_default().0);
        }
        if self.is_refusal {
            return;
        }
        if !self.logprobs {
            give_logprobs(sink, part.logprobs);
        }
        for annotation in part.annotations.unwrap_or_default().into_iter().skip(self.annotations) {
            annotation.give(sink);
        }
    }
}
