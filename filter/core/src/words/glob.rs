//! Patterns over model names, where `*` stands for any run of characters.

/// A pattern; without a `*` it matches only itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// Takes the pattern as it is written.
    #[must_use]
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// Whether `name` fits, in time linear in the name for each `*`.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let Some((prefix, rest)) = self.0.split_once('*') else { return self.0 == name };
        let Some(mut name) = name.strip_prefix(prefix) else { return false };
        let mut parts = rest.split('*').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return name.ends_with(part);
            }
            match name.split_once(part) {
                Some((_, after)) => name = after,
                None => return false,
            }
        }
        true
    }

    /// Whether it speaks of `provider/model` names, or of everything.
    #[must_use]
    pub fn names_provider(&self) -> bool {
        self.0 == "*" || self.0.contains('/')
    }

    /// How many characters are fixed: of two globs that match, the one with more says more.
    #[must_use]
    pub fn specificity(&self) -> usize {
        self.0.bytes().filter(|byte| *byte != b'*').count()
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, name, fits) in [
            ("gpt-4o", "gpt-4o", true),
            ("gpt-4o", "gpt-4o-mini", false),
            ("*", "", true),
            ("claude-*", "claude-sonnet-4-5", true),
            ("claude-*", "claud", false),
            ("*-mini", "gpt-4o-mini", true),
            ("*-mini", "gpt-4o-mini-high", false),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("**", "anything", true),
            ("a*c", "acb", false),
            ("ab*ba", "aba", false),
            ("a*b*c", "a-b-b-c", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(name), fits, "{pattern} on {name}");
        }
    }
}
