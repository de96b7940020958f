//! Usage and the end of a stream, read in passing.

use memchr::memmem;
use serde::{Deserialize, de::IgnoredAny};

use super::usage::Figures;
use crate::dialect::{self, Frame, Sighting};

/// Watches a stream for its figures and its end. Each chunk states figures, so each is looked at, at its members only.
#[derive(Debug, Default)]
pub(super) struct Tap {
    finished: bool,
    figures: Figures,
}

impl dialect::Tap for Tap {
    fn see(&mut self, frame: Frame<'_>) -> Sighting {
        let data = frame.data;
        let has = |key: &[u8]| memmem::find(data, key).is_some();
        // A key inside a string has its quotes escaped, so it cannot be mistaken for one.
        let ends = has(b"\"finishReason\"") || has(b"\"blockReason\"");
        if !ends && !has(b"\"usageMetadata\"") && !has(b"\"error\"") {
            return Sighting::default();
        }
        let Ok(chunk) = serde_json::from_slice::<Chunk>(data) else { return Sighting::default() };
        if ends {
            let blocked = chunk.prompt_feedback.is_some_and(|feedback| feedback.block_reason.is_some());
            let said = |candidate: &Candidate| candidate.finish_reason.is_some();
            self.finished |= blocked || chunk.candidates.as_deref().is_some_and(|all| all.iter().any(said));
        }
        self.figures.update(chunk.usage_metadata.unwrap_or_default());
        Sighting {
            usage: self.figures.usage(),
            terminal: self.finished,
            usage_only: false,
            failed: chunk.error.is_some() && chunk.candidates.is_none(),
        }
    }

    fn finished(&self) -> bool {
        self.finished
    }

    fn may_end(&self) -> bool {
        self.finished
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chunk {
    candidates: Option<Vec<Candidate>>,
    prompt_feedback: Option<Feedback>,
    usage_metadata: Option<Figures>,
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    finish_reason: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    block_reason: Option<IgnoredAny>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Tap as _;

    fn see(tap: &mut Tap, data: &str) -> Sighting {
        tap.see(Frame { name: b"", data: data.as_bytes(), is_exception: false })
    }

    #[test]
    fn figures_are_final_from_the_finish_reason_on() {
        let mut tap = Tap::default();
        let first = see(&mut tap, r#"{"candidates":[{}],"usageMetadata":{"promptTokenCount":3}}"#);
        assert!(first.usage.is_some() && !first.terminal);
        assert!(!tap.may_end());
        let last = see(
            &mut tap,
            r#"{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2}}"#,
        );
        assert!(last.terminal);
        assert_eq!(last.usage.unwrap().output, 2);
        assert!(tap.finished() && tap.may_end());
    }

    #[test]
    fn a_blocked_prompt_is_an_end_and_an_error_is_a_failure() {
        let mut tap = Tap::default();
        see(&mut tap, r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#);
        assert!(tap.finished());
        let mut tap = Tap::default();
        assert!(see(&mut tap, r#"{"error":{"code":503}}"#).failed);
        assert!(!see(&mut tap, r#"{"candidates":[{"content":{"parts":[{"text":"\"error\""}]}}]}"#).failed);
        assert!(!tap.may_end());
    }
}
