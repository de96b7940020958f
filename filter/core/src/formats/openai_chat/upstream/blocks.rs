//! The blocks of a choice, put in a row out of what a provider mixes.

use std::collections::VecDeque;

use crate::{
    canonical::{BlockStart, Citation, Delta, Event, Seal},
    dialect::{ResponseError, Sink},
    json::{Cursor, Inside},
};

/// The blocks of one choice: what the provider mixes comes out one block after the other.
///
/// Everything but calls is one after the other anyway, so a block ends where another begins. Several calls may be told in
/// turns, by index: one that begins while the arguments of the open one are not complete waits, with all that is told of
/// it, until they are.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    open: Option<Open>,
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    /// Whether a block of the kind ever began.
    pub(super) any_call: bool,
    pub(super) any_refusal: bool,
}

/// Which block something belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Text,
    Refusal,
    Thinking,
    /// A call, by when it began.
    Call(usize),
}

#[derive(Debug)]
struct Open {
    key: Key,
    input: Input,
    sealed: bool,
}

#[derive(Debug)]
struct Waiting {
    key: Key,
    start: BlockStart<'static>,
    text: String,
    seal: Option<Seal<'static>>,
}

/// How far the arguments of a call are.
#[derive(Clone, Copy, Debug, Default)]
struct Input {
    begun: bool,
    inside: Inside,
}

/// The most that waits, in bytes.
const MAX_WAITING: usize = 4 << 20;

impl Blocks {
    /// More of a text, a refusal or reasoning. Nothing is no more.
    pub(super) fn tell(&mut self, key: Key, text: &str, sink: Sink<'_>) -> Result<(), ResponseError> {
        let start = match key {
            Key::Text => BlockStart::Text,
            Key::Refusal => BlockStart::Refusal,
            Key::Thinking => BlockStart::Thinking,
            // A call begins with its name.
            Key::Call(_) => return self.more(key, text, sink),
        };
        match text.is_empty() {
            true => Ok(()),
            false => {
                self.begin(key, start, sink);
                self.more(key, text, sink)
            }
        }
    }

    /// A call begins.
    pub(super) fn call(&mut self, call: usize, id: &str, name: &str, sink: Sink<'_>) {
        self.begin(Key::Call(call), BlockStart::ToolUse { id: id.into(), name: name.into() }, sink);
    }

    /// The seal of the reasoning that is being told; of one without words, where there is none.
    pub(super) fn seal(&mut self, seal: Seal<'_>, sink: Sink<'_>) {
        // Redacted reasoning has no words, so it is not the seal of those before.
        if seal.redacted && self.open.as_ref().is_some_and(|open| open.key == Key::Thinking) {
            self.close(sink);
        }
        self.begin(Key::Thinking, BlockStart::Thinking, sink);
        match self.waiting.iter_mut().rev().find(|waiting| waiting.key == Key::Thinking) {
            Some(waiting) => waiting.seal = Some(seal.into_owned()),
            None => {
                sink(Event::BlockDelta(Delta::Seal(seal)));
                if let Some(open) = &mut self.open {
                    open.sealed = true;
                }
            }
        }
    }

    /// Something that goes with the text being told; says whether there is one.
    pub(super) fn annotate(&mut self, delta: Delta<'_>, sink: Sink<'_>) -> bool {
        let is_text = self.open.as_ref().is_some_and(|open| open.key == Key::Text);
        if is_text {
            sink(Event::BlockDelta(delta));
        }
        is_text
    }

    /// Where something of the text comes from. Sources may be told before the text; says whether they have a place.
    pub(super) fn cite(&mut self, citation: Citation<'_>, sink: Sink<'_>) -> bool {
        if self.open.as_ref().is_none_or(|open| open.key == Key::Thinking) {
            self.begin(Key::Text, BlockStart::Text, sink);
        }
        self.annotate(Delta::Citation(citation), sink)
    }

    /// Nothing follows: all that is open or waits comes to its end.
    pub(super) fn end(&mut self, sink: Sink<'_>) {
        while self.next_waiting(sink) {}
        self.close(sink);
    }

    fn begin(&mut self, key: Key, start: BlockStart<'_>, sink: Sink<'_>) {
        self.any_call |= matches!(key, Key::Call(_));
        self.any_refusal |= key == Key::Refusal;
        if self.waiting.iter().any(|waiting| waiting.key == key) {
            return;
        }
        match &self.open {
            // What follows a seal is other reasoning.
            Some(open) if open.key == key && !open.sealed => {}
            Some(open) if matches!(open.key, Key::Call(_)) && !open.input.is_complete() => {
                let start = match start {
                    BlockStart::ToolUse { id, name } => {
                        BlockStart::ToolUse { id: id.into_owned().into(), name: name.into_owned().into() }
                    }
                    BlockStart::Text => BlockStart::Text,
                    BlockStart::Refusal => BlockStart::Refusal,
                    BlockStart::Thinking => BlockStart::Thinking,
                };
                self.waiting.push_back(Waiting { key, start, text: String::new(), seal: None });
            }
            _ => {
                self.close(sink);
                self.open(key, start, sink);
            }
        }
    }

    fn more(&mut self, key: Key, text: &str, sink: Sink<'_>) -> Result<(), ResponseError> {
        if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.key == key) {
            waiting.text.push_str(text);
            self.waiting_bytes = self.waiting_bytes.saturating_add(text.len());
            return if self.waiting_bytes > MAX_WAITING { Err(ResponseError::TooLarge) } else { Ok(()) };
        }
        // More of a call that is complete is nothing that could be said.
        if self.open.as_ref().is_some_and(|open| open.key == key) {
            self.write(text, sink);
            while self.is_complete() && self.next_waiting(sink) {}
        }
        Ok(())
    }

    /// Whether the open block is a call whose arguments are complete, or none.
    fn is_complete(&self) -> bool {
        self.open.as_ref().is_none_or(|open| !matches!(open.key, Key::Call(_)) || open.input.is_complete())
    }

    /// The first of those that wait takes the place of the open block.
    fn next_waiting(&mut self, sink: Sink<'_>) -> bool {
        let Some(Waiting { key, start, text, seal }) = self.waiting.pop_front() else { return false };
        self.close(sink);
        self.waiting_bytes = self.waiting_bytes.saturating_sub(text.len());
        self.open(key, start, sink);
        self.write(&text, sink);
        if let Some(seal) = seal {
            self.seal(seal, sink);
        }
        true
    }

    fn open(&mut self, key: Key, start: BlockStart<'_>, sink: Sink<'_>) {
        sink(Event::BlockStart(start));
        self.open = Some(Open { key, input: Input::default(), sealed: false });
    }

    fn write(&mut self, text: &str, sink: Sink<'_>) {
        let Some(open) = self.open.as_mut().filter(|_| !text.is_empty()) else { return };
        let delta = match open.key {
            Key::Text | Key::Refusal => Delta::Text(text.into()),
            Key::Thinking => Delta::Thinking(text.into()),
            Key::Call(_) => {
                open.input.read(text);
                Delta::Input(text.into())
            }
        };
        sink(Event::BlockDelta(delta));
    }

    fn close(&mut self, sink: Sink<'_>) {
        let Some(open) = self.open.take() else { return };
        // A call without arguments is one with an empty object.
        if matches!(open.key, Key::Call(_)) && !open.input.begun {
            sink(Event::BlockDelta(Delta::Input("{}".into())));
        }
        sink(Event::BlockStop);
    }
}

impl Input {
    /// Follows strings and brackets; whether it is JSON is for others to find out.
    fn read(&mut self, text: &str) {
        let mut cursor = Cursor::resume(text.as_bytes(), 0, self.inside);
        cursor.follow(|_| false);
        self.inside = cursor.inside();
        self.begun |= !text.trim().is_empty();
    }

    fn is_complete(self) -> bool {
        self.begun && self.inside.is_nothing()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::Vendor;

    /// What a sink saw, in short.
    fn seen(tell: impl FnOnce(&mut Blocks, Sink<'_>)) -> String {
        let mut out = String::new();
        let mut blocks = Blocks::default();
        let mut sink = |event: Event<'_>| {
            out.push_str(&match event {
                Event::BlockStart(BlockStart::ToolUse { name, .. }) => format!("<{name} "),
                Event::BlockStart(start) => format!("<{start:?} "),
                Event::BlockDelta(Delta::Seal(seal)) => format!("#{}", seal.data),
                Event::BlockDelta(Delta::Text(text) | Delta::Thinking(text) | Delta::Input(text)) => text.into_owned(),
                Event::BlockStop => ">".to_owned(),
                other => format!("{other:?}"),
            });
        };
        tell(&mut blocks, &mut sink);
        blocks.end(&mut sink);
        out
    }

    #[test]
    fn one_block_ends_where_another_begins() {
        let out = seen(|blocks, sink| {
            blocks.tell(Key::Thinking, "hm", sink).unwrap();
            blocks.tell(Key::Text, "", sink).unwrap();
            blocks.tell(Key::Text, "so", sink).unwrap();
            blocks.tell(Key::Text, " it", sink).unwrap();
            blocks.call(0, "a", "f", sink);
        });
        assert_eq!(out, "<Thinking hm><Text so it><f {}>");
    }

    #[test]
    fn calls_told_in_turns_come_one_after_the_other() {
        let out = seen(|blocks, sink| {
            blocks.call(0, "a", "f", sink);
            blocks.call(1, "b", "g", sink);
            for (call, text) in [(0, "{\"x\":"), (1, "{\"y\":\"}"), (0, "1"), (0, "}"), (1, "\""), (1, "}")] {
                blocks.tell(Key::Call(call), text, sink).unwrap();
            }
            blocks.tell(Key::Text, "done", sink).unwrap();
        });
        assert_eq!(out, r#"<f {"x":1}><g {"y":"}"}><Text done>"#);
    }

    #[test]
    fn a_seal_ends_its_reasoning() {
        let seal = |redacted| Seal { vendor: Vendor::Anthropic, redacted, data: "s".into() };
        let out = seen(|blocks, sink| {
            blocks.tell(Key::Thinking, "a", sink).unwrap();
            blocks.seal(seal(false), sink);
            blocks.seal(seal(true), sink);
            blocks.tell(Key::Thinking, "b", sink).unwrap();
            blocks.seal(seal(false), sink);
        });
        assert_eq!(out, "<Thinking a#s><Thinking #s><Thinking b#s>");
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut blocks = Blocks::default();
        let mut sink = |_: Event<'_>| {};
        blocks.call(0, "a", "f", &mut sink);
        blocks.call(1, "b", "g", &mut sink);
        let text = "x".repeat(MAX_WAITING);
        assert_eq!(blocks.tell(Key::Call(1), &text, &mut sink), Ok(()));
        assert_eq!(blocks.tell(Key::Call(1), "x", &mut sink), Err(ResponseError::TooLarge));
    }
}
