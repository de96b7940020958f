use memchr::memmem;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::decode_usage;
use crate::{canonical::Usage, json::Text};

/// Watches the events of a chat stream for usage and its end, parsing only those that carry figures.
#[derive(Debug, Default)]
pub(in crate::formats) struct Tap {
    finished: bool,
}

/// What one event was.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::formats) struct Verdict {
    /// Its figures, which replace earlier ones.
    pub(in crate::formats) usage: Option<Usage>,
    /// Whether the figures are the last ones, or those seen before were.
    pub(in crate::formats) terminal: bool,
    /// Whether it has usage and no choice: the event that `include_usage` adds at the end.
    pub(in crate::formats) usage_only: bool,
    /// The model, read only where figures are.
    pub(in crate::formats) model: Option<String>,
    /// Bytes of text, reasoning and arguments in it, escapes included.
    pub(in crate::formats) output_bytes: u64,
}

impl Tap {
    /// Looks at the data of the next event.
    pub(in crate::formats) fn see(&mut self, data: &[u8]) -> Verdict {
        if data.trim_ascii() == b"[DONE]" {
            return Verdict { terminal: self.finished, ..Verdict::default() };
        }
        let output_bytes = output_bytes(data);
        // Some providers state running figures in each event: only those with or after the finish reason are final.
        self.finished |= has_value(data, b"\"finish_reason\"");
        if !has_value(data, b"\"usage\"") {
            return Verdict { output_bytes, ..Verdict::default() };
        }
        let Ok(chunk) = serde_json::from_slice::<Chunk<'_>>(data) else {
            return Verdict { output_bytes, ..Verdict::default() };
        };
        let decode = |usage: Option<&RawValue>| usage.and_then(|usage| decode_usage(usage.get().as_bytes()));
        let added = decode(chunk.usage);
        let usage = added.or_else(|| decode(chunk.x_groq.and_then(|own| own.usage)));
        let choiceless = chunk.choices.is_some_and(|choices| choices.is_empty());
        Verdict {
            usage,
            terminal: usage.is_some() && (choiceless || self.finished),
            usage_only: added.is_some() && choiceless,
            model: chunk.model.map(|model| model.0.into_owned()),
            output_bytes,
        }
    }

    /// Whether a finish reason was seen.
    pub(in crate::formats) fn finished(&self) -> bool {
        self.finished
    }
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    model: Option<Text<'a>>,
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

/// The lengths of the strings under keys that end in `content`, `reasoning` or `arguments`.
fn output_bytes(data: &[u8]) -> u64 {
    let keys: [&[u8]; 3] = [b"content\"", b"reasoning\"", b"arguments\""];
    let lengths = keys.iter().flat_map(|key| {
        memmem::find_iter(data, key).filter_map(|at| {
            let rest = data.get(at.saturating_add(key.len())..)?.trim_ascii_start();
            let text = rest.strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"\"")?;
            Some(string_length(text))
        })
    });
    lengths.fold(0, |sum, length| sum.saturating_add(u64::try_from(length).unwrap_or(u64::MAX)))
}

/// Up to the quote that ends the string, which is none after an odd number of backslashes.
fn string_length(text: &[u8]) -> usize {
    let mut escaped = false;
    let end = text.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    end.unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignores_events_without_figures() {
        let mut tap = Tap::default();
        let verdict =
            tap.see(br#"{"choices":[{"delta":{"content":"say \"usage\": 1"},"finish_reason":null}],"usage":null}"#);
        assert_eq!(verdict, Verdict { output_bytes: 16, ..Verdict::default() });
        assert!(!tap.finished());
    }

    #[test]
    fn tells_the_added_event_from_a_last_choice_with_usage() {
        let usage = r#""usage":{"prompt_tokens":3,"completion_tokens":2}"#;
        let mut tap = Tap::default();
        let last = tap.see(format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":"stop"}}],{usage}}}"#).as_bytes());
        assert!(last.terminal && !last.usage_only && last.usage.is_some());
        let added = Tap::default().see(format!(r#"{{"model":"m","choices":[],{usage}}}"#).as_bytes());
        assert!(added.terminal && added.usage_only);
        assert_eq!(added.model.as_deref(), Some("m"));
    }

    #[test]
    fn running_figures_are_terminal_only_from_the_finish_reason_on() {
        let event = |finish: &str, output: u64| {
            format!(
                r#"{{"choices":[{{"delta":{{"content":"x"}},"finish_reason":{finish}}}],"usage":{{"prompt_tokens":3,"completion_tokens":{output}}}}}"#
            )
        };
        let mut tap = Tap::default();
        assert!(!tap.see(event("null", 1).as_bytes()).terminal);
        assert!(tap.see(event("\"stop\"", 2).as_bytes()).terminal);
    }
}
