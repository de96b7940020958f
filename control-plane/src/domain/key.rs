//! Keys.

pub use super::secret::Secret;

/// A key that the configuration file states.
#[derive(Debug, Clone)]
pub struct BootstrapKey {
    /// Unique.
    pub name: String,
    /// The key itself.
    pub key: Secret,
    /// Team, if any.
    pub team: Option<String>,
    /// User, if any.
    pub user: Option<String>,
    /// Globs.
    pub models: Vec<String>,
}
