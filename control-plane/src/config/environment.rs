//! Variables, and their expansion in a value: `${NAME}`, `${NAME:-default}`, `$$` for a dollar sign.

use std::collections::HashMap;
use std::fmt;

/// The variables that a file may refer to. Its `Debug` shows no value.
#[derive(Clone, Default)]
pub struct Environment(HashMap<String, String>);

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Environment({} variables)", self.0.len())
    }
}

impl Environment {
    /// The variables of this process; those that are not UTF-8 are unknown.
    pub fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
        )
    }

    /// `text` with every variable replaced. A default holds no further variable.
    pub(super) fn expand(&self, text: &str) -> Result<Expanded, InvalidExpansion> {
        let mut value = String::with_capacity(text.len());
        let mut variable = None;
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            value.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                value.push('$');
                rest = after;
            } else if let Some(after) = rest.strip_prefix('{') {
                let (inside, after) = after.split_once('}').ok_or(InvalidExpansion::Unclosed)?;
                let (name, default) = match inside.split_once(":-") {
                    Some((name, default)) => (name, Some(default)),
                    None => (inside, None),
                };
                if !is_name(name) {
                    return Err(InvalidExpansion::Name(name.to_owned()));
                }
                match (self.0.get(name).map(String::as_str).filter(|value| !value.is_empty()), default) {
                    (Some(found), _) => value.push_str(found),
                    (None, Some(default)) => value.push_str(default),
                    (None, None) => return Err(InvalidExpansion::Unset(name.to_owned())),
                }
                variable = Some(name.to_owned());
                rest = after;
            } else {
                value.push('$');
            }
        }
        value.push_str(rest);
        Ok(Expanded { value, variable })
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// A value after expansion.
pub(super) struct Expanded {
    pub(super) value: String,
    /// The last variable that took part.
    pub(super) variable: Option<String>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidExpansion {
    #[error("`${{` without a closing `}}`; write `$$` for a dollar sign")]
    Unclosed,
    #[error("`{0}` is not the name of a variable; write ${{NAME}} or ${{NAME:-default}}")]
    Name(String),
    #[error("the variable {0} is not set or empty; set it, or give a default: ${{{0}:-…}}")]
    Unset(String),
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(text: &str) -> Result<String, InvalidExpansion> {
        let environment: Environment = [("A", "one"), ("EMPTY", "")].into_iter().collect();
        environment.expand(text).map(|expanded| expanded.value)
    }

    #[test]
    fn variables_defaults_and_dollars_are_expanded() {
        assert_eq!(expand("x${A}y${B:-two}").as_deref(), Ok("xoneytwo"));
        assert_eq!(expand("${EMPTY:-d}").as_deref(), Ok("d"));
        assert_eq!(expand("${B:-}").as_deref(), Ok(""));
        assert_eq!(expand("$$ $$${A} $5").as_deref(), Ok("$ $one $5"));
    }

    #[test]
    fn what_cannot_be_expanded_is_an_error() {
        assert_eq!(expand("${B}"), Err(InvalidExpansion::Unset("B".to_owned())));
        assert_eq!(expand("${EMPTY}"), Err(InvalidExpansion::Unset("EMPTY".to_owned())));
        assert_eq!(expand("${A"), Err(InvalidExpansion::Unclosed));
        assert_eq!(expand("${1A}"), Err(InvalidExpansion::Name("1A".to_owned())));
    }

    #[test]
    fn values_are_not_shown() {
        let environment: Environment = [("A", "secret")].into_iter().collect();
        assert!(!format!("{environment:?}").contains("secret"));
    }
}
