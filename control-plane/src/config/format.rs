//! What wire dialects are called, in the file and on usage records.

use tollgate_proto::v1::Format;

/// Every format that a provider can speak.
pub const FORMATS: [Format; 7] = [
    Format::OpenaiChat,
    Format::OpenaiResponses,
    Format::OpenaiCompletions,
    Format::OpenaiEmbeddings,
    Format::AnthropicMessages,
    Format::GeminiGenerate,
    Format::BedrockConverse,
];

/// Output cap of a request that must state one and does not; 0 where none must.
pub(super) fn default_max_tokens(formats: &[Format]) -> u32 {
    // `max_tokens` is required: https://docs.anthropic.com/en/api/messages
    // It is 16 unless it is stated: https://platform.openai.com/docs/api-reference/completions/create
    let must_state = [Format::AnthropicMessages, Format::OpenaiCompletions];
    if must_state.iter().any(|format| formats.contains(format)) { 4096 } else { 0 }
}

/// Its name; empty for none.
pub fn format_name(format: Format) -> &'static str {
    match format {
        Format::Unspecified => "",
        Format::OpenaiChat => "openai_chat",
        Format::OpenaiResponses => "openai_responses",
        Format::OpenaiCompletions => "openai_completions",
        Format::OpenaiEmbeddings => "openai_embeddings",
        Format::AnthropicMessages => "anthropic_messages",
        Format::GeminiGenerate => "gemini_generate",
        Format::BedrockConverse => "bedrock_converse",
    }
}
