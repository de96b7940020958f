use std::fmt;

/// Something of a request that the target's format cannot say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Where it stood in the client's body, as a dotted path: `messages.2.name`.
    pub path: String,
    /// Why it could not cross, for people.
    pub reason: &'static str,
}

/// Everything a translation could not carry, in the order it was met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses(Vec<Loss>);

impl Losses {
    /// Declares one loss.
    pub fn declare(&mut self, path: impl Into<String>, reason: &'static str) {
        self.0.push(Loss { path: path.into(), reason });
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
