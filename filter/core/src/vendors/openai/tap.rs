//! Usage and the end of a stream of chats or completions, read in passing.

use memchr::memmem;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::usage::decode_usage;
use crate::dialect::{self, Frame, Sighting};

/// Watches the events of a stream, of chats or legacy completions, for usage and its end, parsing only those that carry figures.
#[derive(Debug, Default)]
pub(crate) struct Tap {
    finished: bool,
    done: bool,
}

impl dialect::Tap for Tap {
    fn see(&mut self, Frame { data, .. }: Frame<'_>) -> Sighting {
        if data.trim_ascii() == b"[DONE]" {
            self.done = true;
            return Sighting { terminal: self.finished, ..Sighting::default() };
        }
        // Some providers state running figures in each event: only those with or after the finish reason are final.
        self.finished |= has_value(data, b"\"finish_reason\"");
        if !has_value(data, b"\"usage\"") && !has_value(data, b"\"error\"") {
            return Sighting::default();
        }
        let Ok(chunk) = serde_json::from_slice::<Chunk<'_>>(data) else { return Sighting::default() };
        let decode = |usage: Option<&RawValue>| usage.and_then(|usage| decode_usage(usage.get().as_bytes()));
        let added = decode(chunk.usage);
        let usage = added.or_else(|| decode(chunk.x_groq.and_then(|own| own.usage)));
        let choiceless = chunk.choices.as_ref().is_some_and(Vec::is_empty);
        Sighting {
            usage,
            terminal: usage.is_some() && (choiceless || self.finished),
            usage_only: added.is_some() && choiceless,
            failed: chunk.error.is_some() && chunk.choices.is_none(),
        }
    }

    /// A finish reason was seen, or `[DONE]`.
    fn may_end(&self) -> bool {
        self.finished || self.done
    }

    fn finished(&self) -> bool {
        self.finished
    }
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<IgnoredAny>,
    #[serde(default)]
    choices: Option<Vec<IgnoredAny>>,
    /// Where Groq puts the figures of a stream unasked: <https://console.groq.com/docs/api-reference>.
    #[serde(borrow, default)]
    x_groq: Option<Groq<'a>>,
}

#[derive(Deserialize)]
struct Groq<'a> {
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
}

/// Whether `key` (in its quotes) occurs with a value other than `null`. A key inside a string has its quotes escaped, so
/// it cannot be mistaken for one.
fn has_value(data: &[u8], key: &[u8]) -> bool {
    memmem::find_iter(data, key).any(|at| {
        let rest = data.get(at.saturating_add(key.len())..).unwrap_or_default().trim_ascii_start();
        rest.strip_prefix(b":").is_some_and(|value| !value.trim_ascii_start().starts_with(b"null"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Tap as _;

    fn frame(data: &[u8]) -> Frame<'_> {
        Frame { name: b"", data, is_exception: false }
    }

    #[test]
    fn ignores_events_without_figures() {
        let mut tap = Tap::default();
        let sighting = tap
            .see(frame(br#"{"choices":[{"delta":{"content":"say \"usage\": 1"},"finish_reason":null}],"usage":null}"#));
        assert_eq!(sighting, Sighting::default());
        assert!(!tap.finished());
    }

    #[test]
    fn an_error_in_a_stream_is_a_failure_and_the_word_alone_is_not() {
        assert!(Tap::default().see(frame(br#"{"error":{"message":"overloaded"}}"#)).failed);
        assert!(!Tap::default().see(frame(br#"{"choices":[{"delta":{"error":{"a":1}}}],"error":null}"#)).failed);
        assert!(!Tap::default().see(frame(br#"{"choices":[{"delta":{"content":"\"error\": 1"}}]}"#)).failed);
    }

    #[test]
    fn tells_the_added_event_from_a_last_choice_with_usage() {
        let usage = r#""usage":{"prompt_tokens":3,"completion_tokens":2}"#;
        let mut tap = Tap::default();
        let last =
            tap.see(frame(format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":"stop"}}],{usage}}}"#).as_bytes()));
        assert!(last.terminal && !last.usage_only && last.usage.is_some());
        let added = Tap::default().see(frame(format!(r#"{{"model":"m","choices":[],{usage}}}"#).as_bytes()));
        assert!(added.terminal && added.usage_only);
    }

    #[test]
    fn running_figures_are_terminal_only_from_the_finish_reason_on() {
        let event = |finish: &str, output: u64| {
            format!(
                r#"{{"choices":[{{"delta":{{"content":"x"}},"finish_reason":{finish}}}],"usage":{{"prompt_tokens":3,"completion_tokens":{output}}}}}"#
            )
        };
        let mut tap = Tap::default();
        assert!(!tap.see(frame(event("null", 1).as_bytes())).terminal);
        assert!(tap.see(frame(event("\"stop\"", 2).as_bytes())).terminal);
    }
}
