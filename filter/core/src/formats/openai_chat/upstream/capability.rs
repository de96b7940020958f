//! What servers of this format take of each family of models, told from a model's name.

use crate::canonical::{Effort, Vendor};

/// What is known of a model by its name, where servers of this format differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Capability {
    pub(super) family: ModelFamily,
    /// Whether the name begins with a vendor's, as routers and model hubs have it: `anthropic/claude-…`.
    pub(super) routed: bool,
}

/// Whose model it is. A deployment with a name of its own (Azure) counts as [`Other`](Self::Other).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ModelFamily {
    /// OpenAI's that answer at once.
    Openai,
    /// OpenAI's that reason first: <https://platform.openai.com/docs/guides/reasoning>.
    OpenaiReasoning {
        /// The least effort.
        least: Effort,
    },
    Claude,
    Gemini,
    Mistral,
    Other,
}

/// How earlier reasoning goes back to the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recall {
    /// Not at all: OpenAI's chats have no member for it.
    None,
    /// `reasoning_content`, text only: <https://api-docs.deepseek.com/guides/thinking_mode>.
    Content,
    /// `reasoning`, text only: what model hubs call it (vLLM, Groq, OpenRouter).
    Plain,
    /// `reasoning_details`, with this vendor's seals: <https://openrouter.ai/docs/use-cases/reasoning-tokens>.
    Details(Vendor),
    /// `extra_content.google.thought_signature` of calls:
    /// <https://ai.google.dev/gemini-api/docs/thought-signatures#openai>.
    ThoughtSignature,
    /// Content chunks of type `thinking`: <https://docs.mistral.ai/capabilities/reasoning/>.
    Chunks,
}

impl Capability {
    pub(super) fn of(model: &str) -> Self {
        let lower = model.to_ascii_lowercase();
        let (routed, name) = match lower.rsplit_once('/') {
            // Google's own way to write its names.
            Some(("models", name)) => (false, name),
            Some((_, name)) => (true, name),
            None => (false, &*lower),
        };
        Self { family: ModelFamily::of(name), routed }
    }

    /// Whether it is one of OpenAI's, whose API refuses members that it does not know.
    pub(super) fn is_openai(self) -> bool {
        matches!(self.family, ModelFamily::Openai | ModelFamily::OpenaiReasoning { .. })
    }

    /// Whether it is Mistral's own API, which refuses what it does not know: `user`, `logprobs`, `logit_bias`,
    /// `service_tier`, and `stream_options`, since its streams state their usage unasked (<https://docs.mistral.ai/api/>).
    pub(super) fn is_mistrals_own(self) -> bool {
        self.family == ModelFamily::Mistral && !self.routed
    }

    /// See [`Recall`].
    pub(super) fn recall(self) -> Recall {
        match (self.family, self.routed) {
            (ModelFamily::Openai | ModelFamily::OpenaiReasoning { .. }, false) => Recall::None,
            (ModelFamily::Openai | ModelFamily::OpenaiReasoning { .. }, true) => Recall::Details(Vendor::Openai),
            (ModelFamily::Claude, _) => Recall::Details(Vendor::Anthropic),
            (ModelFamily::Gemini, true) => Recall::Details(Vendor::Google),
            (ModelFamily::Gemini, false) => Recall::ThoughtSignature,
            (ModelFamily::Mistral, _) => Recall::Chunks,
            (ModelFamily::Other, true) => Recall::Plain,
            (ModelFamily::Other, false) => Recall::Content,
        }
    }

    /// Whether its answers can be shorter or longer: OpenAI's models before `gpt-5` know `medium` and refuse other words
    /// (<https://platform.openai.com/docs/guides/latest-model>).
    pub(super) fn takes_verbosity(self) -> bool {
        matches!(self.family, ModelFamily::OpenaiReasoning { least: Effort::None | Effort::Minimal })
    }

    /// Whether it can be told how many tools to call at once. `o1` to `o4-mini` refuse the member
    /// (<https://platform.openai.com/docs/guides/function-calling#parallel-function-calling>).
    pub(super) fn takes_parallel_flag(self) -> bool {
        self.family != ModelFamily::OpenaiReasoning { least: Effort::Low }
    }

    /// OpenAI's reasoning models take neither sampling parameters nor log probabilities, unless reasoning is off
    /// (<https://platform.openai.com/docs/guides/latest-model#gpt-5-parameter-compatibility>).
    pub(super) fn samples(self, effort: Option<Effort>) -> bool {
        match self.family {
            ModelFamily::OpenaiReasoning { least: Effort::None } => effort.is_none_or(|effort| effort == Effort::None),
            ModelFamily::OpenaiReasoning { .. } => false,
            _ => true,
        }
    }
}

impl ModelFamily {
    fn of(name: &str) -> Self {
        let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
        // A fine-tuned model is named after its base: `ft:gpt-4o-mini:…`.
        let base = name.strip_prefix("ft:").unwrap_or(name);
        if let Some(version) = base.strip_prefix("gpt-").filter(|version| !version.starts_with("oss")) {
            return openai(version);
        }
        if let Some(version) = base.strip_prefix('o')
            && version.starts_with(|letter: char| letter.is_ascii_digit())
        {
            return Self::OpenaiReasoning { least: Effort::Low };
        }
        if base.starts_with("chatgpt-") {
            Self::Openai
        } else if name.contains("claude") {
            Self::Claude
        } else if name.contains("gemini") {
            Self::Gemini
        } else if begins(&["mistral-", "magistral", "ministral", "codestral", "devstral", "pixtral", "voxtral"]) {
            Self::Mistral
        } else {
            Self::Other
        }
    }
}

/// By what follows `gpt-`. Which efforts each takes: <https://platform.openai.com/docs/guides/reasoning>.
fn openai(version: &str) -> ModelFamily {
    let digits = version.bytes().take_while(u8::is_ascii_digit).count();
    let major = version.get(..digits).and_then(|major| major.parse::<u32>().ok()).unwrap_or(0);
    let rest = version.get(digits..).unwrap_or_default();
    if major < 5 || rest.contains("-chat") {
        ModelFamily::Openai
    } else if major > 5 || rest.starts_with('.') {
        ModelFamily::OpenaiReasoning { least: Effort::None }
    } else if rest.contains("-codex") || rest.contains("-pro") {
        ModelFamily::OpenaiReasoning { least: Effort::Low }
    } else {
        ModelFamily::OpenaiReasoning { least: Effort::Minimal }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_families_by_name() {
        let reasoning = |least| ModelFamily::OpenaiReasoning { least };
        let cases = [
            ("gpt-4o-mini", ModelFamily::Openai, false),
            ("ft:gpt-4o:acme::1", ModelFamily::Openai, false),
            ("chatgpt-4o-latest", ModelFamily::Openai, false),
            ("gpt-5-chat-latest", ModelFamily::Openai, false),
            ("gpt-5-mini", reasoning(Effort::Minimal), false),
            ("gpt-5-codex", reasoning(Effort::Low), false),
            ("gpt-5.2", reasoning(Effort::None), false),
            ("o3-mini", reasoning(Effort::Low), false),
            ("openai/gpt-5.1", reasoning(Effort::None), true),
            ("openai/gpt-oss-120b", ModelFamily::Other, true),
            ("olmo-2", ModelFamily::Other, false),
            ("anthropic/claude-sonnet-4.5", ModelFamily::Claude, true),
            ("models/gemini-2.5-pro", ModelFamily::Gemini, false),
            ("magistral-medium-latest", ModelFamily::Mistral, false),
            ("deepseek-reasoner", ModelFamily::Other, false),
        ];
        for (name, family, routed) in cases {
            assert_eq!(Capability::of(name), Capability { family, routed }, "{name}");
        }
    }

    #[test]
    fn sampling_goes_with_reasoning_off_only() {
        assert!(Capability::of("gpt-4o").samples(Some(Effort::High)));
        assert!(!Capability::of("o3").samples(None));
        assert!(!Capability::of("gpt-5").samples(Some(Effort::Minimal)));
        assert!(Capability::of("gpt-5.1").samples(None));
        assert!(!Capability::of("gpt-5.1").samples(Some(Effort::Low)));
    }
}
