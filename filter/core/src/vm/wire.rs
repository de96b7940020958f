//! The session's messages as bytes: the only place of this module that names the protocol's types.

use prost::Message;
use tollgate_proto::v1;

use super::{Node, outbox::Outbox};
use crate::{
    admit::{
        Principal,
        snapshot::{InvalidSnapshot, Snapshot},
    },
    canonical::{Loss, Usage},
    exchange::{
        Exchange,
        record::{Attempt, Facts, Record},
    },
    words::{Format, KeyDigest, LossKind, Operation, Outcome, Provenance},
};

/// Something that the control plane sent.
#[derive(Debug)]
pub(super) enum Received {
    Welcome { heartbeat_ms: u64 },
    Snapshot(SnapshotMessage),
    Acknowledged(u64),
    KeysChanged(Vec<KeyDigest>),
}

/// Beats per session where the control plane names no interval.
const DEFAULT_HEARTBEAT_MS: u64 = 5_000;

/// A configuration as it came.
#[derive(Debug)]
pub(super) struct SnapshotMessage(Box<v1::Snapshot>);

impl SnapshotMessage {
    pub(super) fn version(&self) -> u64 {
        self.0.version
    }

    /// As [`Snapshot::compile`].
    pub(super) fn compile(self, clusters: Option<&[String]>) -> Result<Snapshot, InvalidSnapshot> {
        Snapshot::compile(*self.0, clusters)
    }
}

pub(super) fn decode(message: &[u8]) -> Result<Option<Received>, prost::DecodeError> {
    use v1::down::Kind;
    let message = v1::Down::decode(message)?;
    Ok(message.kind.map(|kind| match kind {
        Kind::Welcome(welcome) => Received::Welcome {
            heartbeat_ms: match u64::from(welcome.heartbeat_interval_ms) {
                0 => DEFAULT_HEARTBEAT_MS,
                interval => interval,
            },
        },
        Kind::Snapshot(snapshot) => Received::Snapshot(SnapshotMessage(Box::new(snapshot))),
        Kind::UsageAck(ack) => Received::Acknowledged(ack.sequence),
        Kind::KeysChanged(changed) => {
            let digests = changed.digests.iter().filter_map(|digest| KeyDigest::from_bytes(digest));
            Received::KeysChanged(digests.collect())
        }
    }))
}

pub(super) fn encode_hello(node: &Node, snapshot_version: u64) -> Vec<u8> {
    up(v1::up::Kind::Hello(v1::Hello {
        vm_id: node.vm_id.clone(),
        node_id: node.node_id.clone(),
        filter_version: Node::FILTER_VERSION.to_owned(),
        snapshot_version,
    }))
}

pub(super) fn encode_acknowledgement(version: u64, refusal: String, in_force: u64) -> Vec<u8> {
    up(v1::up::Kind::SnapshotAck(v1::SnapshotAck { version, refusal, in_force_version: in_force }))
}

/// The whole list, in as many messages as it needs: at least one, because it is the heartbeat too.
pub(super) fn encode_open_exchanges<'a>(open: impl Iterator<Item = &'a Exchange>, outbox: &Outbox) -> Vec<Vec<u8>> {
    let mut parts = parts(open);
    if parts.is_empty() {
        parts.push(Vec::new());
    }
    let last = parts.len().saturating_sub(1);
    let message = |(index, exchanges)| {
        up(v1::up::Kind::OpenExchanges(v1::OpenExchanges {
            exchanges,
            dropped_records: outbox.dropped(),
            outbox_records: outbox.len() as u64,
            more: index < last,
        }))
    };
    parts.into_iter().enumerate().map(message).collect()
}

/// What is added to the list, in as many messages as it needs: none for nothing.
pub(super) fn encode_opened<'a>(opened: impl Iterator<Item = &'a Exchange>) -> Vec<Vec<u8>> {
    parts(opened).into_iter().map(|exchanges| up(v1::up::Kind::Opened(v1::Opened { exchanges }))).collect()
}

/// The most that one message of open exchanges has of them, in bytes and in number.
const MAX_PART: usize = 1 << 20;
const MAX_PART_EXCHANGES: usize = 2_000;

fn parts<'a>(open: impl Iterator<Item = &'a Exchange>) -> Vec<Vec<v1::OpenExchange>> {
    let mut parts: Vec<Vec<v1::OpenExchange>> = Vec::new();
    let mut bytes: usize = 0;
    for exchange in open {
        let (provider, upstream_model) = exchange.last_target().unwrap_or_default();
        let exchange = v1::OpenExchange {
            facts: Some(encode_facts(&exchange.facts)),
            provider: provider.to_string(),
            upstream_model: upstream_model.to_string(),
        };
        let size = exchange.encoded_len();
        bytes = bytes.saturating_add(size);
        match parts.last_mut().filter(|part| bytes <= MAX_PART && part.len() < MAX_PART_EXCHANGES) {
            Some(part) => part.push(exchange),
            None => {
                bytes = size;
                parts.push(vec![exchange]);
            }
        }
    }
    parts
}

pub(super) fn encode_usage(sequence: u64, records: &[&Record]) -> Vec<u8> {
    let records = records.iter().map(|record| encode_record(record)).collect();
    up(v1::up::Kind::Usage(v1::UsageBatch { sequence, records }))
}

fn encode_record(record: &Record) -> v1::UsageRecord {
    let Record { facts, duration_ms, first_byte_ms, outcome, status, reason, attempts, losses } = record;
    v1::UsageRecord {
        facts: Some(encode_facts(facts)),
        duration_ms: *duration_ms,
        first_byte_ms: *first_byte_ms,
        outcome: Outcome::to_wire(Some(*outcome)),
        status: (*status).into(),
        reason: (*reason).to_owned(),
        attempts: attempts.list.iter().map(encode_attempt).collect(),
        attempt_count: attempts.count,
        usage: attempts.usage.map(encode_buckets),
        provenance: Provenance::to_wire(Some(attempts.provenance)),
        charged_nanousd: attempts.charged().map(|cost| cost.0),
        estimate: None,
        losses: losses.first.iter().map(encode_loss).collect(),
        loss_count: losses.count,
    }
}

fn encode_facts(facts: &Facts) -> v1::Facts {
    let Facts {
        id,
        started,
        principal,
        model,
        route,
        operation,
        client_format,
        stream,
        end_user,
        session_id,
        tags,
        client_address,
        traceparent,
        snapshot_version,
    } = facts;
    let of = |field: fn(&Principal) -> &str| principal.as_deref().map(|p| field(p).to_owned()).unwrap_or_default();
    v1::Facts {
        exchange_id: id.to_string(),
        started_at_ms: started.0,
        key_id: of(|p| &p.key_id),
        key_name: of(|p| &p.name),
        team: of(|p| &p.team),
        user: of(|p| &p.user),
        model: model.to_string(),
        route: route.as_deref().unwrap_or_default().to_owned(),
        operation: Operation::to_wire(*operation),
        stream: *stream,
        client_format: Format::to_wire(*client_format),
        end_user: end_user.to_string(),
        session_id: session_id.to_string(),
        tags: tags.iter().map(ToString::to_string).collect(),
        client_address: client_address.map(|address| address.to_string()).unwrap_or_default(),
        traceparent: traceparent.to_string(),
        snapshot_version: *snapshot_version,
    }
}

fn encode_attempt(attempt: &Attempt) -> v1::Attempt {
    let Attempt {
        provider,
        model,
        format,
        started,
        first_byte_ms,
        duration_ms,
        outcome,
        status,
        reason,
        usage,
        provenance,
        charged,
        price_version,
    } = attempt;
    v1::Attempt {
        provider: provider.to_string(),
        upstream_model: model.to_string(),
        provider_format: Format::to_wire(*format),
        started_at_ms: started.0,
        first_byte_ms: *first_byte_ms,
        duration_ms: *duration_ms,
        outcome: Outcome::to_wire(Some(*outcome)),
        status: (*status).into(),
        reason: (*reason).to_owned(),
        usage: usage.map(encode_buckets),
        provenance: Provenance::to_wire(Some(*provenance)),
        charged_nanousd: charged.map(|cost| cost.0),
        price_version: price_version.as_deref().unwrap_or_default().to_owned(),
    }
}

fn encode_loss(loss: &Loss) -> v1::Loss {
    let Loss { path, kind, reason } = loss;
    v1::Loss { path: path.clone(), reason: (*reason).to_owned(), kind: LossKind::to_wire(Some(*kind)) }
}

fn encode_buckets(usage: Usage) -> v1::Usage {
    v1::Usage {
        input: usage.input,
        cache_read: usage.cache_read,
        cache_write_5m: usage.cache_write_5m,
        cache_write_1h: usage.cache_write_1h,
        output: usage.output,
        reasoning: usage.reasoning,
        audio_in: usage.audio_in,
        audio_out: usage.audio_out,
    }
}

fn up(kind: v1::up::Kind) -> Vec<u8> {
    v1::Up { kind: Some(kind) }.encode_to_vec()
}
