//! What each family of OpenAI's models takes, told from its name.

use crate::canonical::Effort;

/// How a model differs from others in what it takes, told from its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Capability {
    /// It does not reason: `gpt-4o`, `gpt-5-chat-latest`. It refuses `reasoning` and the wish for encrypted reasoning.
    Plain,
    /// `o1` to `o4-mini`: always reasons, and takes no sampling.
    OSeries,
    /// `gpt-5` is 0, `gpt-5.2` is 2.
    Gpt5(u32),
    /// Another vendor's, or a deployment with a name of its own: takes what the reference has.
    Unknown,
}

impl Capability {
    pub(super) fn of(model: &str) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model);
        let name = name.strip_prefix("openai.").unwrap_or(name);
        if name.starts_with("gpt-4") || name.starts_with("gpt-3") || name.starts_with("chatgpt-") {
            return Self::Plain;
        }
        if let Some(rest) = name.strip_prefix("gpt-5") {
            let minor = rest.strip_prefix('.').and_then(|rest| rest.split('-').next()).map(str::parse);
            return match minor {
                _ if rest.contains("-chat") => Self::Plain,
                Some(Ok(minor)) => Self::Gpt5(minor),
                None if rest.is_empty() || rest.starts_with('-') => Self::Gpt5(0),
                _ => Self::Unknown,
            };
        }
        let mut letters = name.chars();
        match (letters.next(), letters.next(), letters.next()) {
            (Some('o'), Some('1'..='4'), None | Some('-')) => Self::OSeries,
            _ => Self::Unknown,
        }
    }

    /// Whether it can reason.
    pub(super) fn reasons(self) -> bool {
        self != Self::Plain
    }

    /// Whether it takes `temperature`, `top_p` and log probabilities: those that reason do so only where they can be told
    /// not to (<https://platform.openai.com/docs/guides/latest-model>).
    pub(super) fn samples(self, effort: Option<Effort>) -> bool {
        match self {
            Self::Plain | Self::Unknown => true,
            Self::OSeries | Self::Gpt5(0) => false,
            Self::Gpt5(_) => effort.is_none_or(|effort| effort == Effort::None),
        }
    }

    /// Whether its answers can be shorter or longer: older models know `medium` and refuse the other words
    /// (<https://platform.openai.com/docs/guides/latest-model>).
    pub(super) fn takes_verbosity(self) -> bool {
        matches!(self, Self::Gpt5(_) | Self::Unknown)
    }

    /// The nearest effort that it has (<https://platform.openai.com/docs/guides/reasoning>).
    pub(super) fn nearest(self, effort: Effort) -> Effort {
        match (self, effort) {
            (Self::OSeries, Effort::None | Effort::Minimal) => Effort::Low,
            (Self::OSeries | Self::Gpt5(0 | 1), Effort::XHigh | Effort::Max) => Effort::High,
            (Self::Gpt5(0), Effort::None) => Effort::Minimal,
            (Self::Gpt5(1..), Effort::Minimal) => Effort::Low,
            (Self::Gpt5(2..=5), Effort::Max) => Effort::XHigh,
            (_, effort) => effort,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_family_out_of_a_name() {
        for (model, expected) in [
            ("gpt-4o-mini", Capability::Plain),
            ("openai/gpt-4.1", Capability::Plain),
            ("gpt-5-chat-latest", Capability::Plain),
            ("gpt-5.1-chat-latest", Capability::Plain),
            ("o3", Capability::OSeries),
            ("o4-mini-2025-04-16", Capability::OSeries),
            ("gpt-5", Capability::Gpt5(0)),
            ("gpt-5-mini", Capability::Gpt5(0)),
            ("openai.gpt-5.6-luna", Capability::Gpt5(6)),
            ("gpt-50", Capability::Unknown),
            ("o10", Capability::Unknown),
            ("grok-4", Capability::Unknown),
            ("gpt-oss-120b", Capability::Unknown),
        ] {
            assert_eq!(Capability::of(model), expected, "{model}");
        }
    }

    #[test]
    fn gives_each_family_an_effort_that_it_has() {
        assert_eq!(Capability::OSeries.nearest(Effort::None), Effort::Low);
        assert_eq!(Capability::Gpt5(0).nearest(Effort::None), Effort::Minimal);
        assert_eq!(Capability::Gpt5(1).nearest(Effort::Minimal), Effort::Low);
        assert_eq!(Capability::Gpt5(2).nearest(Effort::Max), Effort::XHigh);
        assert_eq!(Capability::Gpt5(6).nearest(Effort::Max), Effort::Max);
        assert_eq!(Capability::Unknown.nearest(Effort::Minimal), Effort::Minimal);
    }

    #[test]
    fn samples_only_where_reasoning_is_off() {
        assert!(!Capability::OSeries.samples(None));
        assert!(Capability::Gpt5(1).samples(None));
        assert!(!Capability::Gpt5(1).samples(Some(Effort::Low)));
        assert!(Capability::Unknown.samples(Some(Effort::High)));
    }
}
