//! What each generation of Gemini takes, told from its name.

/// How a model family differs from others in what it takes, told from its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Capability {
    /// How it is told to think.
    pub(super) thinking: Thinking,
    /// Whether it is of the third generation or later. Those refuse a call of the current turn without a seal
    /// (<https://ai.google.dev/gemini-api/docs/thought-signatures>), take pictures inside a function's response
    /// (<https://ai.google.dev/gemini-api/docs/function-calling#multimodal>), and give JSON while there are tools
    /// (<https://ai.google.dev/gemini-api/docs/structured-output>).
    pub(super) third: bool,
    /// Whether it can be held to the schemas of functions without being forced to call one: the mode `VALIDATED`.
    pub(super) validates: bool,
}

/// How a model is told to think: <https://ai.google.dev/gemini-api/docs/thinking>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thinking {
    /// Not at all.
    Never,
    /// By a budget of tokens.
    Budget {
        /// The least.
        least: u64,
        /// The most.
        most: u64,
        /// Whether 0 turns it off.
        off: bool,
    },
    /// By a level, `low` and `high` always among them.
    Level {
        /// Whether `minimal` is one.
        minimal: bool,
        /// Whether `medium` is one.
        medium: bool,
    },
}

impl Capability {
    /// Names without a version (`gemini-flash-latest`) mean the newest generation. What is not called Gemini is either Gemma,
    /// which does not think, or a tuned model behind a number, which is taken for one of the second generation.
    pub(super) fn of(model: &str) -> Self {
        let Some((_, name)) = model.split_once("gemini-") else {
            let thinking = match model.contains("gemma") {
                true => Thinking::Never,
                false => Thinking::Budget { least: 128, most: 32_768, off: true },
            };
            return Self { thinking, third: false, validates: false };
        };
        let has = |word: &str| name.split('-').any(|part| part == word);
        let version = version(name).unwrap_or((u32::MAX, 0));
        let thinking = match version {
            (major, minor) if (major, minor) < (2, 5) => Thinking::Never,
            (..3, _) if has("image") || has("tts") => Thinking::Never,
            (..3, _) if has("pro") => Thinking::Budget { least: 128, most: 32_768, off: false },
            (..3, _) if has("lite") => Thinking::Budget { least: 512, most: 24_576, off: true },
            (..3, _) => Thinking::Budget { least: 1, most: 24_576, off: true },
            version if has("pro") => Thinking::Level { minimal: false, medium: version > (3, 0) },
            _ => Thinking::Level { minimal: true, medium: true },
        };
        Self { thinking, third: version.0 >= 3, validates: version >= (2, 5) }
    }
}

/// `2.5-pro` is (2, 5), `3-flash-preview` (3, 0).
fn version(name: &str) -> Option<(u32, u32)> {
    let mut numbers = name.split('-').next()?.split('.');
    let major = numbers.next()?.parse().ok()?;
    Some((major, numbers.next().and_then(|minor| minor.parse().ok()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_each_generation_takes() {
        let budget = |least, most, off| Thinking::Budget { least, most, off };
        let level = |minimal, medium| Thinking::Level { minimal, medium };
        for (model, thinking, third) in [
            ("gemini-2.0-flash-001", Thinking::Never, false),
            ("gemini-1.5-pro", Thinking::Never, false),
            ("gemini-2.5-pro", budget(128, 32_768, false), false),
            ("models/gemini-2.5-flash", budget(1, 24_576, true), false),
            ("gemini-2.5-flash-lite", budget(512, 24_576, true), false),
            ("gemini-2.5-flash-image", Thinking::Never, false),
            ("gemini-3-pro-preview", level(false, false), true),
            ("gemini-3.1-pro-preview", level(false, true), true),
            ("publishers/google/models/gemini-3-flash-preview", level(true, true), true),
            ("gemini-flash-latest", level(true, true), true),
            ("gemma-3-27b-it", Thinking::Never, false),
            ("projects/p/locations/l/endpoints/123", budget(128, 32_768, true), false),
        ] {
            let capability = Capability::of(model);
            assert_eq!((capability.thinking, capability.third), (thinking, third), "{model}");
        }
    }
}
