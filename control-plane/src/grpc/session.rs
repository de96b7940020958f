//! `Session.Open`: one VM's stream, from its hello to its end.

use std::{
    pin::Pin,
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
};

use tokio::sync::{broadcast::error::RecvError, mpsc};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tollgate_proto::v1::{
    Down, Hello, KeysChanged, OpenExchanges, Opened, SnapshotAck, Up, UsageAck, UsageBatch, Welcome, down,
    session_server, up,
};
use tonic::{Request, Response, Status, Streaming};
use tracing::{info, warn};

use super::wire;
use crate::{app::App, domain::record::OpenExchange};

/// `tollgate.v1.Session`.
#[derive(Debug)]
pub(super) struct Sessions {
    app: App,
    next: AtomicU64,
}

impl Sessions {
    pub(super) fn new(app: App) -> Self {
        Self { app, next: AtomicU64::new(1) }
    }
}

/// How many messages may wait for a slow VM before its session does.
const BACKLOG: usize = 16;

#[tonic::async_trait]
impl session_server::Session for Sessions {
    type OpenStream = Pin<Box<dyn Stream<Item = Result<Down, Status>> + Send>>;

    async fn open(&self, request: Request<Streaming<Up>>) -> Result<Response<Self::OpenStream>, Status> {
        let up = request.into_inner();
        let (down, receiver) = mpsc::channel(BACKLOG);
        let session = Session {
            number: self.next.fetch_add(1, Ordering::Relaxed),
            app: self.app.clone(),
            down,
            heard_at: AtomicI64::new(0),
        };
        // The answer's head must not wait for the hello: a proxy in between may hold that back until it has the head.
        tokio::spawn(session.run(up));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

/// One VM's stream.
struct Session {
    number: u64,
    app: App,
    down: mpsc::Sender<Result<Down, Status>>,
    /// The last sign of life that this session put on record.
    heard_at: AtomicI64,
}

/// The most open exchanges that are kept of one VM, which has far fewer; what is beyond leaves no trace if the VM dies.
const MAX_OPEN: usize = 100_000;

/// Why a session is over.
enum Over {
    /// The VM went away, or its stream broke.
    Gone,
    /// It does not follow the protocol.
    Refused(Status),
}

impl Session {
    async fn run(self, mut up: Streaming<Up>) {
        // Three beats, as for every later word.
        let hello = match tokio::time::timeout(self.app.heartbeat * 3, up.message()).await {
            Ok(Ok(Some(Up { kind: Some(up::Kind::Hello(hello)) }))) if !hello.vm_id.is_empty() => hello,
            Ok(Ok(None) | Err(_)) => return,
            Err(_) => {
                let _ = self.down.send(Err(Status::deadline_exceeded("no hello"))).await;
                return;
            }
            Ok(Ok(Some(_))) => {
                let _ = self.down.send(Err(Status::invalid_argument("the first message must be hello"))).await;
                return;
            }
        };
        let App { vms, store, metrics, .. } = &self.app;
        let vm_id = hello.vm_id.clone();
        info!(vm.id = vm_id, node.id = hello.node_id, snapshot.version = hello.snapshot_version, "session begins");
        vms.begin(&vm_id, hello.node_id.clone(), hello.filter_version.clone(), hello.snapshot_version, self.number);
        let over = self.relay(&hello, &mut up).await;
        if let Over::Refused(status) = over {
            warn!(vm.id = vm_id, error = %status, "session refused");
            let _ = self.down.send(Err(status)).await;
        }
        if vms.end(&vm_id, self.number) {
            info!(vm.id = vm_id, "session ends");
            if let Err(error) = store.end_session(&vm_id, self.heard_at.load(Ordering::Relaxed)).await {
                metrics.store_errors.inc();
                warn!(vm.id = vm_id, %error, "the end of a session could not be stored; it will be noticed by silence");
            }
        }
    }

    async fn relay(&self, hello: &Hello, up: &mut Streaming<Up>) -> Over {
        let mut snapshots = self.app.publisher.subscribe();
        let mut changes = self.app.changes.subscribe();
        let interval = u32::try_from(self.app.heartbeat.as_millis()).unwrap_or(u32::MAX);
        if self.send(down::Kind::Welcome(Welcome { heartbeat_interval_ms: interval })).await.is_err() {
            return Over::Gone;
        }
        snapshots.mark_changed();
        self.hear(&hello.vm_id).await;
        // Silence for three beats is an end: a VM that trapped leaves its stream open behind it.
        let patience = self.app.heartbeat * 3;
        let silence = tokio::time::sleep(patience);
        tokio::pin!(silence);
        // What has come of a list of open exchanges that goes on.
        let mut open = Vec::new();
        loop {
            let sent = tokio::select! {
                message = up.message() => match message {
                    Ok(Some(Up { kind: Some(kind) })) => {
                        silence.as_mut().reset(tokio::time::Instant::now() + patience);
                        self.handle(&hello.vm_id, kind, &mut open).await
                    }
                    Ok(Some(Up { kind: None })) => Ok(()),
                    Ok(None) => return Over::Gone,
                    Err(status) => {
                        info!(vm.id = hello.vm_id, error = %status, "the stream of a session broke");
                        return Over::Gone;
                    }
                },
                changed = snapshots.changed() => {
                    let current = snapshots.borrow_and_update().clone();
                    match (changed, current) {
                        (Err(_), _) => return Over::Gone,
                        (Ok(()), None) => Ok(()),
                        (Ok(()), Some(current)) => self.send(down::Kind::Snapshot((*current.snapshot).clone())).await,
                    }
                }
                changed = changes.recv() => match changed {
                    Ok(digests) => {
                        let digests = digests.iter().map(|digest| digest.as_bytes().to_vec()).collect();
                        self.send(down::Kind::KeysChanged(KeysChanged { digests })).await
                    }
                    // It missed changes: a new session makes the VM ask again for everything.
                    Err(RecvError::Lagged(_)) => return Over::Refused(Status::aborted("too many keys changed at once")),
                    Err(RecvError::Closed) => return Over::Gone,
                },
                () = &mut silence => return Over::Refused(Status::deadline_exceeded("nothing heard for three beats")),
                () = self.down.closed() => return Over::Gone,
                () = self.app.stop.cancelled() => return Over::Gone,
            };
            match sent {
                Ok(()) => {}
                Err(over) => return over,
            }
        }
    }

    async fn handle(&self, vm_id: &str, kind: up::Kind, open: &mut Vec<OpenExchange>) -> Result<(), Over> {
        match kind {
            up::Kind::Hello(_) => return Err(Over::Refused(Status::invalid_argument("hello was said before"))),
            up::Kind::SnapshotAck(SnapshotAck { version, refusal, in_force_version }) => {
                let refused = (!refusal.is_empty()).then(|| {
                    warn!(vm.id = vm_id, snapshot.version = version, reason = refusal, "snapshot refused by a VM");
                    (version, refusal)
                });
                self.app.vms.acknowledge(vm_id, in_force_version, refused);
            }
            up::Kind::Usage(batch) => return self.keep(batch).await,
            up::Kind::Opened(Opened { exchanges }) => {
                let opened: Vec<_> = exchanges.into_iter().filter_map(|wire| wire::open_exchange(wire).ok()).collect();
                if let Err(error) = self.app.store.add_open(vm_id, &opened).await {
                    self.app.metrics.store_errors.inc();
                    warn!(vm.id = vm_id, %error, "exchanges that were opened could not be stored; the next beat says them again");
                }
            }
            up::Kind::OpenExchanges(part) => {
                let OpenExchanges { exchanges, dropped_records, outbox_records, more } = part;
                open.extend(exchanges.into_iter().filter_map(|wire| wire::open_exchange(wire).ok()));
                open.truncate(MAX_OPEN);
                if !more {
                    self.note_open(vm_id, std::mem::take(open), dropped_records, outbox_records).await;
                }
            }
        }
        Ok(())
    }

    /// Commits a batch, then acknowledges it. Where the store fails there is no acknowledgement, and the VM sends it again
    /// in its next session, so the session is ended for it.
    async fn keep(&self, batch: UsageBatch) -> Result<(), Over> {
        let metrics = &self.app.metrics;
        let mut records = Vec::with_capacity(batch.records.len());
        for wire in batch.records {
            match wire::record(wire) {
                Ok(record) => records.push(record),
                Err(error) => {
                    metrics.malformed.inc();
                    warn!(%error, "a usage record cannot be read, now or later: it is dropped");
                }
            }
        }
        match self.app.store.add_records(&records).await {
            Ok(new) => {
                new.into_iter().for_each(|record| metrics.count(record));
                self.send(down::Kind::UsageAck(UsageAck { sequence: batch.sequence })).await
            }
            Err(error) => {
                metrics.store_errors.inc();
                tracing::error!(%error, records = records.len(), "usage could not be stored; the VM will send it again");
                Err(Over::Refused(Status::unavailable("the store failed")))
            }
        }
    }

    async fn note_open(&self, vm_id: &str, open: Vec<OpenExchange>, dropped_records: u64, outbox_records: u64) {
        self.app.vms.update(vm_id, |vm| {
            vm.open_exchanges = open.len();
            vm.dropped_records = dropped_records;
            vm.outbox_records = outbox_records;
        });
        self.hear(vm_id).await;
        if let Err(error) = self.app.store.set_open(vm_id, &open).await {
            self.app.metrics.store_errors.inc();
            warn!(vm.id = vm_id, %error, "open exchanges could not be stored; the next beat says them again");
        }
    }

    async fn hear(&self, vm_id: &str) {
        match self.app.store.hear(vm_id).await {
            Ok(heard_at) => self.heard_at.store(heard_at, Ordering::Relaxed),
            Err(error) => {
                self.app.metrics.store_errors.inc();
                warn!(vm.id = vm_id, %error, "a sign of life could not be stored");
            }
        }
    }

    async fn send(&self, kind: down::Kind) -> Result<(), Over> {
        self.down.send(Ok(Down { kind: Some(kind) })).await.map_err(|_| Over::Gone)
    }
}
