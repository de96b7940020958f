//! Why a step of a plan is left out.

use crate::{canonical::Losses, translate::InvalidRequest};

/// Why one exchange may not go to a step, although its chain has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The provider speaks no format that this kind of call can be translated to.
    Operation,
    /// The request cannot be put into the provider's format.
    Untranslatable(InvalidRequest),
    /// The route refuses losses, and the provider's format cannot say these.
    Lossy(Losses),
}

impl Unfit {
    /// The error code of the refusal that it is where no step is left.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Operation => "unsupported_operation",
            Self::Untranslatable(_) => "invalid_value",
            Self::Lossy(_) => "lossy_translation",
        }
    }
}
