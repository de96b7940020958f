//! The kinds of provider: what each speaks, where it lives, how it wants its credential.

use tollgate_proto::v1::Format;

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
}

impl Kind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 7] =
        [Self::Openai, Self::Anthropic, Self::OpenaiCompatible, Self::Xai, Self::Groq, Self::Mistral, Self::Deepseek];

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
        }
    }

    /// Where the vendor serves it.
    pub fn base_url(self) -> Option<&'static str> {
        match self {
            // https://platform.openai.com/docs/api-reference/introduction
            Self::Openai => Some("https://api.openai.com/v1"),
            // https://docs.anthropic.com/en/api/overview
            Self::Anthropic => Some("https://api.anthropic.com/v1"),
            Self::OpenaiCompatible => None,
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
    pub(super) fn path_prefix(self) -> &'static str {
        match self {
            Self::Groq => "/openai/v1",
            _ => "/v1",
        }
    }

    /// What it speaks, best first.
    pub fn formats(self) -> &'static [Format] {
        match self {
            Self::Openai | Self::OpenaiCompatible | Self::Mistral => &[Format::OpenaiChat, Format::OpenaiEmbeddings],
            Self::Xai | Self::Groq | Self::Deepseek => &[Format::OpenaiChat],
            Self::Anthropic => &[Format::AnthropicMessages],
        }
    }

    /// The header that carries the credential, by its lower-case name.
    pub fn credential_header(self, credential: &str) -> (&'static str, String) {
        match self {
            // https://docs.anthropic.com/en/api/overview#authentication
            Self::Anthropic => ("x-api-key", credential.to_owned()),
            _ => ("authorization", format!("Bearer {credential}")),
        }
    }

    /// Output cap of a request that must state one and does not.
    pub fn default_max_tokens(self) -> u32 {
        match self {
            // `max_tokens` is required: https://docs.anthropic.com/en/api/messages
            Self::Anthropic => 4096,
            _ => 0,
        }
    }
}
