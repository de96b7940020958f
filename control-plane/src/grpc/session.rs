//! `Session.Open`: one VM's stream, from its hello to its end.

use std::pin::Pin;

use tokio::sync::{broadcast::error::RecvError, mpsc};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tollgate_proto::v1::{
    Down, Hello, KeysChanged, OpenExchanges, Opened, SnapshotAck, Up, UsageAck, Welcome, down, session_server, up,
};
use tonic::{Code, Request, Response, Status, Streaming};
use tracing::{debug, info, warn};

use super::{MAX_MESSAGE, open::Open};
use crate::{app::App, intake::Refused};

/// `tollgate.v1.Session`.
#[derive(Debug)]
pub(super) struct Sessions {
    app: App,
}

impl Sessions {
    pub(super) fn new(app: App) -> Self {
        Self { app }
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
        // One of its own for each session with any control plane; positive, as both stores have no other.
        let number = getrandom::u64().map_err(|error| Status::internal(format!("no randomness: {error}")))?;
        let session = Session { number: i64::try_from(number >> 1).unwrap_or(i64::MAX), app: self.app.clone(), down };
        // The answer's head must not wait for the hello: a proxy in between may hold that back until it has the head.
        tokio::spawn(session.run(up));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

/// One VM's stream.
struct Session {
    number: i64,
    app: App,
    down: mpsc::Sender<Result<Down, Status>>,
}

/// The most usage records of one message; the filter's have at most 500.
const MAX_RECORDS: usize = 1_000;
/// The most open exchanges of one message: more than fit into one of the filter's.
const MAX_EXCHANGES: usize = 50_000;
/// The most attempts that one usage record lists; the filter's have at most 16.
const MAX_ATTEMPTS: usize = 64;
/// The longest id of a VM, in bytes; the filter's have 32. It stands in each entry of the spool, whose size is counted without it.
const MAX_VM_ID: usize = 64;
/// The most that is kept of what is only shown to people, in bytes.
const MAX_SHOWN: usize = 1_024;

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
            Ok(Ok(Some(Up { kind: Some(up::Kind::Hello(hello)) }))) => hello,
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
        if !is_vm_id(&hello.vm_id) {
            let said = format!("the id of a VM is 1 to {MAX_VM_ID} printable ASCII characters");
            let _ = self.down.send(Err(Status::invalid_argument(said))).await;
            return;
        }
        let hello = Hello { node_id: shown(hello.node_id), filter_version: shown(hello.filter_version), ..hello };
        let vms = &self.app.vms;
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
            if let Err(error) = self.app.intake.take(&vm_id, self.number, None).await {
                warn!(vm.id = vm_id, %error, "the end of a session could not be kept; it will be noticed by silence");
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
        // Before anything that may take long.
        let current = snapshots.borrow_and_update().clone();
        if let Some(current) = current
            && let Err(over) = self.send(down::Kind::Snapshot((*current.snapshot).clone())).await
        {
            return over;
        }
        self.note(&hello.vm_id, up::Kind::Hello(hello.clone())).await;
        // Silence for three beats is an end: a VM that trapped leaves its stream open behind it.
        let patience = self.app.heartbeat * 3;
        let silence = tokio::time::sleep(patience);
        tokio::pin!(silence);
        let mut open = Open::default();
        loop {
            let sent = tokio::select! {
                message = up.message() => match message {
                    Ok(Some(Up { kind: Some(kind) })) => {
                        let handled = self.handle(&hello.vm_id, kind, &mut open).await;
                        // From here on: it may have taken long, and meanwhile nobody listened.
                        silence.as_mut().reset(tokio::time::Instant::now() + patience);
                        handled
                    }
                    Ok(Some(Up { kind: None })) => Ok(()),
                    Ok(None) => return Over::Gone,
                    Err(status) if status.code() == Code::OutOfRange => {
                        return Over::Refused(Status::resource_exhausted(format!(
                            "a message may have {MAX_MESSAGE} bytes at most"
                        )));
                    }
                    Err(status) => {
                        // An Envoy that ends, in whatever way, leaves its streams like this: that the session ends is said anyway.
                        debug!(vm.id = hello.vm_id, error = %status, "the stream of a session broke");
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

    async fn handle(&self, vm_id: &str, kind: up::Kind, open: &mut Open) -> Result<(), Over> {
        match kind {
            up::Kind::Hello(_) => return Err(Over::Refused(Status::invalid_argument("hello was said before"))),
            up::Kind::SnapshotAck(SnapshotAck { version, refusal, in_force_version }) => {
                let refusal = shown(refusal);
                let refused = (!refusal.is_empty()).then(|| {
                    warn!(vm.id = vm_id, snapshot.version = version, reason = refusal, "snapshot refused by a VM");
                    (version, refusal)
                });
                self.app.vms.acknowledge(vm_id, in_force_version, refused);
            }
            up::Kind::Usage(batch) => {
                at_most(MAX_RECORDS, batch.records.len(), "usage records")?;
                let attempts = batch.records.iter().map(|record| record.attempts.len()).max();
                at_most(MAX_ATTEMPTS, attempts.unwrap_or_default(), "attempts in one usage record")?;
                let sequence = batch.sequence;
                open.ended(&batch.records);
                self.app.vms.update(vm_id, |vm| vm.open_exchanges = open.len());
                // Without an acknowledgement the VM sends it again in its next session, so this one is ended for it.
                let taken = self.app.intake.take(vm_id, self.number, Some(up::Kind::Usage(batch))).await;
                taken.map_err(|refused| Over::Refused(status(&refused)))?;
                return self.send(down::Kind::UsageAck(UsageAck { sequence })).await;
            }
            up::Kind::Opened(Opened { exchanges }) => {
                at_most(MAX_EXCHANGES, exchanges.len(), "exchanges")?;
                open.opened(&exchanges);
                self.app.vms.update(vm_id, |vm| vm.open_exchanges = open.len());
                self.note(vm_id, up::Kind::Opened(Opened { exchanges })).await;
            }
            up::Kind::OpenExchanges(part) => {
                at_most(MAX_EXCHANGES, part.exchanges.len(), "exchanges")?;
                let OpenExchanges { dropped_records, outbox_records, more, .. } = part;
                open.listed(&part.exchanges, more);
                if !more {
                    self.app.vms.update(vm_id, |vm| {
                        vm.open_exchanges = open.len();
                        vm.dropped_records = dropped_records;
                        vm.outbox_records = outbox_records;
                    });
                }
                self.note(vm_id, up::Kind::OpenExchanges(part)).await;
            }
        }
        Ok(())
    }

    /// Has the intake take what needs no answer. Where it cannot, that is in its log, and the next beat says it again.
    async fn note(&self, vm_id: &str, said: up::Kind) {
        if let Err(error) = self.app.intake.take(vm_id, self.number, Some(said)).await {
            debug!(vm.id = vm_id, %error, "what a VM has open was not taken");
        }
    }

    async fn send(&self, kind: down::Kind) -> Result<(), Over> {
        self.down.send(Ok(Down { kind: Some(kind) })).await.map_err(|_| Over::Gone)
    }
}

fn is_vm_id(id: &str) -> bool {
    (1..=MAX_VM_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What is kept of a text that only people read.
fn shown(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_SHOWN));
    text
}

/// Refuses what is too long as a whole: half of it would be worse than nothing.
fn at_most(most: usize, there: usize, what: &str) -> Result<(), Over> {
    if there <= most {
        return Ok(());
    }
    Err(Over::Refused(Status::resource_exhausted(format!("a message may have {most} {what} at most, not {there}"))))
}

fn status(refused: &Refused) -> Status {
    let said = refused.public();
    if matches!(refused, Refused::Full) { Status::resource_exhausted(said) } else { Status::unavailable(said) }
}
