//! A VM of Envoy, as the control plane sees it: the filter's own session machine, behind a real gRPC stream.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prost::Message as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tollgate_core::exchange::Shared;
use tollgate_core::vm::{self, Action, Node};
use tollgate_core::words::Millis;
use tollgate_proto::v1::{
    Attempt, Down, Facts, Format, OpenExchange, OpenExchanges, Opened, Operation, Outcome, Provenance, ResolveRequest,
    ResolveResponse, Snapshot, Up, Usage, UsageBatch, UsageRecord, down, keys_client::KeysClient,
    session_client::SessionClient, up,
};
use tonic::{Request, Status, Streaming, transport::Channel};

use super::{
    DEADLINE,
    plane::{NODE_TOKEN, Plane},
};

/// One VM's session. Dropping it closes the stream.
///
/// What comes down is given to the filter's machine first, and what that answers goes up, so that hellos, acknowledgements and
/// batches are the filter's own. Beside it a test can send what the machine never would, or not yet.
pub(crate) struct Vm {
    up: mpsc::Sender<Up>,
    down: Streaming<Down>,
    machine: vm::Vm,
}

impl Vm {
    /// Opens a session and says hello.
    pub(crate) async fn connect(plane: &Plane, id: &str) -> Self {
        Self::connect_to(plane, id, None).await
    }

    /// As [`Self::connect`], of an Envoy that has only these clusters.
    pub(crate) async fn connect_to(plane: &Plane, id: &str, clusters: Option<Vec<String>>) -> Self {
        let mut vm = Self::open(plane, Some(NODE_TOKEN)).await.expect("the session opens");
        vm.machine = vm::Vm::new(Node { vm_id: id.to_owned(), node_id: "node-1".to_owned() }, clusters);
        vm.tick().await;
        vm.until("welcome", |kind| matches!(kind, down::Kind::Welcome(_)).then_some(())).await;
        assert!(vm.machine.session.is_open(), "the welcome opens the filter's session");
        vm
    }

    /// Opens a stream and says nothing.
    pub(crate) async fn open(plane: &Plane, token: Option<&str>) -> Result<Self, Status> {
        let (up, ups) = mpsc::channel(16);
        let request = authorised(ReceiverStream::new(ups), token);
        let down = SessionClient::new(channel(plane).await).open(request).await?.into_inner();
        let nobody = Node { vm_id: String::new(), node_id: String::new() };
        Ok(Self { up, down, machine: vm::Vm::new(nobody, None) })
    }

    /// What the filter's exchanges work on.
    pub(crate) fn shared(&mut self) -> &mut Shared {
        &mut self.machine.shared
    }

    /// The filter's machine, whose outbox goes up with the next [`Self::tick`].
    pub(crate) fn machine(&mut self) -> &mut vm::Vm {
        &mut self.machine
    }

    /// Lets time pass for the filter's machine.
    pub(crate) async fn tick(&mut self) {
        let actions = self.machine.handle_tick(now(), 0);
        self.act(actions).await;
    }

    async fn act(&self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Send(bytes) => {
                    let message = Up::decode(bytes.as_slice()).expect("the filter sends what the protocol has");
                    // A stream that has ended says so when it is read.
                    let _ = self.up.send(message).await;
                }
                Action::Open | Action::Log(..) => {}
                Action::Cancel => panic!("the filter gives the session up"),
            }
        }
    }

    /// Sends a message that is not the machine's.
    pub(crate) async fn send(&self, kind: up::Kind) {
        self.up.send(Up { kind: Some(kind) }).await.expect("the stream is open");
    }

    pub(crate) async fn send_records(&self, sequence: u64, records: Vec<UsageRecord>) {
        self.send(up::Kind::Usage(UsageBatch { sequence, records })).await;
    }

    /// Sends records and waits until they are acknowledged.
    pub(crate) async fn deliver(&mut self, sequence: u64, records: Vec<UsageRecord>) {
        self.send_records(sequence, records).await;
        self.until("the acknowledgement", |kind| match kind {
            down::Kind::UsageAck(ack) if ack.sequence == sequence => Some(()),
            _ => None,
        })
        .await;
    }

    /// The next acknowledgement, or why there is none.
    pub(crate) async fn acknowledgement(&mut self) -> Result<(), Status> {
        loop {
            match self.next().await? {
                Some(down::Kind::UsageAck(_)) => return Ok(()),
                Some(_) => {}
                None => return Err(Status::ok("the end of the stream")),
            }
        }
    }

    /// States what is open; done when the control plane has taken it in.
    pub(crate) async fn state_open(&mut self, sequence: u64, exchanges: Vec<OpenExchange>) {
        self.send(up::Kind::OpenExchanges(OpenExchanges { exchanges, ..OpenExchanges::default() })).await;
        // A session's messages are handled one after the other, so the answer to this one says that the last is done.
        self.deliver(sequence, Vec::new()).await;
    }

    /// Names exchanges as they open; done when the control plane has taken it in.
    pub(crate) async fn name(&mut self, sequence: u64, exchanges: Vec<OpenExchange>) {
        self.send(up::Kind::Opened(Opened { exchanges })).await;
        self.deliver(sequence, Vec::new()).await;
    }

    /// As [`Self::state_open`], in several messages.
    pub(crate) async fn state_open_in_parts(&mut self, sequence: u64, parts: Vec<Vec<OpenExchange>>) {
        let last = parts.len() - 1;
        for (index, exchanges) in parts.into_iter().enumerate() {
            let part = OpenExchanges { exchanges, more: index < last, ..OpenExchanges::default() };
            self.send(up::Kind::OpenExchanges(part)).await;
        }
        self.deliver(sequence, Vec::new()).await;
    }

    /// The next snapshot that comes down, which the machine has then put in force or refused.
    pub(crate) async fn snapshot(&mut self) -> Snapshot {
        self.until("a snapshot", |kind| match kind {
            down::Kind::Snapshot(snapshot) => Some(snapshot),
            _ => None,
        })
        .await
    }

    /// Waits until nothing of the outbox is left.
    pub(crate) async fn flush(&mut self) {
        self.tick().await;
        while !self.machine.outbox.is_empty() {
            self.until("an acknowledgement", |kind| matches!(kind, down::Kind::UsageAck(_)).then_some(())).await;
        }
    }

    /// Reads until it is told that this key changed.
    pub(crate) async fn told_of(&mut self, digest: &[u8]) {
        self.until("the change of a key", |kind| match kind {
            down::Kind::KeysChanged(changed) => changed.digests.iter().any(|it| it == digest).then_some(()),
            _ => None,
        })
        .await;
    }

    async fn until<T>(&mut self, what: &str, mut pick: impl FnMut(down::Kind) -> Option<T>) -> T {
        loop {
            match self.next().await {
                Ok(Some(kind)) => {
                    if let Some(found) = pick(kind) {
                        return found;
                    }
                }
                Ok(None) => panic!("the session ended before {what}"),
                Err(status) => panic!("the session failed before {what}: {status}"),
            }
        }
    }

    /// The next message down, of which the machine has heard; `None` at the end of the session.
    pub(crate) async fn next(&mut self) -> Result<Option<down::Kind>, Status> {
        let message = tokio::time::timeout(DEADLINE, self.down.message()).await.expect("a message, or the end")?;
        let Some(message) = message else { return Ok(None) };
        let actions = self.machine.handle_message(&message.encode_to_vec(), now());
        self.act(actions).await;
        Ok(Some(message.kind.expect("a message of a kind that we know")))
    }

    /// Why the session was ended, with what was said before passed over.
    pub(crate) async fn ended_by(&mut self) -> Status {
        loop {
            match self.next().await {
                Ok(Some(_)) => {}
                Ok(None) => return Status::ok("the end of the stream"),
                Err(status) => return status,
            }
        }
    }
}

fn now() -> Millis {
    let since: Duration = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    Millis(since.as_millis().try_into().expect("64 bits of milliseconds"))
}

/// Asks about a key as a VM does.
pub(crate) async fn resolve(plane: &Plane, digest: &[u8], token: Option<&str>) -> Result<ResolveResponse, Status> {
    let request = authorised(ResolveRequest { digest: digest.to_vec() }, token);
    Ok(KeysClient::new(channel(plane).await).resolve(request).await?.into_inner())
}

async fn channel(plane: &Plane) -> Channel {
    let uri = format!("http://{}", plane.grpc);
    Channel::from_shared(uri).expect("a URI").connect().await.expect("the gRPC port answers")
}

fn authorised<T>(message: T, token: Option<&str>) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().expect("a header value"));
    }
    request
}

/// The ids of the exchanges of these numbers, as JSON.
pub(crate) fn ids(numbers: impl IntoIterator<Item = u64>) -> Vec<serde_json::Value> {
    numbers.into_iter().map(|number| id(number).into()).collect()
}

/// An exchange id that ends in `number`.
pub(crate) fn id(number: u64) -> String {
    format!("{number:032x}")
}

/// A successful exchange: 10 tokens in, 5 out, 2,500 nano-dollars, of team `red`.
pub(crate) fn record(number: u64) -> UsageRecord {
    let usage = Usage { input: 10, output: 5, ..Usage::default() };
    let attempt = Attempt {
        provider: "openai".to_owned(),
        upstream_model: "gpt-4o-2024-08-06".to_owned(),
        provider_format: Format::AnthropicMessages.into(),
        started_at_ms: STARTED_AT_MS + number,
        first_byte_ms: Some(11),
        duration_ms: 39,
        outcome: Outcome::Success.into(),
        status: 200,
        reason: String::new(),
        usage: Some(usage),
        provenance: Provenance::Reported.into(),
        charged_nanousd: Some(2_500),
        price_version: "book@2026-11-01".to_owned(),
    };
    UsageRecord {
        facts: Some(Facts { key_name: "first".to_owned(), ..facts(number) }),
        duration_ms: 40,
        first_byte_ms: Some(12),
        outcome: Outcome::Success.into(),
        status: 200,
        reason: String::new(),
        attempts: vec![attempt],
        attempt_count: 1,
        usage: Some(usage),
        provenance: Provenance::Reported.into(),
        charged_nanousd: Some(2_500),
        estimate: None,
        losses: Vec::new(),
        loss_count: 0,
    }
}

/// The beginning of [`record`] of the same number.
pub(crate) fn open(number: u64) -> OpenExchange {
    OpenExchange {
        facts: Some(facts(number)),
        provider: "openai".to_owned(),
        upstream_model: "gpt-4o-2024-08-06".to_owned(),
    }
}

/// A record whose facts are changed.
pub(crate) fn with_facts(mut record: UsageRecord, change: impl FnOnce(&mut Facts)) -> UsageRecord {
    change(record.facts.get_or_insert_default());
    record
}

/// A record whose last attempt is changed.
pub(crate) fn with_attempt(mut record: UsageRecord, change: impl FnOnce(&mut Attempt)) -> UsageRecord {
    change(record.attempts.last_mut().expect("an attempt"));
    record
}

/// What is known of [`record`] from its beginning.
pub(crate) fn facts(number: u64) -> Facts {
    Facts {
        exchange_id: id(number),
        started_at_ms: STARTED_AT_MS + number,
        key_id: "key_0000000000000001".to_owned(),
        key_name: "dev".to_owned(),
        team: "red".to_owned(),
        user: "ann".to_owned(),
        model: "gpt-4o".to_owned(),
        route: "gpt-4o".to_owned(),
        operation: Operation::Chat.into(),
        stream: true,
        client_format: Format::OpenaiChat.into(),
        end_user: "customer-7".to_owned(),
        session_id: "session-1".to_owned(),
        tags: vec!["nightly".to_owned(), "a \"b\", c".to_owned()],
        client_address: "10.0.0.7".to_owned(),
        traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
        snapshot_version: 1,
    }
}

/// 2026-11-20T23:30:00Z.
pub(crate) const STARTED_AT_MS: u64 = 1_795_217_400_000;
