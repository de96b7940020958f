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
    /// Where usage waits for the store.
    pub spool: Spool,
    /// Opens the HTTP API.
    pub admin_token: Option<Secret>,
    /// Opens the gRPC port.
    pub node_token: Option<Secret>,
    /// What was left out because a variable is empty, one sentence each.
    pub notices: Vec<String>,
}

/// What becomes of usage while the store is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spool {
    /// The file says nothing of it: a spool of the usual size, if the data folder can be written.
    Unstated,
    /// A spool of at most so many bytes.
    AtMost(u64),
    /// No spool: usage is acknowledged when the store has committed it.
    None,
}

/// Largest spool when the file does not say: 1 GiB.
pub const DEFAULT_SPOOL: u64 = 1 << 30;

/// Largest request body when the file does not say: 32 MiB.
pub const DEFAULT_MAX_BODY: u64 = 32 << 20;
