//! Questions about usage as they are asked: every parameter is checked, and what is wrong is named.

use axum::http::{HeaderMap, header::ACCEPT};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tollgate_core::words::{ExchangeId, Format, Operation, Outcome, Provenance};
use utoipa::IntoParams;

use crate::{
    domain::{
        calendar::Calendar,
        usage::{Dimension, Filter, GroupValue, Grouping},
    },
    http::error::Error,
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct Question {
    /// Exchanges that began then or later: RFC 3339, or seconds or milliseconds since the Unix epoch.
    from: Option<String>,
    /// Exchanges that began before.
    to: Option<String>,
    /// The key's id.
    key: Option<String>,
    team: Option<String>,
    user: Option<String>,
    /// On whose behalf the client asked, in its own words.
    end_user: Option<String>,
    /// What ties several requests together, in the client's own words.
    session_id: Option<String>,
    /// Exchanges that have this tag.
    tag: Option<String>,
    /// As the client asked for it.
    model: Option<String>,
    /// The route that served it.
    route: Option<String>,
    /// Of the last attempt, as is `upstream_model`.
    provider: Option<String>,
    upstream_model: Option<String>,
    /// What the client spoke: openai_chat, anthropic_messages, ...
    client_format: Option<String>,
    /// What the provider of the last attempt spoke.
    provider_format: Option<String>,
    /// chat or embeddings.
    operation: Option<String>,
    /// Whether the client asked for a stream: true or false.
    stream: Option<String>,
    /// success, provider_error, client_abort, refused, interrupted or lost.
    outcome: Option<String>,
    /// reported, partial, estimated or none.
    provenance: Option<String>,
    /// Sums by these, comma-separated: key, team, user, end_user, model, route, provider, upstream_model, client_format,
    /// provider_format, operation, stream, outcome, provenance, and one of hour, day and month. Groups come in the order of time,
    /// then of the others as they are named. Absent: the records themselves, the newest first.
    group_by: Option<String>,
    /// Where hours, days and months begin: a name of the IANA time zone database such as Europe/Berlin; UTC is the default.
    tz: Option<String>,
    /// json (the default) or csv; `accept: text/csv` does the same. In CSV, `next_cursor` is the header `x-next-cursor`.
    format: Option<String>,
    /// Records at most, up to 1000 (the default is 100); or groups at most, up to 10000 (the default is 1000).
    limit: Option<String>,
    /// `next_cursor` of the answer before.
    cursor: Option<String>,
}

/// How many rows an answer has, and may have.
struct Limits {
    default: usize,
    most: usize,
}

const OF_RECORDS: Limits = Limits { default: 100, most: 1000 };
const OF_GROUPS: Limits = Limits { default: 1000, most: 10_000 };

impl Question {
    pub(super) fn wants_csv(&self, headers: &HeaderMap) -> Result<bool, Error> {
        match self.format.as_deref() {
            Some("csv") => Ok(true),
            Some("json") => Ok(false),
            Some(other) => Err(Error::Invalid(format!("format: `{other}` is neither json nor csv"))),
            None => Ok(headers.get(ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/csv"))),
        }
    }

    pub(super) fn filter(&self) -> Result<Filter, Error> {
        let equals = [
            (Dimension::Key, &self.key),
            (Dimension::Team, &self.team),
            (Dimension::User, &self.user),
            (Dimension::EndUser, &self.end_user),
            (Dimension::Model, &self.model),
            (Dimension::Route, &self.route),
            (Dimension::Provider, &self.provider),
            (Dimension::UpstreamModel, &self.upstream_model),
            (Dimension::ClientFormat, &self.client_format),
            (Dimension::ProviderFormat, &self.provider_format),
            (Dimension::Operation, &self.operation),
            (Dimension::Stream, &self.stream),
            (Dimension::Outcome, &self.outcome),
            (Dimension::Provenance, &self.provenance),
        ];
        for (name, value) in [("session_id", &self.session_id), ("tag", &self.tag)] {
            check_storable(name, value.as_deref().unwrap_or_default())?;
        }
        let stated = equals.into_iter().filter_map(|(dimension, value)| Some((dimension, value.clone()?)));
        let equals: Vec<_> = stated.collect();
        equals.iter().try_for_each(|(dimension, value)| {
            check_storable(dimension.name(), value)?;
            check_word(*dimension, value)
        })?;
        Ok(Filter {
            from: self.from.as_deref().map(|text| parse_time("from", text)).transpose()?,
            to: self.to.as_deref().map(|text| parse_time("to", text)).transpose()?,
            equals,
            session_id: self.session_id.clone(),
            tag: self.tag.clone(),
        })
    }

    /// `None` where records are asked for.
    pub(super) fn grouping(&self) -> Result<Option<Grouping>, Error> {
        let zone = self.zone()?;
        let Some(text) = &self.group_by else { return Ok(None) };
        let mut dimensions = Vec::new();
        for name in text.split(',').map(str::trim) {
            let dimension = Dimension::from_name(name).ok_or_else(|| {
                let known = Dimension::ALL.map(Dimension::name).join(", ");
                Error::Invalid(format!("group_by: `{name}` is none of {known}"))
            })?;
            if dimensions.contains(&dimension) {
                return Err(Error::Invalid(format!("group_by: `{name}` is there twice")));
            }
            dimensions.push(dimension);
        }
        if dimensions.iter().filter(|dimension| matches!(dimension, Dimension::Time(_))).count() > 1 {
            return Err(Error::Invalid("group_by: only one of hour, day and month".to_owned()));
        }
        Ok(Some(Grouping { dimensions, calendar: Calendar::new(zone, 0, 0) }))
    }

    fn zone(&self) -> Result<TimeZone, Error> {
        let Some(name) = self.tz.as_deref() else { return Ok(TimeZone::UTC) };
        let invalid =
            || Error::Invalid(format!("tz: `{name}` is no time zone; write a name such as Europe/Berlin or UTC"));
        if name.eq_ignore_ascii_case("UTC") { Ok(TimeZone::UTC) } else { TimeZone::get(name).map_err(|_| invalid()) }
    }

    pub(super) fn limit(&self) -> Result<usize, Error> {
        let Limits { default, most } = if self.group_by.is_some() { OF_GROUPS } else { OF_RECORDS };
        let Some(text) = self.limit.as_deref() else { return Ok(default) };
        let limit = text.parse().ok().filter(|limit| (1..=most).contains(limit));
        limit.ok_or_else(|| Error::Invalid(format!("limit: `{text}` is no number from 1 to {most}")))
    }

    pub(super) fn records_cursor(&self) -> Result<Option<(i64, String)>, Error> {
        self.cursor.as_deref().map(|text| read_records_cursor(text).ok_or_else(bad_cursor)).transpose()
    }

    pub(super) fn groups_cursor(&self, grouping: &Grouping) -> Result<Option<Vec<GroupValue>>, Error> {
        self.cursor.as_deref().map(|text| read_groups_cursor(text, grouping).ok_or_else(bad_cursor)).transpose()
    }
}

pub(super) fn show_records_cursor((time, id): (i64, String)) -> String {
    format!("{time}-{id}")
}

/// What a cursor of groups goes on from. It says which grouping it is of: in another one it would leave rows out in silence.
#[derive(Serialize, Deserialize)]
struct GroupsCursor {
    of: String,
    after: Vec<String>,
}

/// Values are what clients made up, so a cursor goes as hexadecimal digits.
pub(super) fn show_groups_cursor(values: Vec<GroupValue>, grouping: &Grouping) -> String {
    let text = |value| match value {
        GroupValue::Time(time) => time.to_string(),
        GroupValue::Text(text) => text,
    };
    let cursor = GroupsCursor { of: name_grouping(grouping), after: values.into_iter().map(text).collect() };
    hex::encode(serde_json::to_string(&cursor).unwrap_or_default())
}

fn read_groups_cursor(text: &str, grouping: &Grouping) -> Option<Vec<GroupValue>> {
    let GroupsCursor { of, after } = serde_json::from_slice(&hex::decode(text).ok()?).ok()?;
    (of == name_grouping(grouping) && after.len() == grouping.dimensions.len()).then_some(())?;
    let value = |(dimension, text): (&Dimension, String)| match dimension {
        Dimension::Time(_) => text.parse().ok().map(GroupValue::Time),
        _ => (!text.contains('\0')).then_some(GroupValue::Text(text)),
    };
    grouping.dimensions.iter().zip(after).map(value).collect()
}

fn name_grouping(grouping: &Grouping) -> String {
    let names: Vec<_> = grouping.dimensions.iter().map(|dimension| dimension.name()).collect();
    format!("{} {}", names.join(","), grouping.calendar.zone_name())
}

/// The time and the id of a record, as [`show_records_cursor`] shows them.
fn read_records_cursor(text: &str) -> Option<(i64, String)> {
    let (time, id) = text.split_once('-')?;
    let known = ExchangeId::parse(id.as_bytes())?.to_string();
    (known == id).then_some((time.parse().ok()?, known))
}

fn bad_cursor() -> Error {
    Error::Invalid("cursor: give next_cursor of the answer before, to the same question".to_owned())
}

/// PostgreSQL's text has every character but NUL, so nothing on record has one.
fn check_storable(name: &str, value: &str) -> Result<(), Error> {
    let invalid = || Error::Invalid(format!("{name}: the character NUL is in no record"));
    if value.contains('\0') { Err(invalid()) } else { Ok(()) }
}

/// Words of ours, so that a misspelt one is not taken for one that never happened. Empty is where it is not known.
fn check_word(dimension: Dimension, value: &str) -> Result<(), Error> {
    let known: &[&str] = match dimension {
        Dimension::ClientFormat | Dimension::ProviderFormat => &Format::ALL.map(Format::name),
        Dimension::Operation => &Operation::ALL.map(Operation::name),
        Dimension::Outcome => &Outcome::ALL.map(Outcome::name),
        Dimension::Provenance => &Provenance::ALL.map(Provenance::name),
        Dimension::Stream => &["true", "false"],
        _ => return Ok(()),
    };
    let may_be_empty = matches!(dimension, Dimension::ClientFormat | Dimension::ProviderFormat | Dimension::Operation);
    if known.contains(&value) || (may_be_empty && value.is_empty()) {
        return Ok(());
    }
    Err(Error::Invalid(format!("{}: `{value}` is none of {}", dimension.name(), known.join(", "))))
}

/// Numbers from 100,000,000,000 on are milliseconds: as seconds that would be the year 5138.
fn parse_time(name: &str, text: &str) -> Result<i64, Error> {
    if let Ok(number) = text.parse::<i64>() {
        return Ok(if number.unsigned_abs() < 100_000_000_000 { number * 1000 } else { number });
    }
    let invalid =
        |_| Error::Invalid(format!("{name}: `{text}` is no time; write 2026-01-31T00:00:00Z or Unix seconds"));
    text.parse::<jiff::Timestamp>().map(|time| time.as_millisecond()).map_err(invalid)
}
