//! What a file says, once it is free of mistakes.

use tollgate_core::words::Secret;

use crate::domain::{Policy, key::BootstrapKey};

/// A configuration without mistakes: every name it refers to exists.
#[derive(Debug, Clone)]
pub struct Config {
    /// What traffic is served by.
    pub policy: Policy,
    /// Keys that exist from the start.
    pub keys: Vec<BootstrapKey>,
    /// `sqlite://…` or `postgres://…`; may hold a password.
    pub store: Option<Secret>,
    /// Opens the HTTP API.
    pub admin_token: Option<Secret>,
    /// Opens the gRPC port.
    pub node_token: Option<Secret>,
    /// What was left out because a variable is empty, one sentence each.
    pub notices: Vec<String>,
}

/// Largest request body when the file does not say: 32 MiB.
pub const DEFAULT_MAX_BODY: u64 = 32 << 20;
