//! From the protocol's records to ours: the only place that takes them apart. The rest of the intake holds messages as they came, and knows of
//! what is in them only which exchanges they name.
//!
//! A record that is dropped is money that nobody sees. So only what a record cannot be without is insisted on (its id, its time, how
//! it ended); a detail that cannot be read is left out, and a figure that nobody can have used is cut to the most that is believed.

use tollgate_core::words::{EstimateMethod, Format, LossKind, Operation, Outcome, Provenance};
use tollgate_proto::v1;

use crate::domain::record::{Attempt, Ending, Estimate, Facts, Loss, OpenExchange, Record, Target, Tokens};

/// Why a record cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidRecord {
    #[error("`{0}` is no exchange id")]
    Id(String),
    #[error("the outcome is not one that we know")]
    Outcome,
    #[error("it did not begin in this century")]
    Time,
}

pub(super) fn record(wire: v1::UsageRecord) -> Result<Record, InvalidRecord> {
    let facts = facts(wire.facts.unwrap_or_default())?;
    let attempts: Vec<_> = wire.attempts.into_iter().map(|wire| attempt(wire, facts.started_at)).collect();
    let attempt_count = i64::from(wire.attempt_count).max(i64::try_from(attempts.len()).unwrap_or(i64::MAX));
    let losses = wire.losses.into_iter().take(MAX_LOSSES).filter_map(loss).collect();
    let ending = Ending {
        duration_ms: duration(wire.duration_ms),
        first_byte_ms: wire.first_byte_ms.map(duration),
        outcome: known(Outcome::from_wire(wire.outcome)).ok_or(InvalidRecord::Outcome)?,
        status: i64::from(wire.status),
        reason: text(wire.reason),
        tokens: wire.usage.map(tokens),
        provenance: provenance(wire.provenance),
        charged_nanousd: wire.charged_nanousd.and_then(cost),
        estimate: wire.estimate.and_then(estimate),
        attempt_count,
        losses,
        loss_count: i64::from(wire.loss_count),
        attempts,
    };
    let target = ending.attempts.last().map(|last| Target {
        provider: last.provider.clone(),
        upstream_model: last.upstream_model.clone(),
        format: last.provider_format,
        price_version: last.price_version.clone(),
    });
    Ok(Record { facts, target: target.unwrap_or_default(), ending })
}

pub(super) fn open_exchange(wire: v1::OpenExchange) -> Result<OpenExchange, InvalidRecord> {
    let target =
        Target { provider: name(wire.provider), upstream_model: name(wire.upstream_model), ..Target::default() };
    Ok(OpenExchange { facts: facts(wire.facts.unwrap_or_default())?, target })
}

fn facts(wire: v1::Facts) -> Result<Facts, InvalidRecord> {
    Ok(Facts {
        exchange_id: id(wire.exchange_id)?,
        started_at: time(wire.started_at_ms).ok_or(InvalidRecord::Time)?,
        key_id: name(wire.key_id),
        key_name: name(wire.key_name),
        team: name(wire.team),
        user: name(wire.user),
        model: name(wire.model),
        route: name(wire.route),
        operation: known(Operation::from_wire(wire.operation)),
        stream: wire.stream,
        client_format: known(Format::from_wire(wire.client_format)),
        end_user: name(wire.end_user),
        session_id: text(wire.session_id),
        tags: wire.tags.into_iter().take(MAX_TAGS).map(text).collect(),
        client_address: text(wire.client_address),
        traceparent: text(wire.traceparent),
        snapshot_version: i64::try_from(wire.snapshot_version).unwrap_or(0),
    })
}

/// One whose beginning cannot be read began with its exchange.
fn attempt(wire: v1::Attempt, exchange_started_at: i64) -> Attempt {
    Attempt {
        provider: name(wire.provider),
        upstream_model: name(wire.upstream_model),
        provider_format: known(Format::from_wire(wire.provider_format)),
        started_at: time(wire.started_at_ms).unwrap_or(exchange_started_at),
        first_byte_ms: wire.first_byte_ms.map(duration),
        duration_ms: duration(wire.duration_ms),
        outcome: known(Outcome::from_wire(wire.outcome)),
        status: i64::from(wire.status),
        reason: text(wire.reason),
        tokens: wire.usage.map(tokens),
        provenance: provenance(wire.provenance),
        charged_nanousd: wire.charged_nanousd.and_then(cost),
        price_version: text(wire.price_version),
    }
}

fn estimate(wire: v1::Estimate) -> Option<Estimate> {
    Some(Estimate {
        tokens: wire.usage.map(tokens),
        cost_nanousd: wire.cost_nanousd.and_then(cost),
        method: known(EstimateMethod::from_wire(wire.method))?,
    })
}

fn loss(wire: v1::Loss) -> Option<Loss> {
    Some(Loss { path: text(wire.path), reason: text(wire.reason), kind: known(LossKind::from_wire(wire.kind))? })
}

fn tokens(wire: v1::Usage) -> Tokens {
    Tokens {
        input: count(wire.input),
        cache_read: count(wire.cache_read),
        cache_write_5m: count(wire.cache_write_5m),
        cache_write_1h: count(wire.cache_write_1h),
        output: count(wire.output),
        reasoning: count(wire.reasoning),
        audio_in: count(wire.audio_in),
        audio_out: count(wire.audio_out),
    }
}

/// Nothing said is nothing reported.
fn provenance(wire: i32) -> Provenance {
    known(Provenance::from_wire(wire)).unwrap_or(Provenance::None)
}

/// The word, where one is said that this version knows.
fn known<T>(word: Result<Option<T>, i32>) -> Option<T> {
    word.ok().flatten()
}

fn id(text: String) -> Result<String, InvalidRecord> {
    let valid = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if valid { Ok(text) } else { Err(InvalidRecord::Id(text.chars().take(40).collect())) }
}

/// A moment of this century: questions count the days and months between the first record and the last.
fn time(ms: u64) -> Option<i64> {
    i64::try_from(ms).ok().filter(|ms| *ms < END_OF_TIME_MS)
}

/// How long something can have taken, in milliseconds.
fn duration(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX).min(MAX_DURATION_MS)
}

/// A number of tokens that one exchange can have used. Sums of them must stay far from overflow, and what a provider
/// reports is not ours to trust.
fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX).min(MAX_TOKENS)
}

/// As [`count`], for money, which nobody is paid: of a negative charge, nothing is known.
fn cost(nanousd: i64) -> Option<i64> {
    (nanousd >= 0).then(|| nanousd.min(MAX_COST_NANOUSD))
}

/// What sums are told apart by: eight of these stand together in one row of an index, of which PostgreSQL takes 2,704 bytes.
fn name(name: String) -> String {
    storable(name, MAX_NAME_BYTES)
}

fn text(text: String) -> String {
    storable(text, MAX_TEXT_BYTES)
}

/// What both stores take, at any size that a client makes up: a batch with one that they do not would fail each time that it is
/// sent. PostgreSQL's text has every character but NUL.
fn storable(text: String, most: usize) -> String {
    let mut text = if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text };
    text.truncate(text.floor_char_boundary(most));
    text
}

/// A hundred times the largest context window there is: sums of nine billion such exchanges fit into 64 bits.
const MAX_TOKENS: i64 = 1_000_000_000;
/// A year.
const MAX_DURATION_MS: i64 = 366 * 24 * 60 * 60 * 1_000;
/// Ten thousand dollars.
const MAX_COST_NANOUSD: i64 = 10_000_000_000_000;
/// 2100-01-01T00:00:00Z.
const END_OF_TIME_MS: i64 = 4_102_444_800_000;
const MAX_NAME_BYTES: usize = 256;
const MAX_TEXT_BYTES: usize = 1024;
const MAX_TAGS: usize = 64;
const MAX_LOSSES: usize = 64;
