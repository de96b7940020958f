//! One place that a model can be asked for at.

/// Provider and upstream model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Name of a provider of the same configuration.
    pub provider: String,
    /// `None`: the name the client asked for.
    pub model: Option<String>,
    /// Share among the targets of the same priority; at least one of them has more than 0.
    pub weight: u32,
    /// Lower is tried first.
    pub priority: u32,
}
