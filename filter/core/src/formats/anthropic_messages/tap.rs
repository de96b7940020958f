//! Usage and the end of a stream, read in passing.

use memchr::memmem;
use serde::Deserialize;

use super::usage::Figures;
use crate::dialect::{self, Frame, Sighting};

/// Watches the events of a streamed message for usage and its end, parsing only those that carry figures.
#[derive(Debug, Default)]
pub(super) struct Tap {
    figures: Figures,
    finished: bool,
    stopped: bool,
}

impl dialect::Tap for Tap {
    fn see(&mut self, Frame { name, data, .. }: Frame<'_>) -> Sighting {
        // Deltas are nearly all events. The name is trusted only to leave one unread: some gateways give none.
        if name == b"content_block_delta" || name == b"ping" {
            return Sighting::default();
        }
        if memmem::find(data, b"\"message").is_none() && memmem::find(data, b"\"error\"").is_none() {
            return Sighting::default();
        }
        let Ok(wire) = serde_json::from_slice::<Wire<'_>>(data) else { return Sighting::default() };
        match wire.r#type {
            "message_start" => self.figures.update(wire.message.and_then(|message| message.usage).unwrap_or_default()),
            "message_delta" => {
                self.finished |= wire.delta.and_then(|delta| delta.stop_reason).is_some();
                self.figures.update(wire.usage.unwrap_or_default());
            }
            // A provider may answer all at once in one event.
            "message" => {
                (self.finished, self.stopped) = (true, true);
                self.figures.update(wire.usage.unwrap_or_default());
            }
            "message_stop" => {
                self.stopped = true;
                return Sighting { terminal: self.finished, ..Sighting::default() };
            }
            "error" => return Sighting { failed: true, ..Sighting::default() },
            _ => return Sighting::default(),
        }
        Sighting { usage: self.figures.usage(), terminal: self.finished, ..Sighting::default() }
    }

    fn finished(&self) -> bool {
        self.finished
    }

    fn may_end(&self) -> bool {
        self.finished || self.stopped
    }
}

#[derive(Deserialize)]
struct Wire<'e> {
    r#type: &'e str,
    message: Option<Message>,
    delta: Option<Delta>,
    usage: Option<Figures>,
}

#[derive(Deserialize)]
struct Message {
    usage: Option<Figures>,
}

#[derive(Deserialize)]
struct Delta {
    stop_reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Tap as _;

    fn see(tap: &mut Tap, data: &str) -> Sighting {
        tap.see(Frame { name: b"", data: data.as_bytes(), is_exception: false })
    }

    #[test]
    fn figures_are_cumulative_and_final_with_the_reason() {
        let mut tap = Tap::default();
        let start = see(
            &mut tap,
            r#"{"type":"message_start","message":{"usage":{"input_tokens":10,"cache_read_input_tokens":5,"output_tokens":1}}}"#,
        );
        assert!(!start.terminal);
        let end =
            see(&mut tap, r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}"#);
        let usage = end.usage.unwrap();
        assert_eq!((usage.input, usage.cache_read, usage.output, end.terminal), (10, 5, 7, true));
        assert!(see(&mut tap, r#"{"type":"message_stop"}"#).terminal);
    }

    #[test]
    fn a_whole_message_may_come_as_one_event() {
        let mut tap = Tap::default();
        let all = see(
            &mut tap,
            r#"{"type":"message","content":[],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":2}}"#,
        );
        assert!(all.terminal && all.usage.is_some() && tap.may_end());
    }

    #[test]
    fn an_error_event_is_a_failure_and_a_word_in_a_text_is_not() {
        let text = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\"error\" \"message_stop\""}}"#;
        let mut tap = Tap::default();
        assert_eq!(see(&mut tap, text), Sighting::default());
        assert!(!tap.may_end());
        assert!(see(&mut tap, r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#).failed);
    }
}
