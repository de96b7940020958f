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
    pub spool: SpoolSetting,
    /// Opens the HTTP API.
    pub admin_token: Option<Secret>,
    /// Opens the gRPC port.
    pub node_token: Option<Secret>,
    /// What was left out because a variable is empty, one sentence each.
    pub notices: Vec<String>,
}

/// What becomes of usage while the store is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpoolSetting {
    /// The file says nothing of it: a spool of the usual size, if the data folder can be written.
    Unstated,
    /// A spool of at most so many bytes.
    AtMost(u64),
    /// No spool: usage is acknowledged when the store has committed it.
    None,
}

impl SpoolSetting {
    /// What an acknowledgement of usage waits for.
    #[must_use]
    pub fn acknowledged(self) -> String {
        match self {
            Self::Unstated => format!(
                "usage is acknowledged when it is in the spool of the data folder (at most {} MiB), or, where that folder cannot be \
                 written, when the store has committed it",
                DEFAULT_SPOOL >> 20
            ),
            Self::AtMost(_) => {
                "usage is acknowledged when it is in the spool, so the data folder must be durable".to_owned()
            }
            Self::None => "usage is acknowledged when the store has committed it: there is no spool".to_owned(),
        }
    }
}

/// Most that the entries of a spool take when the file does not say, in bytes.
pub const DEFAULT_SPOOL: u64 = 1 << 30;

/// Smallest spool, in bytes: room for a few messages of each VM.
pub(super) const MIN_SPOOL: u64 = 16 << 20;

/// Largest request body when the file does not say: 32 MiB.
pub const DEFAULT_MAX_BODY: u64 = 32 << 20;
