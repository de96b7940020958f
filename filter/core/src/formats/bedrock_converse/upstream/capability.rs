//! What the families of models behind Converse take, told from a model's name.

use crate::vendors::claude;

/// Which family a model is of, told from its name: Converse is one API, but what it passes on is each model's own matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ModelFamily {
    /// Anthropic's.
    Claude {
        /// Whether it is 4.5 or later: structured output, strict tools, an hour of cache and calls one at a time came with it.
        since_4_5: bool,
    },
    /// Amazon's, of the first generation.
    Nova,
    /// Amazon's, of the second: it reasons, and has tools of its own.
    Nova2,
    /// OpenAI's open weights.
    GptOss,
    /// Alibaba's.
    Qwen,
    /// One of those that take nothing beyond the common members: Titan, Llama, Command, Jamba.
    Plain,
    /// Any other vendor's.
    Other,
    /// What hides behind the name of a custom model or of an application's inference profile. It may be Claude.
    Hidden,
}

impl ModelFamily {
    pub(super) fn of(model: &str) -> Self {
        let has = |word: &&str| model.contains(*word);
        if has(&"claude") {
            return Self::Claude { since_4_5: claude::is_since(model, 4, 5) };
        }
        match model {
            _ if has(&"nova-2") => Self::Nova2,
            _ if has(&"amazon.nova-") => Self::Nova,
            _ if has(&"gpt-oss") => Self::GptOss,
            _ if has(&"qwen") => Self::Qwen,
            _ if ["amazon.titan-", "meta.llama", "cohere.", "ai21."].iter().any(has) => Self::Plain,
            // A model of a vendor's is named `vendor.model`, by itself or at the end of an ARN.
            _ if model.rsplit('/').next().is_some_and(|name| name.contains('.')) => Self::Other,
            _ => Self::Hidden,
        }
    }

    pub(super) fn is_claude(self) -> bool {
        matches!(self, Self::Claude { .. })
    }

    /// Whether it may hold to a schema, in its answer or in its calls of tools. Older Claude, Nova and the plain ones cannot
    /// (<https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html>).
    pub(super) fn holds_to_schemas(self) -> bool {
        match self {
            Self::Claude { since_4_5 } => since_4_5,
            Self::Nova | Self::Nova2 | Self::Plain => false,
            Self::GptOss | Self::Qwen | Self::Other | Self::Hidden => true,
        }
    }

    /// Where it takes cache points (<https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html>). A hidden model
    /// may be one that does.
    pub(super) fn caching(self) -> Caching {
        match self {
            Self::Claude { since_4_5: true } | Self::Hidden => Caching { messages: true, tools: true, hour: true },
            Self::Claude { since_4_5: false } => Caching { messages: true, tools: true, hour: false },
            Self::Nova | Self::Nova2 => Caching { messages: true, tools: false, hour: false },
            Self::GptOss | Self::Qwen | Self::Plain | Self::Other => Caching::default(),
        }
    }

    /// Whether reasoning with one of Anthropic's seals may be given back to it.
    pub(super) fn takes_seals(self) -> bool {
        matches!(self, Self::Claude { .. } | Self::Hidden)
    }
}

/// Where a model takes cache points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Caching {
    /// In the system prompt and in messages.
    pub(super) messages: bool,
    /// After tools.
    pub(super) tools: bool,
    /// With a lifetime of an hour.
    pub(super) hour: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_family_is_in_the_name_however_the_model_is_called() {
        let cases = [
            ("anthropic.claude-3-5-sonnet-20241022-v2:0", ModelFamily::Claude { since_4_5: false }),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", ModelFamily::Claude { since_4_5: true }),
            (
                "arn:aws:bedrock:us-east-1:012345678901:inference-profile/us.anthropic.claude-sonnet-4-20250514-v1:0",
                ModelFamily::Claude { since_4_5: false },
            ),
            ("amazon.nova-lite-v1:0", ModelFamily::Nova),
            ("global.amazon.nova-2-lite-v1:0", ModelFamily::Nova2),
            ("openai.gpt-oss-120b-1:0", ModelFamily::GptOss),
            ("qwen.qwen3-32b-v1:0", ModelFamily::Qwen),
            ("us.meta.llama4-maverick-17b-instruct-v1:0", ModelFamily::Plain),
            ("mistral.devstral-2-123b", ModelFamily::Other),
            ("arn:aws:bedrock:us-east-1::foundation-model/deepseek.v3-v1:0", ModelFamily::Other),
            ("arn:aws:bedrock:us-east-1:012345678901:application-inference-profile/abcdefghijkl", ModelFamily::Hidden),
        ];
        for (model, family) in cases {
            assert_eq!(ModelFamily::of(model), family, "{model}");
        }
    }
}
