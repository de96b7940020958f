//! What every part of a running control plane shares: the store, the way into it, what is in force, the VMs, the counters.

use std::time::Duration;

use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tollgate_core::words::KeyDigest;

use crate::{
    intake::{Intake, Keeping, Work},
    metrics::Metrics,
    publish::Publisher,
    store::Store,
    vms::Vms,
};

/// The shared state. Clones share one.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) store: Store,
    /// What VMs say of their exchanges goes in here.
    pub(crate) intake: Intake,
    pub(crate) publisher: Publisher,
    pub(crate) vms: Vms,
    pub(crate) metrics: Metrics,
    /// Keys that changed, for every session.
    pub(crate) changes: broadcast::Sender<Vec<KeyDigest>>,
    pub(crate) heartbeat: Duration,
    /// The server is stopping: sessions, which do not end by themselves, end then.
    pub(crate) stop: CancellationToken,
}

/// How many batches of key changes may wait for a session.
const CHANGES_BACKLOG: usize = 64;

impl App {
    /// Over an open store, before anything is in force; with what must run for the intake to work.
    pub(crate) fn new(store: Store, keeping: Keeping, heartbeat: Duration) -> (Self, Work) {
        let (vms, metrics) = (Vms::default(), Metrics::default());
        let (intake, work) = Intake::new(store.clone(), metrics.clone(), keeping);
        let app = Self {
            publisher: Publisher::new(store.clone(), vms.clone()),
            store,
            intake,
            vms,
            metrics,
            changes: broadcast::Sender::new(CHANGES_BACKLOG),
            heartbeat,
            stop: CancellationToken::new(),
        };
        (app, work)
    }
}
