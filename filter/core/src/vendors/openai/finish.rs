//! Why an answer ended, from the words of all who speak like OpenAI.

use crate::canonical::FinishReason;

/// What a `finish_reason` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FinishWord {
    /// Nothing yet: some give an empty text in place of `null`.
    None,
    Finish(FinishReason),
    /// The answer broke; says how, for people.
    Failure(&'static str),
}

/// In every wording that servers of this format are known for. One that came after this was written counts as a plain
/// stop: the answer is complete as far as can be told.
///
/// OpenAI: <https://platform.openai.com/docs/api-reference/chat/object>, Mistral: <https://docs.mistral.ai/api/>,
/// DeepSeek: <https://api-docs.deepseek.com/api/create-chat-completion>, Zhipu:
/// <https://docs.z.ai/api-reference/llm/chat-completion>, OpenRouter: <https://openrouter.ai/docs/api-reference/overview>.
pub(crate) fn decode_finish(word: &str) -> FinishWord {
    let reason = match word.to_ascii_lowercase().as_str() {
        "" | "null" => return FinishWord::None,
        "length" | "max_tokens" => FinishReason::Length,
        "model_length" | "model_context_window_exceeded" => FinishReason::ContextFull,
        "tool_calls" | "tool_call" | "function_call" | "tool_use" => FinishReason::ToolUse,
        "stop_sequence" => FinishReason::StopSequence,
        "content_filter" | "content_filtered" | "safety" | "sensitive" => FinishReason::Filter,
        "refusal" => FinishReason::Refusal,
        "error" | "network_error" => return FinishWord::Failure("the provider ended its answer with an error"),
        "insufficient_system_resource" | "abort" => {
            return FinishWord::Failure("the provider broke off its answer for want of resources");
        }
        _ => FinishReason::Stop,
    };
    FinishWord::Finish(reason)
}
