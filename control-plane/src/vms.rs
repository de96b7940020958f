//! The VMs that have a session with this process, and what each has acknowledged.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

/// The registry. Clones share one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vms {
    vms: Arc<Mutex<BTreeMap<String, Vm>>>,
    /// Told whenever a VM says what it runs on.
    said: watch::Sender<()>,
}

/// One VM.
#[derive(Clone, Debug)]
pub(crate) struct Vm {
    pub(crate) node_id: String,
    pub(crate) filter_version: String,
    pub(crate) version: u64,
    /// The version that it refused last, and why.
    pub(crate) refused: Option<(u64, String)>,
    pub(crate) connected_at: jiff::Timestamp,
    pub(crate) heard_at: jiff::Timestamp,
    pub(crate) outbox_records: u64,
    pub(crate) dropped_records: u64,
    pub(crate) open_exchanges: usize,
    /// Which of the VM's sessions this is: an old one that ends late must not take a new one out.
    session: i64,
}

impl Vms {
    pub(crate) fn begin(&self, id: &str, node_id: String, filter_version: String, version: u64, session: i64) {
        let now = jiff::Timestamp::now();
        let vm = Vm {
            node_id,
            filter_version,
            version,
            refused: None,
            connected_at: now,
            heard_at: now,
            outbox_records: 0,
            dropped_records: 0,
            open_exchanges: 0,
            session,
        };
        self.lock().insert(id.to_owned(), vm);
        self.said.send_replace(());
    }

    /// Whether that was the VM's current session.
    pub(crate) fn end(&self, id: &str, session: i64) -> bool {
        let mut vms = self.lock();
        let current = vms.get(id).is_some_and(|vm| vm.session == session);
        if current {
            vms.remove(id);
        }
        current
    }

    pub(crate) fn update(&self, id: &str, change: impl FnOnce(&mut Vm)) {
        if let Some(vm) = self.lock().get_mut(id) {
            vm.heard_at = jiff::Timestamp::now();
            change(vm);
        }
    }

    pub(crate) fn acknowledge(&self, id: &str, in_force: u64, refused: Option<(u64, String)>) {
        self.update(id, |vm| {
            vm.version = in_force;
            vm.refused = refused;
        });
        self.said.send_replace(());
    }

    pub(crate) fn list(&self) -> Vec<(String, Vm)> {
        self.lock().iter().map(|(id, vm)| (id.clone(), vm.clone())).collect()
    }

    /// Until so many of the VMs that are connected run on this version or a later one.
    pub(crate) async fn acknowledged(&self, version: u64, vms: usize) {
        let enough = || self.lock().values().filter(|vm| vm.version >= version).count() >= vms;
        let mut said = self.said.subscribe();
        // The sender is ours: waiting never ends for want of it.
        while !enough() && said.changed().await.is_ok() {}
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vm>> {
        self.vms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
