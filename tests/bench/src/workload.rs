//! What is sent: chats of some sizes in the dialects of four clients, the same bytes at each turn.

use bytes::Bytes;
use tollgate_core::words::Format;

use crate::dialect::{Client, Dialect, Request};

/// One request, as every side gets it but for the model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    /// What the client speaks, and in the identity lane the provider.
    pub(crate) client: Format,
    /// What the provider speaks in the canonical lane.
    pub(crate) upstream: Format,
    pub(crate) body_bytes: usize,
    pub(crate) stream: bool,
    /// CPU per request as a multiple of plain Envoy's.
    pub(crate) identity_goal: Option<f64>,
    pub(crate) canonical_goal: Option<f64>,
}

/// CPU of a translated stream as a multiple of a stream of the same client's format that is passed on.
pub(crate) const TRANSLATED_STREAM_GOAL: f64 = 1.8;

impl Workload {
    pub(crate) const ALL: &[Self] = &[
        Self { identity_goal: Some(2.0), canonical_goal: Some(2.6), ..CHAT.small("chat 1 KB") },
        Self { body_bytes: 100_000, ..CHAT.small("chat 100 KB") },
        Self { body_bytes: 400_000, ..CHAT.small("chat 400 KB") },
        Self { identity_goal: Some(1.25), canonical_goal: Some(2.0), ..CHAT.stream("chat stream") },
        ANTHROPIC.small("anthropic 1 KB"),
        ANTHROPIC.stream("anthropic stream"),
        RESPONSES.small("responses 1 KB"),
        RESPONSES.stream("responses stream"),
        GEMINI.small("gemini 1 KB"),
        GEMINI.stream("gemini stream"),
    ];

    /// The dialect of its client.
    pub(crate) fn dialect(&self) -> (&'static Dialect, &'static Client) {
        let dialect = Dialect::of(self.client).expect("workloads are chats");
        (dialect, dialect.client.as_ref().expect("workloads have clients"))
    }

    /// Its body, for `model`.
    pub(crate) fn body(&self, model: &str) -> Bytes {
        body(self.dialect().1, model, self.stream, self.body_bytes)
    }

    /// The same, whole and small, of a stream: what is left of the difference is what the events cost.
    pub(crate) fn is_whole_of(&self, stream: &Self) -> bool {
        !self.stream && stream.stream && self.client == stream.client && self.body_bytes == stream.body_bytes
    }
}

/// A client's format and a provider's.
struct Formats(Format, Format);

const CHAT: Formats = Formats(Format::OpenaiChat, Format::AnthropicMessages);
const ANTHROPIC: Formats = Formats(Format::AnthropicMessages, Format::OpenaiChat);
const RESPONSES: Formats = Formats(Format::OpenaiResponses, Format::AnthropicMessages);
const GEMINI: Formats = Formats(Format::GeminiGenerate, Format::BedrockConverse);

impl Formats {
    const fn small(&self, name: &'static str) -> Workload {
        Workload {
            name,
            client: self.0,
            upstream: self.1,
            body_bytes: 1_000,
            stream: false,
            identity_goal: None,
            canonical_goal: None,
        }
    }

    const fn stream(&self, name: &'static str) -> Workload {
        Workload { stream: true, ..self.small(name) }
    }
}

/// A conversation of about `bytes` bytes, in the shape that this client sends.
pub(crate) fn body(client: &Client, model: &str, stream: bool, bytes: usize) -> Bytes {
    let of = |turns: &[String]| (client.request)(&Request { model, stream, turns }).to_string();
    let size = |turns: usize| of(&vec![String::new(); turns]).len();
    // What two more turns take besides their texts, less what rounding down loses.
    let turn = (size(3) - size(1)) / 2;
    let mut left = bytes.saturating_sub(size(0));
    let mut prose = Prose::default();
    let mut turns = Vec::new();
    for of_user in [true, false].into_iter().cycle() {
        // The last one must be the user's, and ends on the byte, give or take an escape.
        let last = of_user && left <= MESSAGE_BYTES + turn;
        let size = if last { left.saturating_sub(turn) } else { MESSAGE_BYTES };
        turns.push(prose.next(size));
        left = left.saturating_sub(size + turn);
        if last || (of_user && left < 2 * turn) {
            break;
        }
    }
    Bytes::from(of(&turns))
}

const MESSAGE_BYTES: usize = 2_000;

/// Endless prose with what makes JSON strings interesting: quotes, line ends, letters beyond ASCII.
#[derive(Default)]
struct Prose(u64);

impl Prose {
    /// Text that takes about `bytes` bytes as a JSON string.
    fn next(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 16);
        let mut escaped = 0;
        while escaped < bytes {
            // Knuth's MMIX generator: the same words in every run.
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let word = WORDS[(self.0 >> 33) as usize % WORDS.len()];
            text.push_str(word);
            escaped += word.len() + word.matches(['"', '\n']).count();
        }
        text
    }
}

const WORDS: [&str; 24] = [
    "the ",
    "gateway ",
    "holds ",
    "a ",
    "request ",
    "until ",
    "every ",
    "limit ",
    "has ",
    "said ",
    "\"yes\" ",
    "and ",
    "then ",
    "forwards ",
    "it, ",
    "byte for byte, ",
    "to whom it may concern.\n",
    "Zürich ",
    "costs ",
    "were ",
    "12.50 ",
    "per ",
    "million ",
    "tokens; ",
];

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn bodies_have_the_size_they_claim() {
        for workload in Workload::ALL {
            let size = workload.body("bench-openai_chat").len();
            assert!(size.abs_diff(workload.body_bytes) * 20 < workload.body_bytes, "{}: {size} bytes", workload.name);
        }
    }

    #[test]
    fn the_last_word_is_the_users() {
        for workload in Workload::ALL {
            let body: Value = serde_json::from_slice(&workload.body("m")).unwrap();
            let turns = ["messages", "input", "contents"].into_iter().find_map(|name| body[name].as_array()).unwrap();
            assert_eq!(turns.last().unwrap()["role"], "user", "{}", workload.name);
        }
    }

    #[test]
    fn every_stream_has_its_whole() {
        for stream in Workload::ALL.iter().filter(|workload| workload.stream) {
            assert_eq!(Workload::ALL.iter().filter(|whole| whole.is_whole_of(stream)).count(), 1, "{}", stream.name);
        }
    }
}
