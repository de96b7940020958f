//! Between sessions and the store: what VMs say of their exchanges is made durable here, and only then is it acknowledged.
//!
//! ```text
//!              many at once            in order, in batches
//!  sessions ───► keeper ───► spool ───► drain ──► carrier ──► store        with a spool
//!  sessions ───► keeper ────────────────────────► carrier ──► store        without: only the store's commit is durable
//! ```
//! With a spool, the store may be away: records are acknowledged, and brought into it when it is back. Without one, nothing is
//! acknowledged meanwhile and the VMs keep what they have. What an earlier start left in a spool is drained either way.

mod carrier;
mod drain;
mod entry;
mod keeper;
pub(crate) mod spool;
mod wire;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use tokio::sync::{mpsc, oneshot};
use tollgate_proto::v1::{Up, up};

use self::{
    carrier::Carrier,
    entry::Entry,
    keeper::{Job, Sink},
    spool::{Held, Spool},
};
use crate::{
    metrics::Metrics,
    store::{Store, now_ms},
};

/// Where sessions hand over. Clones share one.
#[derive(Clone, Debug)]
pub(crate) struct Intake {
    jobs: mpsc::Sender<Job>,
    shared: Arc<Shared>,
}

/// What must run for anything to be taken.
#[derive(Debug)]
pub(crate) struct Work {
    jobs: mpsc::Receiver<Job>,
    shared: Arc<Shared>,
}

/// What an acknowledgement waits for.
#[derive(Debug)]
pub(crate) enum Keeping {
    /// A commit of the spool.
    Spool(Spool),
    /// A commit of the store. What is in a spool from before is brought there too.
    Store(Option<Spool>),
}

#[derive(Debug)]
struct Shared {
    carrier: Carrier,
    spool: Option<Arc<Spool>>,
    /// Whether the spool takes what is handed over.
    spooling: bool,
    metrics: Metrics,
    refusing: Mutex<Option<Refused>>,
    /// When something was refused last, in milliseconds since the Unix epoch: what VMs said until then may not be known.
    refused_at: AtomicI64,
    emptying_fails: AtomicBool,
    /// Since when the store does not answer, whatever it is asked, in milliseconds since the Unix epoch.
    silent_since: Mutex<Option<i64>>,
}

/// Why something is not taken.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the spool is full: bring the store back, or give it more room (`spool` in tollgate.yaml)")]
    Full,
    #[error("{0}")]
    Spool(Arc<str>),
    #[error("the store failed")]
    Store,
    #[error("the control plane is stopping")]
    Stopping,
}

impl Refused {
    /// For those who may not know what files we have, nor what a database says.
    pub(crate) fn public(&self) -> String {
        match self {
            Self::Spool(_) => "the spool cannot be written: the control plane's log says why".to_owned(),
            Self::Full | Self::Store | Self::Stopping => self.to_string(),
        }
    }
}

/// How it stands.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    /// What the spool holds, and the most that it may, in bytes; `None` without one.
    pub(crate) spool: Option<(Held, u64)>,
    /// Whether the spool takes what is handed over.
    pub(crate) spooling: bool,
    /// Whether the spool cannot be emptied, for a reason that is not the store's.
    pub(crate) emptying_fails: bool,
    /// Since when the store fails to keep what it is given, in milliseconds since the Unix epoch.
    pub(crate) store_failing_since: Option<i64>,
    /// Since when it does not answer, whatever it is asked, likewise.
    pub(crate) store_silent_since: Option<i64>,
    /// Why nothing is taken.
    pub(crate) refusing: Option<Refused>,
}

/// How many sessions may wait for the keeper before others wait to wait.
const BACKLOG: usize = 1_024;

impl Intake {
    /// Over an open store.
    pub(crate) fn new(store: Store, metrics: Metrics, keeping: Keeping) -> (Self, Work) {
        let (sender, jobs) = mpsc::channel(BACKLOG);
        let (spool, spooling) = match keeping {
            Keeping::Spool(spool) => (Some(spool), true),
            Keeping::Store(spool) => (spool, false),
        };
        let shared = Arc::new(Shared {
            carrier: Carrier::new(store, metrics.clone()),
            spool: spool.map(Arc::new),
            spooling,
            metrics,
            refusing: Mutex::default(),
            refused_at: AtomicI64::new(i64::MIN),
            emptying_fails: AtomicBool::new(false),
            silent_since: Mutex::default(),
        });
        (Self { jobs: sender, shared: shared.clone() }, Work { jobs, shared })
    }

    /// Takes what a VM said in a session, or `None` at the end of it. It is durable when this answers.
    pub(crate) async fn take(&self, vm_id: &str, session: i64, said: Option<up::Kind>) -> Result<(), Refused> {
        let said = said.map(|kind| Up { kind: Some(kind) });
        let entry = Entry { vm_id: vm_id.to_owned(), session, received_at: now_ms(), said };
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Job::Keep(entry, answer)).await.map_err(|_| Refused::Stopping)?;
        answered.await.unwrap_or(Err(Refused::Stopping))
    }

    /// Up to which moment all that was taken is in the store, in milliseconds since the Unix epoch; `None` where that cannot be said.
    pub(crate) async fn complete_until(&self) -> Option<i64> {
        let now = now_ms();
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Job::Fence(answer)).await.ok()?;
        answered.await.ok()?;
        match &self.shared.spool {
            None => Some(now),
            Some(spool) => Some(spool.oldest().await.ok()?.unwrap_or(now).min(now)),
        }
    }

    /// When something was refused last, in milliseconds since the Unix epoch.
    pub(crate) fn refused_at(&self) -> i64 {
        self.shared.refused_at.load(Ordering::Relaxed)
    }

    /// Notes whether the store answered somebody who asked it something else.
    pub(crate) fn store_answered(&self, answered: bool) {
        let mut silent_since = self.shared.silent_since();
        if answered {
            *silent_since = None;
        } else {
            silent_since.get_or_insert_with(now_ms);
        }
    }

    /// Until the store has all that was taken.
    pub(crate) async fn settled(&self) {
        if let Some(spool) = &self.shared.spool {
            // The sender is the spool's own: waiting never ends for want of it.
            let _ = spool.held().wait_for(|held| held.entries == 0).await;
        }
    }

    pub(crate) fn status(&self) -> Status {
        let Shared { carrier, spool, spooling, emptying_fails, .. } = &*self.shared;
        // There may be room again that nobody has asked for.
        let full = spool.as_ref().is_some_and(|spool| spool.is_full());
        let refusing = self.shared.refusing().clone().filter(|refused| full || !matches!(refused, Refused::Full));
        Status {
            spool: spool.as_ref().map(|spool| (*spool.held().borrow(), spool.max_bytes())),
            spooling: *spooling,
            emptying_fails: emptying_fails.load(Ordering::Relaxed),
            store_failing_since: carrier.failing_since(),
            store_silent_since: *self.shared.silent_since(),
            refusing,
        }
    }
}

impl Work {
    /// Runs until no [`Intake`] is left, and with a spool longer.
    pub(crate) async fn run(self) {
        let Self { jobs, shared } = self;
        let sink = match &shared.spool {
            Some(spool) if shared.spooling => Sink::Spool(spool.clone()),
            _ => Sink::Store(shared.carrier.clone()),
        };
        let keeping = keeper::run(jobs, sink, shared.clone());
        match &shared.spool {
            Some(spool) => {
                tokio::join!(keeping, drain::run(spool.clone(), shared.clone()));
            }
            None => keeping.await,
        }
    }
}

impl Shared {
    fn refusing(&self) -> MutexGuard<'_, Option<Refused>> {
        self.refusing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn silent_since(&self) -> MutexGuard<'_, Option<i64>> {
        self.silent_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refused_at(&self, at: i64) {
        self.refused_at.store(at, Ordering::Relaxed);
    }

    fn emptying_fails(&self, fails: bool) {
        self.emptying_fails.store(fails, Ordering::Relaxed);
    }
}
