//! How the mock is told to misbehave.
//!
//! A [`Script`] changes one response. It comes by a [`Rule`] (`POST /__mock/script`, [`crate::Mock::script`]), which waits in a queue for a
//! request that it matches, or inside the request itself: a user message that contains `<mock>{...}</mock>` carries its own script, so
//! that many requests at once can each have theirs. A few words of the message, or the model's name, do the same for what every client
//! has to cope with:
//!
//! | in the last message | what happens |
//! | --- | --- |
//! | `please fail with 429` | the provider's error of that status; 429, 503 and 529 have `retry-after: 1` |
//! | `please break off` | a stream ends half way with the provider's own error event |
//! | `please fail halfway` | the same; a Responses stream ends with `response.failed` |
//! | `please go slowly` | 20 ms between the events of a stream |
//!
//! A model whose name contains `fail-429` fails with that status whatever it is asked.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is different about one response. Everything that is absent is as the real provider would do it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Script {
    /// Status code. From 400 on, and without `body`, the body is the provider's own error of that status.
    pub status: Option<u16>,
    /// Added to the response; a name that is there already is replaced.
    pub headers: Vec<(String, String)>,
    /// Sent in place of the provider's own: a string as it is, anything else as JSON.
    pub body: Option<Value>,
    /// In place of the true one.
    pub content_type: Option<String>,
    /// What the answer says, in place of the words that the prompt gives.
    pub text: Option<String>,
    /// In place of the true figures, as the provider would write them.
    pub usage: Option<Value>,
    /// No usage in the response at all.
    pub no_usage: bool,
    /// A stream without its last event (`[DONE]`, `message_stop`).
    pub forget_done: bool,
    /// An event of this JSON in place of the second half of a stream, which ends with it.
    pub error_event: Option<Value>,
    /// The provider's own error in place of the second half of a stream.
    pub break_off: Option<BreakOff>,
    /// Takes the request without the vendor's checks, but for its key. So does `body`.
    pub lenient: bool,
    /// Milliseconds to wait before the head of the response.
    pub delay_first_byte_ms: u64,
    /// Milliseconds to wait between pieces.
    pub delay_between_events_ms: u64,
    /// How the body is cut into pieces, each sent by itself.
    pub split: Split,
    /// Where the response waits until `POST /__mock/release` names its gate.
    pub gate: Option<Gate>,
    /// Where the connection breaks.
    pub reset: Option<Reset>,
    /// Never answer.
    pub hang: bool,
}

/// How a body is cut into pieces.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// One piece per event; a body that is no stream is one piece.
    #[default]
    Events,
    /// One piece per byte.
    EveryByte,
    /// Pieces of these sizes, the last size repeated until the end.
    Sizes(Vec<usize>),
}

/// How a stream is broken off.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum BreakOff {
    /// With the provider's error event.
    Error,
    /// With `response.failed`, where the dialect has it.
    Failed,
}

/// A place where a response waits.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// What `release` calls it.
    pub name: String,
    /// How many pieces are sent before it; absent, it stands before the head.
    #[serde(default)]
    pub after_pieces: Option<usize>,
}

/// A place where a connection breaks. A gate at the same place comes first.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reset {
    /// How many pieces are sent before it; absent, it comes before the head.
    pub after_pieces: Option<usize>,
    /// Close the connection in an orderly way (FIN) with the response unfinished, rather than reset it.
    pub close: bool,
}

/// Scripts for the requests that it matches.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Only requests for this (upstream) model; absent, all.
    #[serde(default)]
    pub model: Option<String>,
    /// One for each matching request, in this order.
    pub responses: Vec<Script>,
    /// The last script stays for all further requests.
    #[serde(default)]
    pub repeat_last: bool,
}

impl Script {
    /// An error with the provider's own body of that status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    /// The connection is reset before the head.
    #[must_use]
    pub fn reset() -> Self {
        Self { reset: Some(Reset::default()), ..Self::default() }
    }

    /// Waits at the gate `name` before the head.
    #[must_use]
    pub fn held(name: &str) -> Self {
        Self { gate: Some(Gate { name: name.into(), after_pieces: None }), ..Self::default() }
    }

    /// Waits at the gate `name` after so many pieces.
    #[must_use]
    pub fn held_after(name: &str, pieces: usize) -> Self {
        Self { gate: Some(Gate { name: name.into(), after_pieces: Some(pieces) }), ..Self::default() }
    }

    /// Sent by the pieces.
    #[must_use]
    pub fn split(split: Split) -> Self {
        Self { split, ..Self::default() }
    }

    /// Answers with exactly this text.
    #[must_use]
    pub fn saying(text: &str) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// The script that a request asks for itself, if it does.
    ///
    /// # Errors
    /// When what stands between the marks is no script.
    pub(crate) fn asked_for(model: &str, text: &str) -> Option<Result<Self, serde_json::Error>> {
        Self::in_message(text).or_else(|| Self::in_words(model, text).map(Ok))
    }

    fn in_words(model: &str, text: &str) -> Option<Self> {
        let status = number_after(text, "please fail with ").or_else(|| number_after(model, "fail-"));
        if let Some(status) = status.and_then(|status| u16::try_from(status).ok()).filter(|status| *status >= 400) {
            let waits = matches!(status, 429 | 503 | 529).then(|| ("retry-after".to_owned(), "1".to_owned()));
            return Some(Self { headers: waits.into_iter().collect(), ..Self::status(status) });
        }
        let break_off = if text.contains("please break off") {
            Some(BreakOff::Error)
        } else {
            text.contains("please fail halfway").then_some(BreakOff::Failed)
        };
        let slowly = text.contains("please go slowly");
        let delay_between_events_ms = if slowly { 20 } else { 0 };
        (slowly || break_off.is_some()).then(|| Self { break_off, delay_between_events_ms, ..Self::default() })
    }

    /// The script that a user message carries, if it does.
    ///
    /// # Errors
    /// When what stands between the marks is no script.
    pub(crate) fn in_message(text: &str) -> Option<Result<Self, serde_json::Error>> {
        let (_, rest) = text.split_once("<mock>")?;
        let (script, _) = rest.split_once("</mock>")?;
        Some(serde_json::from_str(script))
    }
}

/// The number that follows these words.
pub(crate) fn number_after(text: &str, words: &str) -> Option<u64> {
    let (_, rest) = text.split_once(words)?;
    let end = rest.find(|symbol: char| !symbol.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

impl Split {
    /// Cuts a body, given as its events.
    pub(crate) fn cut(&self, events: Vec<Bytes>) -> Vec<Bytes> {
        let sizes: &[usize] = match self {
            Self::Events => return events,
            Self::EveryByte => &[1],
            Self::Sizes(sizes) => sizes,
        };
        let mut rest = Bytes::from(events.concat());
        let mut pieces = Vec::new();
        let mut position = 0;
        while !rest.is_empty() {
            let size = sizes.get(position).or(sizes.last()).copied().unwrap_or(usize::MAX);
            pieces.push(rest.split_to(size.clamp(1, rest.len())));
            position += 1;
        }
        pieces
    }
}

impl Rule {
    /// For the next request, whatever its model.
    #[must_use]
    pub fn once(script: Script) -> Self {
        Self { model: None, responses: vec![script], repeat_last: false }
    }

    /// For every request, whatever its model.
    #[must_use]
    pub fn always(script: Script) -> Self {
        Self { model: None, responses: vec![script], repeat_last: true }
    }
}

/// The rules that wait for requests, oldest first.
#[derive(Default)]
pub(crate) struct Rules(Mutex<Vec<Rule>>);

impl Rules {
    pub(crate) fn add(&self, rule: Rule) {
        self.lock().push(rule);
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// Takes the script for a request from the first rule that matches it.
    pub(crate) fn take(&self, model: &str) -> Option<Script> {
        let mut rules = self.lock();
        rules.retain(|rule| !rule.responses.is_empty());
        let rule = rules.iter_mut().find(|rule| rule.model.as_deref().is_none_or(|wanted| wanted == model))?;
        if rule.repeat_last && rule.responses.len() == 1 {
            return rule.responses.first().cloned();
        }
        Some(rule.responses.remove(0))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_at_the_sizes_and_repeats_the_last() {
        let cut = Split::Sizes(vec![1, 3]).cut(vec![Bytes::from("abcd"), Bytes::from("efg")]);
        assert_eq!(cut, ["a", "bcd", "efg"]);
    }

    #[test]
    fn takes_the_first_rule_of_the_model_and_keeps_the_last_script_when_told() {
        let rules = Rules::default();
        rules.add(Rule { model: Some("a".into()), responses: vec![Script::status(500)], repeat_last: false });
        rules.add(Rule::always(Script::status(429)));
        let statuses = ["b", "a", "a"].map(|model| rules.take(model).and_then(|script| script.status));
        assert_eq!(statuses, [Some(429), Some(500), Some(429)]);
    }

    #[test]
    fn reads_the_script_that_a_message_carries() {
        let script = Script::in_message(r#"hello <mock>{"status": 503}</mock>"#);
        assert_eq!(script.and_then(Result::ok).and_then(|script| script.status), Some(503));
        assert!(Script::in_message(r#"<mock>{"sttus": 503}</mock>"#).is_some_and(|script| script.is_err()));
        assert!(Script::in_message("hello").is_none());
    }

    #[test]
    fn reads_the_misbehaviour_that_words_and_model_ask_for() {
        let asked = |model, text| Script::asked_for(model, text).and_then(Result::ok);
        let limited = asked("m", "please fail with 429.").expect("a script");
        assert_eq!((limited.status, limited.headers.len()), (Some(429), 1));
        assert_eq!(asked("x-fail-500", "hello").and_then(|script| script.status), Some(500));
        assert_eq!(asked("m", "please break off").and_then(|script| script.break_off), Some(BreakOff::Error));
        assert!(asked("m", "please go slowly").is_some_and(|script| script.delay_between_events_ms > 0));
        assert!(asked("m", "please fail with grace").is_none());
    }
}
