//! Why an answer ended, in Google's words.

use crate::canonical::FinishReason;

/// The nearest reason of Google's, and whether it says less.
pub(super) fn encode_finish(reason: FinishReason) -> (&'static str, bool) {
    match reason {
        FinishReason::Stop | FinishReason::ToolUse => ("STOP", false),
        // Google tells no stop text apart.
        FinishReason::StopSequence => ("STOP", false),
        FinishReason::Length => ("MAX_TOKENS", false),
        FinishReason::ContextFull => ("MAX_TOKENS", true),
        FinishReason::Filter => ("SAFETY", false),
        FinishReason::Refusal => ("SAFETY", true),
        FinishReason::Paused => ("OTHER", true),
        FinishReason::Malformed => ("MALFORMED_FUNCTION_CALL", false),
    }
}
