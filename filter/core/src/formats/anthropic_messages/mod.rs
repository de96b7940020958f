//! Anthropic's messages: <https://platform.claude.com/docs/en/api/messages>.

mod client;
mod error;
mod tap;
mod upstream;
mod usage;

use crate::{
    canonical::FinishReason,
    dialect::{ClientSide, Dialect, IdentitySide, UpstreamFraming, UpstreamSide},
};

pub(crate) const DIALECT: Dialect = Dialect {
    client: Some(ClientSide {
        decode_request: client::decode_request,
        many_choices: false,
        response_encoder: |attempt| Box::new(client::ResponseEncoder::new(attempt)),
        stream_encoder: |attempt| Box::new(client::StreamEncoder::new(attempt)),
    }),
    upstream: Some(UpstreamSide {
        headers: HEADERS,
        encode_request: upstream::encode_request,
        decode_response: upstream::decode_response,
        stream_decoder: || Box::new(upstream::StreamDecoder::default()),
        framing: UpstreamFraming::Sse,
    }),
    identity: IdentitySide {
        names_model: true,
        ask_for_usage: None,
        usage_member: "usage",
        decode_usage: usage::decode_usage,
        tap: Some(|| Box::new(tap::Tap::default())),
    },
    encode_error: error::encode_error,
    decode_error: error::decode_error,
    is_error: error::is_error,
};

/// The version of the API is a header: <https://platform.claude.com/docs/en/api/versioning>.
const HEADERS: &[(&str, &str)] = &[("anthropic-version", "2023-06-01")];

/// <https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons>. A reason that came after this was
/// written counts as a plain stop: the answer is complete as far as can be told.
fn finish_reason(stop_reason: &str) -> FinishReason {
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
