//! The Envoy clusters that a snapshot names: one for each distinct ordered list of providers. Leaving steps out takes none: a cluster
//! has subsets of its endpoints for that.

/// Most clusters that a configuration may need: docs/ENVOY.md has what so many cost Envoy.
pub const MAX_CLUSTERS: usize = 2000;

/// An ordered list of providers, which many routes can share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// `chain/<provider>+<provider>…`, each with `@<origin>` where that is not the usual one of its kind. So a provider that
    /// moves is another cluster: its new credential cannot go to its old place, nor the old one to the new.
    pub name: String,
    /// One Envoy priority each, at least one.
    pub steps: Vec<Step>,
}

/// Where one step of a chain goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Name of the provider.
    pub provider: String,
    /// A name or an address, an IPv6 address without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// TLS to the provider.
    pub tls: bool,
}
