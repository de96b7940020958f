//! Anthropic's messages: <https://platform.claude.com/docs/en/api/messages>.

mod capability;
mod content;
mod error;
mod request;
mod response;
mod stream;
mod thinking;
mod usage;

pub(super) use error::{decode_error, encode_error, is_error};
pub(super) use request::encode_request;
pub(super) use response::decode_response;
pub(super) use stream::StreamDecoder;

use crate::canonical::FinishReason;

/// The version of the API is a header: <https://platform.claude.com/docs/en/api/versioning>.
pub(super) const HEADERS: &[(&str, &str)] = &[("anthropic-version", "2023-06-01")];

/// <https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons>. A reason that came after this was
/// written counts as a plain stop: the answer is complete as far as can be told.
fn finish_reason(stop_reason: &str) -> FinishReason {
    match stop_reason {
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolUse,
        "refusal" => FinishReason::Refusal,
        _ => FinishReason::Stop,
    }
}
