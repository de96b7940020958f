//! From what was written to a configuration: variables expanded, values checked, names looked up, and every mistake
//! collected before any is reported.

mod aliases;
mod aws;
mod keys;
mod models;
mod prices;
mod providers;

use tollgate_core::words::Secret;

use super::environment::Environment;
use super::problem::{Problem, Problems};
use super::raw::{self, Text};
use super::{Config, DEFAULT_MAX_BODY, scalar};

/// Checks a file that was read.
pub(super) fn resolve(file: &str, raw: raw::File, environment: &Environment) -> Result<Config, Problems> {
    let mut check = Check { file, environment, problems: Vec::new(), notices: Vec::new() };
    let providers = providers::resolve(&mut check, raw.providers.unwrap_or_default());
    let models = models::resolve(&mut check, raw.models.unwrap_or_default(), &providers);
    let aliases = aliases::resolve(&mut check, raw.aliases.unwrap_or_default(), &models, &providers);
    let keys = keys::resolve(&mut check, raw.keys.unwrap_or_default());
    let prices = prices::resolve(&mut check, raw.prices.unwrap_or_default(), &providers);
    let store = raw.store.and_then(|text| store(&mut check, &text));
    let auth = raw.auth.unwrap_or_default();
    let admin_token = auth.admin_token.and_then(|text| token(&mut check, &text));
    let node_token = auth.node_token.and_then(|text| token(&mut check, &text));
    let max_body = raw.max_body.and_then(|text| max_body(&mut check, &text)).unwrap_or(DEFAULT_MAX_BODY);
    match Problems::from_list(check.problems) {
        Some(problems) => Err(problems),
        None => Ok(Config {
            providers: providers.usable,
            models: models.usable,
            aliases,
            keys,
            prices,
            store,
            admin_token,
            node_token,
            max_body,
            notices: check.notices,
        }),
    }
}

/// What the steps share: the variables, and the mistakes so far.
struct Check<'a> {
    file: &'a str,
    environment: &'a Environment,
    problems: Vec<Problem>,
    notices: Vec<String>,
}

/// A value after expansion.
enum Value {
    /// Not empty.
    Given(String),
    /// Nothing was left once the variable was expanded.
    EmptyVariable(String),
}

impl Check<'_> {
    fn problem<T>(&mut self, at: &raw::Spot, message: impl Into<String>) -> Option<T> {
        self.problems.push(Problem {
            file: self.file.to_owned(),
            line: at.line(),
            column: at.column(),
            message: message.into(),
        });
        None
    }

    /// The value of `text`, which must not be empty unless a variable makes it so.
    fn optional(&mut self, text: &Text) -> Option<Value> {
        match self.environment.expand(&text.value) {
            Err(error) => self.problem(&text.referenced, error.to_string()),
            Ok(expanded) => match expanded.variable {
                _ if !expanded.value.is_empty() => Some(Value::Given(expanded.value)),
                Some(variable) => Some(Value::EmptyVariable(variable)),
                None => self.problem(&text.referenced, "an empty value: write one, or remove the key"),
            },
        }
    }

    /// The value of `text`, which must not be empty.
    fn value(&mut self, text: &Text) -> Option<String> {
        match self.optional(text)? {
            Value::Given(value) => Some(value),
            Value::EmptyVariable(variable) => {
                self.problem(&text.referenced, format!("empty because the variable {variable} is empty; set it"))
            }
        }
    }

    /// A value that becomes a header's: printable ASCII.
    fn header_safe(&mut self, text: &Text, value: &str) -> Option<()> {
        if value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            Some(())
        } else {
            self.problem(&text.referenced, "must be printable ASCII without line breaks; check for a stray newline")
        }
    }

    /// Parses a value, or complains with what was expected and what stands in the file.
    fn parsed<T>(&mut self, text: &Text, expected: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let value = self.value(text)?;
        match parse(&value) {
            Some(parsed) => Some(parsed),
            None => self.problem(&text.referenced, format!("`{}` is not {expected}", text.value)),
        }
    }
}

/// A store that a variable leaves empty is one that is not configured.
fn store(check: &mut Check<'_>, text: &Text) -> Option<Secret> {
    let Value::Given(value) = check.optional(text)? else { return None };
    if ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| value.starts_with(scheme)) {
        Some(Secret::new(value))
    } else {
        check.problem(&text.referenced, "the store must be sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE")
    }
}

/// A token that a variable leaves empty is one that is not configured.
fn token(check: &mut Check<'_>, text: &Text) -> Option<Secret> {
    let Value::Given(value) = check.optional(text)? else { return None };
    check.header_safe(text, &value)?;
    if value.len() < MIN_TOKEN {
        return check.problem(&text.referenced, format!("a token needs at least {MIN_TOKEN} characters"));
    }
    Some(Secret::new(value))
}

fn max_body(check: &mut Check<'_>, text: &Text) -> Option<u64> {
    let bytes = check.parsed(text, "a size; write it like 32MiB", scalar::size_bytes)?;
    if bytes > MAX_MAX_BODY {
        return check.problem(&text.referenced, "at most 1GiB: Envoy holds each body in memory");
    }
    Some(bytes)
}

/// Shortest token that is accepted, in characters.
const MIN_TOKEN: usize = 8;
/// Envoy's buffer limits are 32-bit.
const MAX_MAX_BODY: u64 = 1 << 30;
