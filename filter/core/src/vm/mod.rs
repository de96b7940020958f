//! What one VM (one worker of Envoy) knows: both roles of the filter and all its exchanges share it.
//! The top floor of the core: it holds what the rooms below decide on, and the stream to the control plane.

mod keys;
pub mod outbox;
pub mod session;

use std::rc::Rc;

use crate::{admit::snapshot::Snapshot, exchange::Table};
pub use keys::{KeyCache, Known, Resolution};
use outbox::Outbox;
use session::Session;

/// The state of one VM. Nothing is shared between VMs.
#[derive(Debug)]
pub struct Vm {
    /// Who it is.
    pub node: Node,
    /// What the control plane last sent and this VM accepted.
    pub snapshot: Option<Rc<Snapshot>>,
    /// What it knows of keys.
    pub keys: KeyCache,
    /// What is under way.
    pub exchanges: Table,
    /// What has ended and is not yet on record.
    pub outbox: Outbox,
    /// Its stream to the control plane.
    pub session: Session,
}

/// Who a VM is.
#[derive(Clone, Debug)]
pub struct Node {
    /// Random, made when the VM starts.
    pub vm_id: String,
    /// Envoy's `node.id`.
    pub node_id: String,
}

impl Vm {
    /// A VM that has just started. `clusters` as in [`Snapshot::compile`].
    #[must_use]
    pub fn new(node: Node, clusters: Option<Vec<String>>) -> Self {
        Self {
            node,
            snapshot: None,
            keys: KeyCache::default(),
            exchanges: Table::default(),
            outbox: Outbox::default(),
            session: Session::new(clusters),
        }
    }
}
