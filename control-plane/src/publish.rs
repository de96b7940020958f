//! Stands in for the publisher until it is merged.

use std::sync::{Arc, Mutex};

use tollgate_proto::v1::Snapshot;

use crate::domain::key::BootstrapKey;

/// Publisher.
#[derive(Debug, Clone, Default)]
pub struct Publisher(Arc<Mutex<u64>>);

impl Publisher {
    /// Publish.
    pub async fn publish(&self, _snapshot: Snapshot, _keys: Vec<BootstrapKey>) -> std::io::Result<u64> {
        let mut version = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *version += 1;
        Ok(*version)
    }
    /// Reject.
    pub fn reject(&self, _reason: String) {}
    /// Acknowledged.
    pub async fn acknowledged(&self, _version: u64) {}
}
