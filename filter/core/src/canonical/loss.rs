//! What a translation could not carry.

use std::fmt;

use super::Given;
use crate::words::LossKind;

/// Something that the other side's format cannot say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Where it stood, as a dotted path: `messages.2.name` in the client's body.
    pub path: String,
    /// Whether something like it crossed.
    pub kind: LossKind,
    /// Why it could not cross as it was, for people.
    pub reason: &'static str,
}

/// Everything a translation could not carry, in the order it was met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses(Vec<Loss>);

/// Most losses that are told apart; a list so long says enough.
const MAX_LOSSES: usize = 256;

impl Losses {
    /// Declares that nothing of this crossed.
    #[inline(never)]
    pub fn declare(&mut self, path: impl Into<String>, reason: &'static str) {
        self.add(Loss { path: path.into(), kind: LossKind::Dropped, reason });
    }

    /// Declares that nothing of this value crossed, where the client gave one.
    pub fn declare_given<T>(&mut self, given: Option<&Given<T>>, reason: &'static str) {
        if let Some(given) = given {
            self.declare(given.path.as_ref(), reason);
        }
    }

    /// Declares that something near to it crossed.
    #[inline(never)]
    pub fn approximate(&mut self, path: impl Into<String>, reason: &'static str) {
        self.add(Loss { path: path.into(), kind: LossKind::Approximated, reason });
    }

    /// Adds a loss that is not there yet.
    fn add(&mut self, loss: Loss) {
        if self.0.len() < MAX_LOSSES && !self.0.contains(&loss) {
            self.0.push(loss);
        }
    }

    /// Whether everything crossed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Each in turn.
    pub fn iter(&self) -> impl Iterator<Item = &Loss> {
        self.0.iter()
    }
}

/// `path (reason); path (reason)`, as `x-tollgate-losses` shows it.
impl fmt::Display for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, loss) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{} ({})", loss.path, loss.reason)?;
        }
        Ok(())
    }
}
