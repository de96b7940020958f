//! What each generation of Claude takes, told from its name.

/// How a model family differs from others in what it takes, told from its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capability {
    /// How it is told to think.
    pub(super) thinking: Thinking,
    /// Whether it takes `temperature` and `top_p` other than their defaults. Those after Claude 4.6 refuse them
    /// (the descriptions of both in <https://platform.claude.com/docs/en/api/messages/create>).
    pub(crate) sampling: bool,
}

/// How a model is told to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thinking {
    /// It cannot.
    None,
    /// A budget of tokens: <https://platform.claude.com/docs/en/build-with-claude/extended-thinking>.
    Budget,
    /// It decides itself, guided by an effort up to this name's set:
    /// <https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking>.
    Adaptive {
        /// Whether `xhigh` is among its efforts.
        xhigh: bool,
    },
}

impl Capability {
    /// Claude 4.6 thinks adaptively and still samples; later ones, and Claude names without a version, no longer
    /// sample; earlier ones, and other vendors behind the same API, take budgets; those before Claude 3.7 do not think.
    pub(crate) fn of(model: &str) -> Self {
        let Some((_, name)) = model.split_once("claude-") else {
            return Self { thinking: Thinking::Budget, sampling: true };
        };
        match version(name) {
            Some(version) if version < (3, 7) => Self { thinking: Thinking::None, sampling: true },
            Some(version) if version < (4, 6) => Self { thinking: Thinking::Budget, sampling: true },
            Some((4, 6)) => Self { thinking: Thinking::Adaptive { xhigh: false }, sampling: true },
            _ if name.starts_with("instant") => Self { thinking: Thinking::None, sampling: true },
            _ => Self { thinking: Thinking::Adaptive { xhigh: true }, sampling: false },
        }
    }
}

/// Whether a model is Claude of this version or later. Names without a version are of later ones.
pub(crate) fn is_since(model: &str, major: u32, minor: u32) -> bool {
    let Some((_, name)) = model.split_once("claude-") else { return false };
    match version(name) {
        Some(version) => version >= (major, minor),
        None => !name.starts_with("instant"),
    }
}

/// `opus-4-5-20251101` is (4, 5), `3-7-sonnet-latest` (3, 7), `sonnet-4-20250514` (4, 0), `2.1` (2, 1).
fn version(name: &str) -> Option<(u32, u32)> {
    let is_number = |word: &&str| word.len() <= 2 && word.bytes().all(|byte| byte.is_ascii_digit()) && !word.is_empty();
    let mut words = name.split(['-', '.', '@', ':']).skip_while(|word| !is_number(word));
    let major = words.next()?.parse().ok()?;
    let minor = words.next().filter(is_number).and_then(|word| word.parse().ok()).unwrap_or(0);
    Some((major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_version_out_of_a_name() {
        let cases = [
            ("claude-3-7-sonnet-latest", Some((3, 7))),
            ("claude-sonnet-4-20250514", Some((4, 0))),
            ("claude-opus-4-5-20251101", Some((4, 5))),
            ("anthropic.claude-opus-4-6-v1", Some((4, 6))),
            ("claude-opus-4-7", Some((4, 7))),
            ("claude-sonnet-5", Some((5, 0))),
            ("claude-2.1", Some((2, 1))),
            ("claude-mythos-preview", None),
        ];
        for (name, expected) in cases {
            assert_eq!(version(name.split_once("claude-").unwrap().1), expected, "{name}");
        }
    }

    #[test]
    fn knows_what_each_generation_takes() {
        let budget = Capability { thinking: Thinking::Budget, sampling: true };
        assert_eq!(Capability::of("claude-sonnet-4-5"), budget);
        assert_eq!(Capability::of("glm-4.7"), budget);
        assert_eq!(Capability::of("claude-3-7-sonnet-latest"), budget);
        assert_eq!(Capability::of("anthropic.claude-3-5-sonnet-20241022-v2:0").thinking, Thinking::None);
        assert_eq!(Capability::of("anthropic.claude-instant-v1").thinking, Thinking::None);
        assert_eq!(Capability::of("claude-sonnet-4-6").thinking, Thinking::Adaptive { xhigh: false });
        assert!(!Capability::of("claude-mythos-preview").sampling);
    }

    #[test]
    fn later_versions_come_after_earlier_ones() {
        assert!(is_since("us.anthropic.claude-sonnet-4-5-20250929-v1:0", 4, 5));
        assert!(is_since("claude-sonnet-5", 4, 5));
        assert!(is_since("claude-mythos-preview", 4, 5));
        assert!(!is_since("anthropic.claude-3-7-sonnet-20250219-v1:0", 4, 5));
        assert!(!is_since("claude-sonnet-4-20250514", 4, 5));
        assert!(!is_since("anthropic.claude-instant-v1", 4, 5));
        assert!(!is_since("amazon.nova-pro-v1:0", 4, 5));
    }
}
