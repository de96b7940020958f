//! What is sent: chat requests of four sizes, the same bytes at each turn.

use bytes::Bytes;
use serde_json::{Value, json};

/// One request, as every side gets it but for the model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) body_bytes: usize,
    pub(crate) stream: bool,
    /// CPU per request as a multiple of plain Envoy's.
    pub(crate) identity_goal: Option<f64>,
    pub(crate) canonical_goal: Option<f64>,
}

impl Workload {
    pub(crate) const ALL: &[Self] = &[
        Self { name: "1 KB", body_bytes: 1_000, stream: false, identity_goal: Some(2.0), canonical_goal: Some(2.6) },
        Self { name: "100 KB", body_bytes: 100_000, stream: false, identity_goal: None, canonical_goal: None },
        Self { name: "400 KB", body_bytes: 400_000, stream: false, identity_goal: None, canonical_goal: None },
        Self { name: "stream", body_bytes: 1_000, stream: true, identity_goal: Some(1.25), canonical_goal: Some(2.0) },
    ];

    /// A conversation of about `body_bytes`, in the shape that clients of OpenAI send.
    pub(crate) fn body(&self, model: &str) -> Bytes {
        let mut messages =
            vec![json!({"role": "system", "content": "You are a careful assistant. Answer in one line."})];
        let mut body = json!({"model": model, "temperature": 0.2, "max_tokens": 256});
        if self.stream {
            body["stream"] = Value::Bool(true);
        }
        let frame = body.to_string().len() + messages[0].to_string().len() + ",\"messages\":[]".len();
        let mut left = self.body_bytes.saturating_sub(frame);
        let mut prose = Prose::default();
        for role in ["user", "assistant"].into_iter().cycle() {
            // The last one must be the user's, and ends on the byte, give or take an escape.
            let last = role == "user" && left <= MESSAGE_BYTES + MESSAGE_FRAME;
            let size = if last { left.saturating_sub(MESSAGE_FRAME) } else { MESSAGE_BYTES };
            messages.push(json!({"role": role, "content": prose.next(size)}));
            left = left.saturating_sub(size + MESSAGE_FRAME);
            if last || (role == "user" && left < 2 * MESSAGE_FRAME) {
                break;
            }
        }
        body["messages"] = Value::Array(messages);
        Bytes::from(body.to_string())
    }
}

const MESSAGE_BYTES: usize = 2_000;
/// `{"content":"","role":"assistant"},`
const MESSAGE_FRAME: usize = 34;

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
    use super::*;

    #[test]
    fn bodies_have_the_size_they_claim() {
        for workload in Workload::ALL {
            let size = workload.body("bench-identity").len();
            assert!(size.abs_diff(workload.body_bytes) * 20 < workload.body_bytes, "{}: {size} bytes", workload.name);
        }
    }

    #[test]
    fn the_last_word_is_the_users() {
        for workload in Workload::ALL {
            let body: Value = serde_json::from_slice(&workload.body("m")).unwrap();
            assert_eq!(body["messages"].as_array().unwrap().last().unwrap()["role"], "user", "{}", workload.name);
        }
    }
}
