//! A mistake in the configuration file, and where it is.

use std::fmt;

/// One mistake. Its text quotes the file as written, never what a variable held.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file as the user named it.
    pub file: String,
    /// From 1; 0 when the mistake has no place.
    pub line: u64,
    /// From 1, in characters; 0 when the mistake has no place.
    pub column: u64,
    /// What is wrong and what to do about it.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "{}: {}", self.file, self.message)
        } else {
            write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
        }
    }
}

/// All mistakes of a file, at least one, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// `None` when there are no problems.
    pub(super) fn from_list(mut problems: Vec<Problem>) -> Option<Self> {
        problems.sort_by_key(|problem| (problem.line, problem.column));
        if problems.is_empty() { None } else { Some(Self(problems)) }
    }

    /// One problem that concerns the file as a whole.
    pub(crate) fn whole_file(file: &str, message: String) -> Self {
        Self(vec![Problem { file: file.to_owned(), line: 0, column: 0, message }])
    }

    pub(super) fn one(problem: Problem) -> Self {
        Self(vec![problem])
    }

    /// The mistakes in the order of the text.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// ` (did you mean …?)` for the candidate that is nearest to what was written, or nothing.
pub(super) fn suggestion<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(written, candidate), candidate))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| format!(" (did you mean `{candidate}`?)"))
        .unwrap_or_default()
}
