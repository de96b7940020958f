//! The wire dialects.

use super::names;

/// A wire dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// <https://platform.openai.com/docs/api-reference/chat>
    OpenaiChat,
    /// <https://platform.openai.com/docs/api-reference/embeddings>
    OpenaiEmbeddings,
    /// <https://platform.claude.com/docs/en/api/messages>
    AnthropicMessages,
    /// <https://platform.openai.com/docs/api-reference/responses>
    OpenaiResponses,
    /// <https://platform.openai.com/docs/api-reference/completions>
    OpenaiCompletions,
    /// <https://ai.google.dev/api/generate-content>
    GeminiGenerate,
    /// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>; providers only.
    BedrockConverse,
}

names!(Format {
    OpenaiChat = "openai_chat",
    OpenaiEmbeddings = "openai_embeddings",
    AnthropicMessages = "anthropic_messages",
    OpenaiResponses = "openai_responses",
    OpenaiCompletions = "openai_completions",
    GeminiGenerate = "gemini_generate",
    BedrockConverse = "bedrock_converse",
});
