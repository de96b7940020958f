use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::{
        HeaderMap,
        header::{ACCEPT, CONTENT_TYPE},
    },
    response::{AppendHeaders, IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::{Error, error::ErrorBody};
use crate::{
    app::App,
    domain::{
        record::{OUTCOMES, Record, Tokens},
        usage::{Dimension, Filter, Group},
    },
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Question {
    /// Exchanges that began then or later: RFC 3339, or seconds or milliseconds since the Unix epoch.
    from: Option<String>,
    /// Exchanges that began before.
    to: Option<String>,
    /// The key's id.
    key: Option<String>,
    team: Option<String>,
    user: Option<String>,
    /// As the client asked for it.
    model: Option<String>,
    provider: Option<String>,
    upstream_model: Option<String>,
    /// What the client spoke: openai_chat, anthropic_messages, ...
    client_format: Option<String>,
    /// What the provider of the last attempt spoke.
    provider_format: Option<String>,
    /// success, provider_error, client_abort, refused, interrupted or lost.
    outcome: Option<String>,
    /// Sums by these, comma-separated: key, team, user, model, provider, upstream_model, client_format, provider_format,
    /// outcome, hour, day. Absent: the records themselves, the newest first.
    group_by: Option<String>,
    /// json (the default) or csv; `accept: text/csv` does the same. In CSV, `next_cursor` is the header `x-next-cursor`.
    format: Option<String>,
    /// Records at most, up to 1000 (the default is 100).
    limit: Option<String>,
    /// `next_cursor` of the answer before.
    cursor: Option<String>,
}

/// Either `records` or `groups`.
#[derive(Serialize, ToSchema)]
pub(super) struct Usage {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    records: Option<Vec<Map<String, Value>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    groups: Option<Vec<Map<String, Value>>>,
    /// Where the next records are; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

/// What was used and what it cost. Absent tokens and costs are unknown, which is not zero.
#[utoipa::path(get, path = "/api/v1/usage", params(Question),
    responses((status = 200, body = Usage), (status = 400, body = ErrorBody)))]
pub(super) async fn usage(
    State(app): State<App>,
    headers: HeaderMap,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Response, Error> {
    let Query(question) = question?;
    let csv = wants_csv(&question, &headers)?;
    let filter = filter(&question)?;
    let mut answer = Usage { records: None, groups: None, next_cursor: None };
    let (columns, rows) = match &question.group_by {
        Some(dimensions) => {
            let dimensions = parse_dimensions(dimensions)?;
            let groups = app.store.groups(&filter, &dimensions).await?;
            let rows: Vec<_> = groups.iter().map(|group| show_group(group, &dimensions)).collect();
            let names = dimensions.iter().map(|dimension| dimension.name());
            (names.chain(GROUP_COLUMNS).collect::<Vec<_>>(), answer.groups.insert(rows))
        }
        None => {
            let limit = parse_limit(question.limit.as_deref())?;
            let cursor = question.cursor.as_deref().map(parse_cursor).transpose()?;
            let page = app.store.records(&filter, cursor.as_ref(), limit).await?;
            answer.next_cursor = page.next.map(|(time, id)| format!("{time}-{id}"));
            let rows: Vec<_> = page.records.iter().map(show_record).collect();
            (RECORD_COLUMNS.to_vec(), answer.records.insert(rows))
        }
    };
    if !csv {
        return Ok(Json(answer).into_response());
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    let cells = |row: &Map<String, Value>| {
        let cell = |column: &&str| match row.get(*column) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        columns.iter().map(cell).collect::<Vec<_>>()
    };
    // Writing to memory cannot fail, and rows are as long as the head.
    let written =
        writer.write_record(&columns).and_then(|()| rows.iter().try_for_each(|row| writer.write_record(cells(row))));
    let text = written.ok().and_then(|()| writer.into_inner().ok()).unwrap_or_default();
    // Rows have no place for it, and without it nobody would see that there is more.
    let next = answer.next_cursor.map(|cursor| AppendHeaders([("x-next-cursor", cursor)]));
    Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8")], next, text).into_response())
}

fn wants_csv(question: &Question, headers: &HeaderMap) -> Result<bool, Error> {
    match question.format.as_deref() {
        Some("csv") => Ok(true),
        Some("json") => Ok(false),
        Some(other) => Err(Error::Invalid(format!("format: `{other}` is neither json nor csv"))),
        None => Ok(headers.get(ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/csv"))),
    }
}

fn filter(question: &Question) -> Result<Filter, Error> {
    let time = |name: &str, text: &Option<String>| text.as_deref().map(|text| parse_time(name, text)).transpose();
    if let Some(outcome) = question.outcome.as_deref().filter(|outcome| !OUTCOMES.contains(outcome)) {
        return Err(Error::Invalid(format!("outcome: `{outcome}` is none of {}", OUTCOMES.join(", "))));
    }
    let equals = [
        (Dimension::Key, &question.key),
        (Dimension::Team, &question.team),
        (Dimension::User, &question.user),
        (Dimension::Model, &question.model),
        (Dimension::Provider, &question.provider),
        (Dimension::UpstreamModel, &question.upstream_model),
        (Dimension::ClientFormat, &question.client_format),
        (Dimension::ProviderFormat, &question.provider_format),
        (Dimension::Outcome, &question.outcome),
    ];
    Ok(Filter {
        from: time("from", &question.from)?,
        to: time("to", &question.to)?,
        equals: equals.into_iter().filter_map(|(dimension, value)| Some((dimension, value.clone()?))).collect(),
    })
}

/// Numbers from 100,000,000,000 on are milliseconds: as seconds that would be the year 5138.
fn parse_time(name: &str, text: &str) -> Result<i64, Error> {
    if let Ok(number) = text.parse::<i64>() {
        return Ok(if number.abs() < 100_000_000_000 { number * 1000 } else { number });
    }
    let invalid =
        |_| Error::Invalid(format!("{name}: `{text}` is no time; write 2026-01-31T00:00:00Z or Unix seconds"));
    text.parse::<jiff::Timestamp>().map(|time| time.as_millisecond()).map_err(invalid)
}

fn parse_dimensions(text: &str) -> Result<Vec<Dimension>, Error> {
    let parse = |name: &str| {
        Dimension::from_name(name.trim()).ok_or_else(|| {
            let known = Dimension::ALL.map(Dimension::name).join(", ");
            Error::Invalid(format!("group_by: `{name}` is none of {known}"))
        })
    };
    text.split(',').map(parse).collect()
}

fn parse_limit(text: Option<&str>) -> Result<usize, Error> {
    let Some(text) = text else { return Ok(DEFAULT_LIMIT) };
    let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| Error::Invalid(format!("limit: `{text}` is no number from 1 to {MAX_LIMIT}")))
}

fn parse_cursor(text: &str) -> Result<(i64, String), Error> {
    let parsed = text.split_once('-').and_then(|(time, id)| Some((time.parse().ok()?, id.to_owned())));
    parsed.ok_or_else(|| Error::Invalid("cursor: give next_cursor of the answer before".to_owned()))
}

/// RFC 3339 in UTC.
pub(super) fn show_time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|time| time.to_string()).unwrap_or_default()
}

/// Exact: nano-dollars have nine decimals.
fn show_dollars(nano: i64) -> String {
    let sign = if nano < 0 { "-" } else { "" };
    let nano = nano.unsigned_abs();
    format!("{sign}{}.{:09}", nano / 1_000_000_000, nano % 1_000_000_000)
}

const RECORD_COLUMNS: [&str; 34] = [
    "exchange_id",
    "started_at",
    "duration_ms",
    "first_byte_ms",
    "key_id",
    "key_name",
    "team",
    "user",
    "model",
    "provider",
    "upstream_model",
    "operation",
    "stream",
    "outcome",
    "status",
    "reason",
    "attempts",
    "provenance",
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "reasoning",
    "audio_in",
    "audio_out",
    "cost_nanousd",
    "cost_usd",
    "cost_status",
    "price_version",
    "losses",
    "snapshot_version",
    "client_format",
    "provider_format",
];

const GROUP_COLUMNS: [&str; 13] = [
    "requests",
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "reasoning",
    "audio_in",
    "audio_out",
    "cost_nanousd",
    "cost_usd",
    "unpriced",
    "partial",
];

fn show_record(record: &Record) -> Map<String, Value> {
    let mut row = Map::new();
    let mut put = |name: &str, value: Value| row.insert(name.to_owned(), value);
    put("exchange_id", record.exchange_id.clone().into());
    put("started_at", show_time(record.started_at).into());
    put("duration_ms", record.duration_ms.into());
    put("first_byte_ms", record.first_byte_ms.into());
    put("key_id", record.key_id.clone().into());
    put("key_name", record.key_name.clone().into());
    put("team", record.team.clone().into());
    put("user", record.user.clone().into());
    put("model", record.model.clone().into());
    put("provider", record.provider.clone().into());
    put("upstream_model", record.upstream_model.clone().into());
    put("operation", record.operation.clone().into());
    put("stream", record.stream.into());
    put("outcome", record.outcome.clone().into());
    put("status", record.status.into());
    put("reason", record.reason.clone().into());
    put("attempts", record.attempts.into());
    put("provenance", record.provenance.clone().into());
    put("cost_nanousd", record.cost_nanousd.into());
    put("cost_usd", record.cost_nanousd.map(show_dollars).into());
    put("cost_status", cost_status(record).into());
    put("price_version", record.price_version.clone().into());
    put("losses", record.losses.into());
    put("snapshot_version", record.snapshot_version.into());
    put("client_format", record.client_format.clone().into());
    put("provider_format", record.provider_format.clone().into());
    if let Some(tokens) = &record.tokens {
        put_tokens(&mut row, tokens);
    }
    row
}

/// Why a cost is there, or is not: never silently zero.
fn cost_status(record: &Record) -> &'static str {
    match (record.cost_nanousd, record.tokens, record.price_version.is_empty()) {
        (Some(_), _, _) => "priced",
        (None, Some(_), true) => "unpriced",
        (None, _, _) if record.attempts == 0 && record.outcome == "refused" => "none",
        (None, _, _) => "unknown",
    }
}

fn show_group(group: &Group, dimensions: &[Dimension]) -> Map<String, Value> {
    let mut row = Map::new();
    for (dimension, value) in dimensions.iter().zip(&group.values) {
        let value = match dimension {
            Dimension::Hour | Dimension::Day => show_time(value.parse().unwrap_or_default()),
            _ => value.clone(),
        };
        row.insert(dimension.name().to_owned(), value.into());
    }
    row.insert("requests".to_owned(), group.requests.into());
    put_tokens(&mut row, &group.tokens);
    row.insert("cost_nanousd".to_owned(), group.cost_nanousd.into());
    row.insert("cost_usd".to_owned(), show_dollars(group.cost_nanousd).into());
    row.insert("unpriced".to_owned(), group.unpriced.into());
    row.insert("partial".to_owned(), group.partial.into());
    row
}

fn put_tokens(row: &mut Map<String, Value>, tokens: &Tokens) {
    for (name, count) in [
        ("input", tokens.input),
        ("cache_read", tokens.cache_read),
        ("cache_write_5m", tokens.cache_write_5m),
        ("cache_write_1h", tokens.cache_write_1h),
        ("output", tokens.output),
        ("reasoning", tokens.reasoning),
        ("audio_in", tokens.audio_in),
        ("audio_out", tokens.audio_out),
    ] {
        row.insert(name.to_owned(), count.into());
    }
}
