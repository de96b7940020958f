//! What the checks of a file share: how a value is read, and how a mistake is noted.

use crate::config::environment::Environment;
use crate::config::problem::Problem;
use crate::config::raw::{self, Text};

/// What the steps share: the variables, and the mistakes so far.
pub(super) struct Check<'a> {
    file: &'a str,
    environment: &'a Environment,
    pub(super) problems: Vec<Problem>,
    pub(super) notices: Vec<String>,
}

/// A value after expansion.
pub(super) enum Value {
    /// Not empty.
    Given(String),
    /// Nothing was left once the variable was expanded.
    EmptyVariable(String),
}

impl<'a> Check<'a> {
    pub(super) fn new(file: &'a str, environment: &'a Environment) -> Self {
        Self { file, environment, problems: Vec::new(), notices: Vec::new() }
    }

    pub(super) fn problem<T>(&mut self, at: &raw::Spot, message: impl Into<String>) -> Option<T> {
        self.problems.push(Problem {
            file: self.file.to_owned(),
            line: at.line(),
            column: at.column(),
            message: message.into(),
        });
        None
    }

    /// The value of `text`, which must not be empty unless a variable makes it so.
    pub(super) fn optional(&mut self, text: &Text) -> Option<Value> {
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
    pub(super) fn value(&mut self, text: &Text) -> Option<String> {
        match self.optional(text)? {
            Value::Given(value) => Some(value),
            Value::EmptyVariable(variable) => {
                self.problem(&text.referenced, format!("empty because the variable {variable} is empty; set it"))
            }
        }
    }

    /// A value that becomes a header's: printable ASCII.
    pub(super) fn header_safe(&mut self, text: &Text, value: &str) -> Option<()> {
        if value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            Some(())
        } else {
            self.problem(&text.referenced, "must be printable ASCII without line breaks; check for a stray newline")
        }
    }

    /// Parses a value, or complains with what was expected and what stands in the file.
    pub(super) fn parsed<T>(
        &mut self,
        text: &Text,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.value(text)?;
        match parse(&value) {
            Some(parsed) => Some(parsed),
            None => self.problem(&text.referenced, format!("`{}` is not {expected}", text.value)),
        }
    }
}
