//! Usage as it is shown: records, and groups of them.

use serde::Serialize;
use tollgate_core::words::{EstimateMethod, Format, Operation, Outcome};
use utoipa::ToSchema;

use super::table::row;
use crate::domain::{
    record::{Attempt, Loss, Record, Tokens},
    usage::{Dimension, Group, GroupValue, Grouping},
};
use crate::http::time::show_time;

row! {
    /// One exchange. What is absent is not known, which is not zero.
    struct RecordRow {
        exchange_id: String,
        started_at: String,
        duration_ms: i64,
        /// From the request's head to the first byte of the response.
        first_byte_ms: Option<i64>,
        key_id: String,
        key_name: String,
        team: String,
        user: String,
        /// On whose behalf the client asked, in its own words.
        end_user: String,
        /// What ties several requests together, in the client's own words.
        session_id: String,
        /// In CSV: as JSON.
        tags: Vec<String>,
        /// As the client asked for it.
        model: String,
        /// The route that served it.
        route: String,
        /// Of the last attempt, as are `upstream_model`, `provider_format` and `price_version`.
        provider: String,
        upstream_model: String,
        #[schema(examples("openai_chat"))]
        client_format: &'static str,
        provider_format: &'static str,
        /// `chat` or `embeddings`.
        operation: &'static str,
        stream: bool,
        /// `success`, `provider_error`, `client_abort`, `refused`, `interrupted` or `lost`.
        outcome: &'static str,
        /// Status that the client saw; 0 when it had gone before.
        status: i64,
        /// Why it was refused or failed: `model_not_found`, ...
        reason: String,
        /// How often a provider was asked.
        attempt_count: i64,
        /// How far the usage can be trusted: `reported`, `partial`, `estimated` or `none`.
        provenance: &'static str,
        /// Tokens, in disjoint buckets; `reasoning` is a part of `output`.
        input: Option<i64>,
        cache_read: Option<i64>,
        cache_write_5m: Option<i64>,
        cache_write_1h: Option<i64>,
        output: Option<i64>,
        reasoning: Option<i64>,
        audio_in: Option<i64>,
        audio_out: Option<i64>,
        /// What the exchange is charged with.
        charged_nanousd: Option<i64>,
        charged_usd: Option<String>,
        /// `priced`; `unpriced`: the model has no price; `none`: refused before anything was used; `unknown`.
        cost_status: &'static str,
        price_version: String,
        /// A place for the best guess at what was really used, where the provider's figures are missing or stop early; no part of what is
        /// charged. Nothing fills it yet.
        estimated_nanousd: Option<i64>,
        estimated_usd: Option<String>,
        /// `counted` or `bytes`.
        estimate_method: Option<&'static str>,
        /// How much the translation could not carry.
        loss_count: i64,
        /// The peer's address as Envoy saw it; of a peer on the same machine, the machine's.
        client_address: String,
        /// W3C Trace Context, as the client sent it.
        traceparent: String,
        snapshot_version: i64,
    }
    json only {
        /// Every time that a provider was asked, in order: of more than 16 the first ones and the last, of records of old databases the last.
        attempts: Vec<AttemptRow>,
        /// What the last attempt's translation could not carry: the first of it.
        losses: Vec<LossRow>,
        estimated_tokens: Option<TokensRow>,
    }
}

row! {
    /// Sums over the records that agree in the dimensions asked for; only those dimensions are members.
    struct GroupRow {
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        team: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        end_user: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        model: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        route: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        upstream_model: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        client_format: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_format: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        operation: Option<String>,
        /// `true` or `false`.
        #[serde(skip_serializing_if = "Option::is_none")]
        stream: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        outcome: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        provenance: Option<String>,
        /// When it begins.
        #[serde(skip_serializing_if = "Option::is_none")]
        hour: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        day: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        month: Option<String>,
        requests: i64,
        input: i64,
        cache_read: i64,
        cache_write_5m: i64,
        cache_write_1h: i64,
        output: i64,
        reasoning: i64,
        audio_in: i64,
        audio_out: i64,
        /// What is charged, where that is known.
        charged_nanousd: i64,
        charged_usd: String,
        /// The best guesses at what was used where the provider did not say; no part of what is charged.
        estimated_nanousd: i64,
        estimated_usd: String,
        /// Exchanges with usage whose model has no price.
        unpriced: i64,
        /// Exchanges whose usage is known only in part.
        partial: i64,
        /// Times that a provider was asked.
        attempts: i64,
    }
}

/// One try at one target.
#[derive(Serialize, ToSchema)]
pub(super) struct AttemptRow {
    provider: String,
    upstream_model: String,
    provider_format: &'static str,
    started_at: String,
    first_byte_ms: Option<i64>,
    duration_ms: i64,
    outcome: &'static str,
    /// The provider's; 0 when it did not answer.
    status: i64,
    reason: String,
    provenance: &'static str,
    tokens: Option<TokensRow>,
    charged_nanousd: Option<i64>,
    price_version: String,
}

/// Something that the other side's format cannot say.
#[derive(Serialize, ToSchema)]
pub(super) struct LossRow {
    /// Where it stood.
    path: String,
    reason: String,
    /// `approximated` or `dropped`.
    kind: &'static str,
}

/// Disjoint buckets, except that `reasoning` is a part of `output`.
#[derive(Serialize, ToSchema)]
pub(super) struct TokensRow {
    input: i64,
    cache_read: i64,
    cache_write_5m: i64,
    cache_write_1h: i64,
    output: i64,
    reasoning: i64,
    audio_in: i64,
    audio_out: i64,
}

impl From<Record> for RecordRow {
    fn from(record: Record) -> Self {
        let cost_status = record.cost_status();
        let Record { facts, target, ending } = record;
        let bucket = |bucket: fn(&Tokens) -> i64| ending.tokens.as_ref().map(bucket);
        let estimated_nanousd = ending.estimate.and_then(|estimate| estimate.cost_nanousd);
        Self {
            exchange_id: facts.exchange_id,
            started_at: show_time(facts.started_at),
            duration_ms: ending.duration_ms,
            first_byte_ms: ending.first_byte_ms,
            key_id: facts.key_id,
            key_name: facts.key_name,
            team: facts.team,
            user: facts.user,
            end_user: facts.end_user,
            session_id: facts.session_id,
            tags: facts.tags,
            model: facts.model,
            route: facts.route,
            provider: target.provider,
            upstream_model: target.upstream_model,
            client_format: facts.client_format.map_or("", Format::name),
            provider_format: target.format.map_or("", Format::name),
            operation: facts.operation.map_or("", Operation::name),
            stream: facts.stream,
            outcome: ending.outcome.name(),
            status: ending.status,
            reason: ending.reason,
            attempt_count: ending.attempt_count,
            provenance: ending.provenance.name(),
            input: bucket(|tokens| tokens.input),
            cache_read: bucket(|tokens| tokens.cache_read),
            cache_write_5m: bucket(|tokens| tokens.cache_write_5m),
            cache_write_1h: bucket(|tokens| tokens.cache_write_1h),
            output: bucket(|tokens| tokens.output),
            reasoning: bucket(|tokens| tokens.reasoning),
            audio_in: bucket(|tokens| tokens.audio_in),
            audio_out: bucket(|tokens| tokens.audio_out),
            charged_nanousd: ending.charged_nanousd,
            charged_usd: ending.charged_nanousd.map(show_dollars),
            cost_status,
            price_version: target.price_version,
            estimated_nanousd,
            estimated_usd: estimated_nanousd.map(show_dollars),
            estimate_method: ending.estimate.map(|estimate| EstimateMethod::name(estimate.method)),
            loss_count: ending.loss_count,
            client_address: facts.client_address,
            traceparent: facts.traceparent,
            snapshot_version: facts.snapshot_version,
            attempts: ending.attempts.into_iter().map(AttemptRow::from).collect(),
            losses: ending.losses.into_iter().map(LossRow::from).collect(),
            estimated_tokens: ending.estimate.and_then(|estimate| estimate.tokens).map(TokensRow::from),
        }
    }
}

impl GroupRow {
    pub(super) fn new(group: &Group, grouping: &Grouping) -> Self {
        let value = |wanted: Dimension| {
            let at = grouping.dimensions.iter().position(|dimension| *dimension == wanted)?;
            Some(match (group.values.get(at)?, wanted) {
                (GroupValue::Time(at), Dimension::Time(unit)) => {
                    grouping.calendar.show(grouping.calendar.begin(unit, *at))
                }
                (GroupValue::Time(at), _) => at.to_string(),
                (GroupValue::Text(text), _) => text.clone(),
            })
        };
        let named = |name: &str| Dimension::from_name(name).and_then(value);
        let sums = &group.sums;
        Self {
            key: named("key"),
            team: named("team"),
            user: named("user"),
            end_user: named("end_user"),
            model: named("model"),
            route: named("route"),
            provider: named("provider"),
            upstream_model: named("upstream_model"),
            client_format: named("client_format"),
            provider_format: named("provider_format"),
            operation: named("operation"),
            stream: named("stream"),
            outcome: named("outcome"),
            provenance: named("provenance"),
            hour: named("hour"),
            day: named("day"),
            month: named("month"),
            requests: sums.requests,
            input: sums.tokens.input,
            cache_read: sums.tokens.cache_read,
            cache_write_5m: sums.tokens.cache_write_5m,
            cache_write_1h: sums.tokens.cache_write_1h,
            output: sums.tokens.output,
            reasoning: sums.tokens.reasoning,
            audio_in: sums.tokens.audio_in,
            audio_out: sums.tokens.audio_out,
            charged_nanousd: sums.charged_nanousd,
            charged_usd: show_dollars(sums.charged_nanousd),
            estimated_nanousd: sums.estimated_nanousd,
            estimated_usd: show_dollars(sums.estimated_nanousd),
            unpriced: sums.unpriced,
            partial: sums.partial,
            attempts: sums.attempts,
        }
    }
}

impl From<Attempt> for AttemptRow {
    fn from(attempt: Attempt) -> Self {
        Self {
            provider: attempt.provider,
            upstream_model: attempt.upstream_model,
            provider_format: attempt.provider_format.map_or("", Format::name),
            started_at: show_time(attempt.started_at),
            first_byte_ms: attempt.first_byte_ms,
            duration_ms: attempt.duration_ms,
            outcome: attempt.outcome.map_or("", Outcome::name),
            status: attempt.status,
            reason: attempt.reason,
            provenance: attempt.provenance.name(),
            tokens: attempt.tokens.map(TokensRow::from),
            charged_nanousd: attempt.charged_nanousd,
            price_version: attempt.price_version,
        }
    }
}

impl From<Loss> for LossRow {
    fn from(loss: Loss) -> Self {
        Self { path: loss.path, reason: loss.reason, kind: loss.kind.name() }
    }
}

impl From<Tokens> for TokensRow {
    fn from(tokens: Tokens) -> Self {
        let Tokens { input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, audio_in, audio_out } =
            tokens;
        Self { input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, audio_in, audio_out }
    }
}

/// Exact: nano-dollars have nine decimals.
fn show_dollars(nano: i64) -> String {
    let sign = if nano < 0 { "-" } else { "" };
    let nano = nano.unsigned_abs();
    format!("{sign}{}.{:09}", nano / 1_000_000_000, nano % 1_000_000_000)
}
