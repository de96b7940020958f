//! The kinds of provider: what each speaks, where it lives, how it wants its credential.

use tollgate_core::words::Format;

/// A kind of provider, as the file names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// OpenAI itself.
    Openai,
    /// Anthropic itself.
    Anthropic,
    /// Anything that speaks OpenAI's dialect.
    OpenaiCompatible,
    /// xAI.
    Xai,
    /// Groq.
    Groq,
    /// Mistral.
    Mistral,
    /// DeepSeek.
    Deepseek,
    /// Google's Gemini API.
    Gemini,
    /// Amazon Bedrock.
    Bedrock,
}

impl Kind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::Openai,
        Self::Anthropic,
        Self::Gemini,
        Self::Bedrock,
        Self::OpenaiCompatible,
        Self::Xai,
        Self::Groq,
        Self::Mistral,
        Self::Deepseek,
    ];

    /// The kind of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// As written in the file, and in the price book.
    pub fn name(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
            Self::OpenaiCompatible => "openai_compatible",
            Self::Xai => "xai",
            Self::Groq => "groq",
            Self::Mistral => "mistral",
            Self::Deepseek => "deepseek",
            Self::Gemini => "gemini",
            Self::Bedrock => "bedrock",
        }
    }

    /// Where the vendor serves it.
    pub fn base_url(self) -> Option<&'static str> {
        match self {
            // https://platform.openai.com/docs/api-reference/introduction
            Self::Openai => Some("https://api.openai.com/v1"),
            // https://docs.anthropic.com/en/api/overview
            Self::Anthropic => Some("https://api.anthropic.com/v1"),
            // https://ai.google.dev/api
            Self::Gemini => Some("https://generativelanguage.googleapis.com/v1beta"),
            // Bedrock's depends on the region.
            Self::OpenaiCompatible | Self::Bedrock => None,
            // https://docs.x.ai/docs/api-reference
            Self::Xai => Some("https://api.x.ai/v1"),
            // https://console.groq.com/docs/openai
            Self::Groq => Some("https://api.groq.com/openai/v1"),
            // https://docs.mistral.ai/api
            Self::Mistral => Some("https://api.mistral.ai/v1"),
            // https://api-docs.deepseek.com/ (the path without /v1 is the same)
            Self::Deepseek => Some("https://api.deepseek.com/v1"),
        }
    }

    /// Put before the format's own path when a `base_url` has no path.
    pub(crate) fn path_prefix(self) -> &'static str {
        match self {
            Self::Groq => "/openai/v1",
            Self::Gemini => "/v1beta",
            Self::Bedrock => "",
            _ => "/v1",
        }
    }

    /// What it speaks where the file does not say, best first: the first one that a client's format can be translated to is what
    /// a client of another format gets.
    pub fn formats(self) -> &'static [Format] {
        match self {
            // https://platform.openai.com/docs/guides/migrate-to-responses: reasoning survives between turns there only.
            Self::Openai => {
                &[Format::OpenaiResponses, Format::OpenaiChat, Format::OpenaiCompletions, Format::OpenaiEmbeddings]
            }
            Self::OpenaiCompatible => &[Format::OpenaiChat, Format::OpenaiCompletions, Format::OpenaiEmbeddings],
            Self::Mistral => &[Format::OpenaiChat, Format::OpenaiEmbeddings],
            // https://docs.x.ai/docs/api-reference, https://console.groq.com/docs/responses-api (a beta)
            Self::Xai | Self::Groq => &[Format::OpenaiChat, Format::OpenaiResponses],
            Self::Deepseek => &[Format::OpenaiChat],
            Self::Anthropic => &[Format::AnthropicMessages],
            Self::Gemini => &[Format::GeminiGenerate],
            Self::Bedrock => &[Format::BedrockConverse],
        }
    }

    /// The header that carries the credential, by its lower-case name.
    pub fn credential_header(self, credential: &str) -> (&'static str, String) {
        match self {
            // https://docs.anthropic.com/en/api/overview#authentication
            Self::Anthropic => ("x-api-key", credential.to_owned()),
            // https://ai.google.dev/gemini-api/docs/api-key
            Self::Gemini => ("x-goog-api-key", credential.to_owned()),
            // Bedrock's API keys too: https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-use.html
            _ => ("authorization", format!("Bearer {credential}")),
        }
    }
}
