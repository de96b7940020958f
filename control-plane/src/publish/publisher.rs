//! The snapshot in force: one at a time, for every session of this process.

use std::sync::{Arc, Mutex, PoisonError};

use prost::Message;
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tollgate_core::admit::snapshot::{InvalidSnapshot, Snapshot as FilterSnapshot};
use tollgate_proto::v1::Snapshot;

use super::error::Error;
use crate::{
    compile::Compiled,
    domain::{Policy, key::BootstrapKey},
    store::Store,
    vms::Vms,
};

/// Puts snapshots in force. Clones share one.
#[derive(Clone, Debug)]
pub struct Publisher {
    store: Store,
    vms: Vms,
    current: watch::Sender<Option<Published>>,
    rejected: Arc<Mutex<Option<String>>>,
}

/// A snapshot in force.
#[derive(Clone)]
pub(crate) struct Published {
    pub(crate) snapshot: Arc<Snapshot>,
    /// What it was compiled from.
    pub(crate) policy: Arc<Policy>,
    pub(crate) at: jiff::Timestamp,
}

/// Without its content, which holds credentials.
impl std::fmt::Debug for Published {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Published").field("version", &self.snapshot.version).finish_non_exhaustive()
    }
}

impl Publisher {
    pub(crate) fn new(store: Store, vms: Vms) -> Self {
        Self { store, vms, current: watch::Sender::new(None), rejected: Arc::default() }
    }

    /// Puts a snapshot in force, with the keys of the file it comes from. The version that it has does not count: the
    /// same content keeps the version it had, other content gets a higher one. An earlier [`Self::reject`] is forgotten.
    ///
    /// # Errors
    /// When the filter would refuse the snapshot, which counts as a [`Self::reject`], or when the store fails; what was in
    /// force stays.
    pub async fn publish(&self, compiled: Compiled, keys: &[BootstrapKey]) -> Result<u64, Error> {
        let Compiled { policy, mut snapshot, clusters: _ } = compiled;
        if let Err(refused) = Self::check(&snapshot) {
            let refused = Error::from(refused);
            self.reject(refused.to_string());
            return Err(refused);
        }
        self.store.set_file_keys(keys).await?;
        snapshot.version = 0;
        let digest = hex::encode(Sha256::digest(canonical(&snapshot)));
        let version = self.store.version_of(&digest).await?;
        snapshot.version = u64::try_from(version).unwrap_or(0);
        *self.rejected.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let published =
            Published { snapshot: Arc::new(snapshot), policy: Arc::new(policy), at: jiff::Timestamp::now() };
        let version = published.snapshot.version;
        self.current.send_if_modified(|current| {
            let same = current.as_ref().is_some_and(|current| current.snapshot.version == version);
            if !same {
                *current = Some(published);
            }
            !same
        });
        Ok(version)
    }

    /// Compiles a snapshot as the filter will. Which clusters an Envoy has is its own to know.
    ///
    /// # Errors
    /// Why the filter would refuse it.
    pub fn check(snapshot: &Snapshot) -> Result<(), InvalidSnapshot> {
        FilterSnapshot::compile(snapshot.clone(), None).map(drop)
    }

    /// An edit could not be put in force: shown by `/health` until one can.
    pub fn reject(&self, reason: String) {
        *self.rejected.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
    }

    /// Waits until so many VMs run on this version or a later one.
    pub async fn acknowledged(&self, version: u64, vms: usize) {
        self.vms.acknowledged(version, vms).await;
    }

    pub(crate) fn rejection(&self) -> Option<String> {
        self.rejected.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Option<Published>> {
        self.current.subscribe()
    }

    pub(crate) fn current(&self) -> Option<Published> {
        self.current.borrow().clone()
    }
}

/// Bytes that are the same for the same content: protobuf leaves the order of a map's entries open.
fn canonical(snapshot: &Snapshot) -> Vec<u8> {
    let mut rest = snapshot.clone();
    let mut aliases: Vec<_> = std::mem::take(&mut rest.aliases).into_iter().collect();
    aliases.sort();
    let mut bytes = rest.encode_to_vec();
    for (alias, model) in aliases {
        bytes.extend_from_slice(format!("\0{alias}\0{model}").as_bytes());
    }
    bytes
}
