//! From the protocol's records to ours: the only place that names its messages for usage.

use tollgate_core::words::Format;
use tollgate_proto::v1;

use crate::domain::record::{OpenExchange, Record, Tokens};

/// Why a record cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidRecord {
    #[error("`{0}` is no exchange id")]
    Id(String),
    #[error("the {0} is not one that we know")]
    Unknown(&'static str),
    #[error("a number is too large")]
    TooLarge,
    #[error("the cost is negative or too large")]
    Cost,
}

pub(super) fn record(wire: v1::UsageRecord) -> Result<Record, InvalidRecord> {
    let operation = v1::Operation::try_from(wire.operation).map_err(|_| InvalidRecord::Unknown("operation"))?;
    let outcome = v1::Outcome::try_from(wire.outcome).map_err(|_| InvalidRecord::Unknown("outcome"))?;
    let provenance = v1::Provenance::try_from(wire.provenance).map_err(|_| InvalidRecord::Unknown("provenance"))?;
    Ok(Record {
        exchange_id: id(wire.exchange_id)?,
        started_at: number(wire.started_at_ms)?,
        duration_ms: number(wire.duration_ms)?,
        first_byte_ms: wire.first_byte_ms.map(number).transpose()?,
        key_id: storable(wire.key_id),
        key_name: storable(wire.key_name),
        team: storable(wire.team),
        user: storable(wire.user),
        model: storable(wire.model),
        provider: storable(wire.provider),
        upstream_model: storable(wire.upstream_model),
        operation: match operation {
            v1::Operation::Unspecified => "",
            v1::Operation::Chat => "chat",
            v1::Operation::Embeddings => "embeddings",
        }
        .to_owned(),
        stream: wire.stream,
        outcome: match outcome {
            v1::Outcome::Unspecified => return Err(InvalidRecord::Unknown("outcome")),
            v1::Outcome::Success => "success",
            v1::Outcome::ProviderError => "provider_error",
            v1::Outcome::ClientAbort => "client_abort",
            v1::Outcome::Refused => "refused",
            v1::Outcome::Interrupted => "interrupted",
            v1::Outcome::Lost => crate::domain::record::LOST,
        }
        .to_owned(),
        status: i64::from(wire.status),
        reason: storable(wire.reason),
        attempts: i64::from(wire.attempts),
        provenance: match provenance {
            v1::Provenance::Reported => "reported",
            v1::Provenance::Partial => "partial",
            v1::Provenance::Estimated => "estimated",
            v1::Provenance::None | v1::Provenance::Unspecified => "none",
        }
        .to_owned(),
        tokens: wire.usage.map(tokens).transpose()?,
        cost_nanousd: wire.cost_nanousd.map(cost).transpose()?,
        price_version: storable(wire.price_version),
        losses: i64::from(wire.losses),
        snapshot_version: number(wire.snapshot_version)?,
        client_format: format(wire.client_format)?,
        provider_format: format(wire.provider_format)?,
    })
}

pub(super) fn open_exchange(wire: v1::OpenExchange) -> Result<OpenExchange, InvalidRecord> {
    Ok(OpenExchange {
        exchange_id: id(wire.exchange_id)?,
        started_at: number(wire.started_at_ms)?,
        key_id: storable(wire.key_id),
        key_name: storable(wire.key_name),
        team: storable(wire.team),
        user: storable(wire.user),
        model: storable(wire.model),
        provider: storable(wire.provider),
        upstream_model: storable(wire.upstream_model),
        operation: storable(wire.operation),
        stream: wire.stream,
    })
}

fn format(wire: i32) -> Result<String, InvalidRecord> {
    let format = Format::from_wire(wire).map_err(|_| InvalidRecord::Unknown("format"))?;
    Ok(format.map_or("", Format::name).to_owned())
}

fn tokens(wire: v1::Usage) -> Result<Tokens, InvalidRecord> {
    Ok(Tokens {
        input: count(wire.input)?,
        cache_read: count(wire.cache_read)?,
        cache_write_5m: count(wire.cache_write_5m)?,
        cache_write_1h: count(wire.cache_write_1h)?,
        output: count(wire.output)?,
        reasoning: count(wire.reasoning)?,
        audio_in: count(wire.audio_in)?,
        audio_out: count(wire.audio_out)?,
    })
}

fn id(text: String) -> Result<String, InvalidRecord> {
    let valid = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if valid { Ok(text) } else { Err(InvalidRecord::Id(text.chars().take(40).collect())) }
}

fn number(value: u64) -> Result<i64, InvalidRecord> {
    i64::try_from(value).map_err(|_| InvalidRecord::TooLarge)
}

/// A number of tokens that one exchange can have used. Sums of them must stay far from overflow, and what a provider
/// reports is not ours to trust.
fn count(value: u64) -> Result<i64, InvalidRecord> {
    number(value).ok().filter(|count| *count <= MAX_TOKENS).ok_or(InvalidRecord::TooLarge)
}

/// As [`count`], for money, which nobody is paid.
fn cost(nanousd: i64) -> Result<i64, InvalidRecord> {
    if (0..=MAX_COST_NANOUSD).contains(&nanousd) { Ok(nanousd) } else { Err(InvalidRecord::Cost) }
}

const MAX_TOKENS: i64 = 1_000_000_000_000;
/// A million dollars.
const MAX_COST_NANOUSD: i64 = 1_000_000_000_000_000;

/// PostgreSQL's text takes every character but NUL: a batch with one would fail each time that it is sent.
fn storable(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}
