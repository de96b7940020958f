//! A record as a row of `usage_records`.

use sqlx::{Row, any::AnyRow};
use tollgate_core::words::{EstimateMethod, Format, Operation, Outcome, Provenance};

use crate::{
    domain::record::{Ending, Estimate, Facts, Record, Target, Tokens},
    store::{Error, statement::Statement},
};

/// The columns of a record, in the order of [`bind`].
pub(in crate::store) const COLUMNS: [&str; 43] = [
    "exchange_id",
    "started_at",
    "key_id",
    "key_name",
    "team",
    "user_name",
    "model",
    "route",
    "operation",
    "stream",
    "client_format",
    "end_user",
    "session_id",
    "tags",
    "client_address",
    "traceparent",
    "snapshot_version",
    "provider",
    "upstream_model",
    "provider_format",
    "price_version",
    "duration_ms",
    "first_byte_ms",
    "outcome",
    "status",
    "reason",
    "attempts",
    "attempt_count",
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "reasoning",
    "audio_in",
    "audio_out",
    "provenance",
    "charged_nanousd",
    "estimated_nanousd",
    "estimate_method",
    "estimated_tokens",
    "losses",
    "loss_count",
];

/// How many of [`COLUMNS`] are facts.
pub(in crate::store) const FACTS: usize = 17;

/// Adds an opening bracket and the values of [`COLUMNS`].
pub(super) fn bind(statement: &mut Statement, record: &Record) -> Result<(), Error> {
    let Record { facts, target, ending } = record;
    bind_facts(statement, facts)?;
    statement.separated(',', [&target.provider, &target.upstream_model])?;
    statement.separated(',', [name_of(target.format.map(Format::name)), target.price_version.as_str()])?;
    statement.separated(',', [Some(ending.duration_ms), ending.first_byte_ms])?;
    statement.separated(',', [ending.outcome.name()])?.separated(',', [ending.status])?;
    statement.separated(',', [ending.reason.clone(), json(&ending.attempts)])?;
    statement.separated(',', [ending.attempt_count])?;
    let buckets = ending.tokens.map_or([None; 8], |tokens| tokens.counts().map(Some));
    statement.separated(',', buckets)?.separated(',', [ending.provenance.name()])?;
    let estimate = ending.estimate;
    statement.separated(',', [ending.charged_nanousd, estimate.and_then(|estimate| estimate.cost_nanousd)])?;
    statement.separated(',', [name_of(estimate.map(|estimate| estimate.method.name()))])?;
    statement.separated(',', [estimate.and_then(|estimate| estimate.tokens).map(|tokens| json(&tokens))])?;
    statement.separated(',', [json(&ending.losses)])?.separated(',', [ending.loss_count])?;
    Ok(())
}

/// Adds an opening bracket and the values of the first [`FACTS`] columns.
pub(in crate::store) fn bind_facts(statement: &mut Statement, facts: &Facts) -> Result<(), Error> {
    statement.separated('(', [&facts.exchange_id])?.separated(',', [facts.started_at])?;
    statement.separated(',', [&facts.key_id, &facts.key_name, &facts.team, &facts.user, &facts.model, &facts.route])?;
    statement.separated(',', [name_of(facts.operation.map(Operation::name))])?;
    statement.separated(',', [i64::from(facts.stream)])?;
    statement.separated(',', [name_of(facts.client_format.map(Format::name))])?;
    statement.separated(',', [&facts.end_user, &facts.session_id, &json(&facts.tags)])?;
    statement.separated(',', [&facts.client_address, &facts.traceparent])?;
    statement.separated(',', [facts.snapshot_version])?;
    Ok(())
}

/// A row of [`COLUMNS`].
pub(in crate::store) fn read(row: &AnyRow) -> Result<Record, sqlx::Error> {
    let ending = Ending {
        duration_ms: row.try_get("duration_ms")?,
        first_byte_ms: row.try_get("first_byte_ms")?,
        outcome: word(row, "outcome", Outcome::from_name)?.unwrap_or(Outcome::Interrupted),
        status: row.try_get("status")?,
        reason: row.try_get("reason")?,
        attempts: list(row, "attempts")?,
        attempt_count: row.try_get("attempt_count")?,
        tokens: tokens(row)?,
        provenance: word(row, "provenance", Provenance::from_name)?.unwrap_or(Provenance::None),
        charged_nanousd: row.try_get("charged_nanousd")?,
        estimate: estimate(row)?,
        losses: list(row, "losses")?,
        loss_count: row.try_get("loss_count")?,
    };
    let target = Target {
        provider: row.try_get("provider")?,
        upstream_model: row.try_get("upstream_model")?,
        format: word(row, "provider_format", Format::from_name)?,
        price_version: row.try_get("price_version")?,
    };
    Ok(Record { facts: read_facts(row)?, target, ending })
}

/// A row with the first [`FACTS`] columns.
pub(in crate::store) fn read_facts(row: &AnyRow) -> Result<Facts, sqlx::Error> {
    Ok(Facts {
        exchange_id: row.try_get("exchange_id")?,
        started_at: row.try_get("started_at")?,
        key_id: row.try_get("key_id")?,
        key_name: row.try_get("key_name")?,
        team: row.try_get("team")?,
        user: row.try_get("user_name")?,
        model: row.try_get("model")?,
        route: row.try_get("route")?,
        operation: word(row, "operation", Operation::from_name)?,
        stream: row.try_get::<i64, _>("stream")? != 0,
        client_format: word(row, "client_format", Format::from_name)?,
        end_user: row.try_get("end_user")?,
        session_id: row.try_get("session_id")?,
        tags: list(row, "tags")?,
        client_address: row.try_get("client_address")?,
        traceparent: row.try_get("traceparent")?,
        snapshot_version: row.try_get("snapshot_version")?,
    })
}

fn tokens(row: &AnyRow) -> Result<Option<Tokens>, sqlx::Error> {
    if row.try_get::<Option<i64>, _>("input")?.is_none() {
        return Ok(None);
    }
    let mut counts = [0; 8];
    for (count, bucket) in counts.iter_mut().zip(Tokens::NAMES) {
        *count = row.try_get::<Option<i64>, _>(bucket)?.unwrap_or(0);
    }
    Ok(Some(Tokens::of(counts)))
}

fn estimate(row: &AnyRow) -> Result<Option<Estimate>, sqlx::Error> {
    let Some(method) = word(row, "estimate_method", EstimateMethod::from_name)? else { return Ok(None) };
    let tokens = row.try_get::<Option<String>, _>("estimated_tokens")?;
    let tokens = tokens
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|error| damaged("estimated_tokens", error))?;
    Ok(Some(Estimate { tokens, cost_nanousd: row.try_get("estimated_nanousd")?, method }))
}

/// None where it is empty, or a word of a later revision: one such row must not hide all others. (An outcome that is not known shows as
/// interrupted.)
fn word<T>(row: &AnyRow, column: &str, from_name: fn(&str) -> Option<T>) -> Result<Option<T>, sqlx::Error> {
    Ok(from_name(&row.try_get::<String, _>(column)?))
}

/// What of a list can be read, for the same reason.
fn list<T: serde::de::DeserializeOwned>(row: &AnyRow, column: &str) -> Result<Vec<T>, sqlx::Error> {
    let values: Vec<serde_json::Value> =
        serde_json::from_str(&row.try_get::<String, _>(column)?).map_err(|error| damaged(column, error))?;
    Ok(values.into_iter().filter_map(|value| serde_json::from_value(value).ok()).collect())
}

fn damaged(column: &str, error: serde_json::Error) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_owned(), source: error.into() }
}

fn name_of(name: Option<&'static str>) -> &'static str {
    name.unwrap_or_default()
}

/// Lists of ours always have a JSON form.
fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
