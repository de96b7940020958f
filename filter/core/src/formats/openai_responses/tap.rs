//! Usage and the end of a stream, read in passing.

use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::usage::decode_usage;
use crate::{
    dialect::{self, Frame, Sighting},
    json::Text,
};

/// Watches the events of a response for its last one, parsing no other.
#[derive(Debug, Default)]
pub(super) struct Tap {
    state: State,
}

/// How far the response is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// It goes on.
    #[default]
    Relaying,
    /// It is complete, or cut short for a reason that was said.
    Finished,
    /// It broke.
    Failed,
}

/// The events that end a response, and the error that comes before `response.failed` or in its place
/// (<https://platform.openai.com/docs/api-reference/responses-streaming>).
const ENDS: [&str; 4] = ["response.completed", "response.incomplete", "response.failed", "error"];

impl dialect::Tap for Tap {
    fn see(&mut self, frame: Frame<'_>) -> Sighting {
        if !may_be_an_end(&frame) {
            return Sighting::default();
        }
        let Ok(event) = serde_json::from_slice::<EndWire<'_>>(frame.data) else { return Sighting::default() };
        let name = std::str::from_utf8(frame.name).unwrap_or_default();
        let usage = event.response.and_then(|response| response.usage);
        let usage = usage.and_then(|usage| decode_usage(usage.get().as_bytes()));
        match event.r#type.as_ref().map_or(name, |kind| &*kind.0) {
            "response.completed" | "response.incomplete" => {
                self.state = State::Finished;
                Sighting { usage, terminal: usage.is_some(), ..Sighting::default() }
            }
            "response.failed" | "error" => {
                self.state = State::Failed;
                Sighting { usage, terminal: usage.is_some(), failed: true, ..Sighting::default() }
            }
            _ => Sighting::default(),
        }
    }

    fn finished(&self) -> bool {
        self.state == State::Finished
    }

    fn may_end(&self) -> bool {
        self.state != State::Relaying
    }
}

/// By the event's name; some providers leave that out, and then by the word in quotes: inside of a text those would be
/// escaped.
fn may_be_an_end(frame: &Frame<'_>) -> bool {
    if !frame.name.is_empty() {
        return ENDS.iter().any(|end| end.as_bytes() == frame.name);
    }
    memmem::find(frame.data, b"\"response.completed\"").is_some()
        || memmem::find(frame.data, b"\"response.incomplete\"").is_some()
        || memmem::find(frame.data, b"\"response.failed\"").is_some()
        || memmem::find(frame.data, b"\"error\"").is_some()
}

#[derive(Deserialize)]
struct EndWire<'e> {
    #[serde(borrow)]
    r#type: Option<Text<'e>>,
    #[serde(borrow)]
    response: Option<ResponseWire<'e>>,
}

#[derive(Deserialize)]
struct ResponseWire<'e> {
    #[serde(borrow)]
    usage: Option<&'e RawValue>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{canonical::Usage, dialect::Tap as _};

    fn frame<'f>(name: &'f str, data: &'f str) -> Frame<'f> {
        Frame { name: name.as_bytes(), data: data.as_bytes(), is_exception: false }
    }

    fn ending(kind: &str) -> String {
        format!(r#"{{"type":"{kind}","response":{{"usage":{{"input_tokens":3,"output_tokens":2}}}}}}"#)
    }

    #[test]
    fn every_ending_states_its_figures() {
        let usage = Some(Usage { input: 3, output: 2, ..Usage::default() });
        for (kind, failed) in [("completed", false), ("incomplete", false), ("failed", true)] {
            let kind = format!("response.{kind}");
            for name in [&*kind, ""] {
                let mut tap = Tap::default();
                assert!(!tap.may_end());
                let sighting = tap.see(frame(name, &ending(&kind)));
                assert_eq!(sighting, Sighting { usage, terminal: true, usage_only: false, failed });
                assert_eq!((tap.may_end(), tap.finished()), (true, !failed));
            }
        }
    }

    #[test]
    fn the_words_of_a_text_are_no_ending() {
        let mut tap = Tap::default();
        let text = r#"{"type":"response.output_text.delta","delta":"{\"type\":\"response.completed\",\"error\":1}"}"#;
        assert_eq!(tap.see(frame("", text)), Sighting::default());
        let created = r#"{"type":"response.created","response":{"error":null,"usage":null}}"#;
        assert_eq!(tap.see(frame("", created)), Sighting::default());
        assert!(!tap.may_end());
    }

    #[test]
    fn an_ending_without_figures_is_an_ending() {
        let mut tap = Tap::default();
        let sighting =
            tap.see(frame("response.completed", r#"{"type":"response.completed","response":{"usage":null}}"#));
        assert_eq!(sighting, Sighting::default());
        assert!(tap.finished());
        let mut tap = Tap::default();
        assert!(tap.see(frame("error", r#"{"type":"error","error":{"message":"m"}}"#)).failed);
        assert!(tap.may_end() && !tap.finished());
    }
}
