//! Why an answer ended, from Anthropic's words.

use crate::canonical::FinishReason;

/// <https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons>. A reason that came after this was
/// written counts as a plain stop: the answer is complete as far as can be told.
pub(super) fn decode_finish(stop_reason: &str) -> FinishReason {
    match stop_reason {
        "max_tokens" => FinishReason::Length,
        "model_context_window_exceeded" => FinishReason::ContextFull,
        "stop_sequence" => FinishReason::StopSequence,
        "pause_turn" => FinishReason::Paused,
        "tool_use" => FinishReason::ToolUse,
        "refusal" => FinishReason::Refusal,
        _ => FinishReason::Stop,
    }
}
