//! Whom a key belongs to, or why it is refused.

use std::rc::Rc;

use crate::words::Glob;

/// Whom a key belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Identifies the key.
    pub key_id: Rc<str>,
    /// The key's name, for people.
    pub name: Rc<str>,
    /// Empty for none.
    pub team: Rc<str>,
    /// Empty for none.
    pub user: Rc<str>,
    /// Which models it may use.
    pub models: Vec<Glob>,
}

impl Principal {
    /// Whether the key may use the model of this name.
    #[must_use]
    pub fn may_use(&self, model: &str) -> bool {
        self.models.iter().any(|glob| glob.matches(model))
    }

    /// Whether the key may ask a provider by its name, for `provider/model`.
    #[must_use]
    pub fn may_use_direct(&self, name: &str) -> bool {
        self.models.iter().any(|glob| glob.names_provider() && glob.matches(name))
    }
}

/// Why the control plane refuses a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRefusal {
    /// There is no such key.
    Unknown,
    /// It was revoked.
    Revoked,
    /// Its time is over.
    Expired,
}
