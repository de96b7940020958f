//! Sums over the records that agree in some dimensions, a page at a time.

use sqlx::{Row, any::AnyRow};

use super::{
    in_list, in_range,
    sources::{Source, parts},
};
use crate::{
    domain::{
        calendar::Unit,
        calendar::{Calendar, DAY_MS, HOUR_MS},
        usage::{Dimension, Filter, Group, GroupValue, Grouping, Sums},
    },
    store::{Error, Store, rollups::DIMENSIONS, statement::Statement},
};

/// A part of the groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupPage {
    /// In the order of time, where they are told apart by it, then of the dimensions as they were asked for.
    pub groups: Vec<Group>,
    /// The values of the last group of this part, where there are more.
    pub next: Option<Vec<GroupValue>>,
}

impl Store {
    /// Sums over the records that fit, one for each combination of the dimensions, after the group with the values of `cursor`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn groups(
        &self,
        filter: &Filter,
        grouping: &Grouping,
        cursor: Option<&[GroupValue]>,
        limit: usize,
    ) -> Result<GroupPage, Error> {
        let unit = grouping.dimensions.iter().find_map(|dimension| match dimension {
            Dimension::Time(unit) => Some(*unit),
            _ => None,
        });
        let mut groups = match unit {
            None => self.part_of_groups(filter, grouping, cursor, limit + 1).await?,
            Some(unit) => self.groups_in_time(filter, grouping, unit, cursor, limit + 1).await?,
        };
        let more = groups.len() > limit;
        groups.truncate(limit);
        let next = groups.last().filter(|_| more).map(|last| last.values.clone());
        Ok(GroupPage { groups, next })
    }

    /// Groups come in the order of time, so that a page needs no more of the range than fills it: days are read until there are enough.
    async fn groups_in_time(
        &self,
        filter: &Filter,
        grouping: &Grouping,
        unit: Unit,
        cursor: Option<&[GroupValue]>,
        limit: usize,
    ) -> Result<Vec<Group>, Error> {
        let mut filter = filter.clone();
        let (Some(first), Some(last)) = self.span().await? else { return Ok(Vec::new()) };
        let mut from = filter.from.map_or(first, |from| from.max(first));
        let to = filter.to.map_or(last, |to| to.min(last));
        let mut grouping = Grouping { calendar: grouping.calendar.of_range(from, to), ..grouping.clone() };
        if let Some(GroupValue::Time(at)) = cursor.and_then(|cursor| position(&grouping, cursor)) {
            from = from.max(grouping.calendar.begin(unit, *at));
        }
        let (mut days, mut groups) = (if unit == Unit::Hour { 1 } else { 32 }, Vec::new());
        while from < to && groups.len() < limit {
            let end = match unit {
                Unit::Month => to,
                _ => grouping.calendar.day_after(from, days).clamp(from.saturating_add(1), to),
            };
            (filter.from, filter.to) = (Some(from), Some(end));
            grouping.calendar = grouping.calendar.of_range(from, end);
            groups.extend(self.part_of_groups(&filter, &grouping, cursor, limit - groups.len()).await?);
            from = end;
            days = (days * 4).min(10_000);
        }
        Ok(groups)
    }

    /// The days that have records: when the first begins, and when the last has ended.
    async fn span(&self) -> Result<(Option<i64>, Option<i64>), Error> {
        let row = sqlx::query("select min(started_at) as first, max(started_at) as last from usage_days")
            .fetch_one(&self.pool)
            .await?;
        let last: Option<i64> = row.try_get("last")?;
        Ok((row.try_get("first")?, last.map(|last| last.saturating_add(DAY_MS))))
    }

    async fn part_of_groups(
        &self,
        filter: &Filter,
        grouping: &Grouping,
        cursor: Option<&[GroupValue]>,
        limit: usize,
    ) -> Result<Vec<Group>, Error> {
        let ordered = in_order(&grouping.dimensions);
        let expressions: Vec<String> =
            ordered.iter().map(|(_, dimension)| expression(*dimension, &grouping.calendar)).collect();
        let columns: String = expressions.iter().enumerate().map(|(at, text)| format!("{text} as g{at}, ")).collect();
        // PostgreSQL sums bigint to numeric, which Any does not read.
        let sums = Sums::NAMES.map(|name| format!("cast(sum(u.{name}) as bigint) as {name}")).join(", ");
        let mut statement = Statement::new(self.dialect, format!("select {columns}{sums} from ("));
        let parts = parts(filter.from, filter.to, coarsest(filter, grouping));
        if parts.is_empty() {
            return Ok(Vec::new());
        }
        for (at, part) in parts.into_iter().enumerate() {
            statement.push(if at > 0 { " union all " } else { "" });
            statement.push(select_of(part.source));
            in_range(&mut statement, part.from, part.to)?;
            if part.source == Source::Records {
                in_list(&mut statement, filter)?;
            }
        }
        statement.push(") as u join usage_dimensions as d on d.id = u.dimensions where 1 = 1");
        for (dimension, value) in &filter.equals {
            let equals = format!(" and {} = ", expression(*dimension, &grouping.calendar));
            statement.push(&equals).bind(value)?;
        }
        if let Some(cursor) = cursor {
            statement.push(&format!(" and ({}) > ", expressions.join(", ")));
            let mut separator = '(';
            for (at, _) in &ordered {
                match cursor.get(*at) {
                    Some(GroupValue::Time(time)) => statement.separated(separator, [*time])?,
                    Some(GroupValue::Text(text)) => statement.separated(separator, [text])?,
                    None => statement.separated(separator, [""])?,
                };
                separator = ',';
            }
            statement.push(")");
        }
        let by = (1..=ordered.len()).map(|at| at.to_string()).collect::<Vec<_>>().join(", ");
        // A loss that was taken out again leaves a row of nothing behind.
        statement.push(&format!(" group by {by} having sum(u.requests) > 0 order by {by} limit {limit}"));
        let rows = statement.rows(&mut *self.pool.acquire().await?).await?;
        Ok(rows.iter().map(|row| read(row, &ordered)).collect::<Result<_, _>>()?)
    }
}

/// The dimensions with their places in the question: of time first.
fn in_order(dimensions: &[Dimension]) -> Vec<(usize, Dimension)> {
    let mut ordered: Vec<_> = dimensions.iter().copied().enumerate().collect();
    ordered.sort_by_key(|(_, dimension)| !matches!(dimension, Dimension::Time(_)));
    ordered
}

fn position<'a>(grouping: &Grouping, values: &'a [GroupValue]) -> Option<&'a GroupValue> {
    let at = grouping.dimensions.iter().position(|dimension| matches!(dimension, Dimension::Time(_)))?;
    values.get(at)
}

/// The coarsest table that can tell apart what is asked for.
fn coarsest(filter: &Filter, grouping: &Grouping) -> Source {
    let unit = grouping.dimensions.iter().find_map(|dimension| match dimension {
        Dimension::Time(unit) => Some(*unit),
        _ => None,
    });
    match unit {
        _ if filter.session_id.is_some() || filter.tag.is_some() => Source::Records,
        None => Source::Days,
        Some(_) if !grouping.calendar.has_whole_hours() => Source::Records,
        Some(Unit::Day | Unit::Month) if grouping.calendar.is_utc() => Source::Days,
        Some(_) => Source::Hours,
    }
}

fn select_of(source: Source) -> &'static str {
    match source {
        Source::Records => RECORDS,
        Source::Hours => HOURS,
        Source::Days => DAYS,
    }
}

const RECORDS: &str = "select started_at, dimensions, 1 as requests, coalesce(input, 0) as input, \
    coalesce(cache_read, 0) as cache_read, coalesce(cache_write_5m, 0) as cache_write_5m, \
    coalesce(cache_write_1h, 0) as cache_write_1h, coalesce(output, 0) as output, coalesce(reasoning, 0) as reasoning, \
    coalesce(audio_in, 0) as audio_in, coalesce(audio_out, 0) as audio_out, \
    coalesce(charged_nanousd, 0) as charged_nanousd, coalesce(estimated_nanousd, 0) as estimated_nanousd, \
    case when input is not null and charged_nanousd is null then 1 else 0 end as unpriced, \
    case when provenance = 'partial' then 1 else 0 end as partial, attempt_count as attempts \
    from usage_records where 1 = 1";

const HOURS: &str = "select started_at, dimensions, requests, input, cache_read, cache_write_5m, cache_write_1h, output, \
    reasoning, audio_in, audio_out, charged_nanousd, estimated_nanousd, unpriced, partial, attempts \
    from usage_hours where 1 = 1";

const DAYS: &str = "select started_at, dimensions, requests, input, cache_read, cache_write_5m, cache_write_1h, output, \
    reasoning, audio_in, audio_out, charged_nanousd, estimated_nanousd, unpriced, partial, attempts \
    from usage_days where 1 = 1";

/// A dimension over sums and their dimensions. Of time: as [`GroupValue::Time`] says.
fn expression(dimension: Dimension, calendar: &Calendar) -> String {
    let unit = match dimension {
        Dimension::Time(unit) => unit,
        other => {
            let column =
                DIMENSIONS.into_iter().find(|(known, _)| *known == other).map_or("key_id", |(_, column)| column);
            return format!("d.{column}");
        }
    };
    let offset = offset(calendar);
    let local = if offset == "0" { "u.started_at".to_owned() } else { format!("(u.started_at + {offset})") };
    match unit {
        Unit::Hour if calendar.has_whole_hours() => format!("(u.started_at - u.started_at % {HOUR_MS})"),
        Unit::Hour => format!("(u.started_at - {local} % {HOUR_MS})"),
        Unit::Day => format!("({local} - {local} % {DAY_MS})"),
        Unit::Month => {
            let months = calendar.months();
            let (_, last) = months.last().copied().unwrap_or_default();
            let cases: String =
                months.iter().map(|(end, first)| format!(" when u.started_at < {end} then {first}")).collect();
            format!("cast(case{cases} else {last} end as bigint)")
        }
    }
}

/// What a moment lacks to what the clocks on the wall show: numbers of ours only.
fn offset(calendar: &Calendar) -> String {
    let [(_, first), changes @ ..] = calendar.offsets() else { return "0".to_owned() };
    if changes.is_empty() {
        return first.to_string();
    }
    let newest_first = changes.iter().rev();
    let cases: String =
        newest_first.map(|(from, offset)| format!(" when u.started_at >= {from} then {offset}")).collect();
    format!("case{cases} else {first} end")
}

fn read(row: &AnyRow, ordered: &[(usize, Dimension)]) -> Result<Group, sqlx::Error> {
    let mut values = vec![GroupValue::Time(0); ordered.len()];
    for (at, (place, dimension)) in ordered.iter().enumerate() {
        let column = format!("g{at}");
        let value = match dimension {
            Dimension::Time(_) => GroupValue::Time(row.try_get(column.as_str())?),
            _ => GroupValue::Text(row.try_get(column.as_str())?),
        };
        if let Some(slot) = values.get_mut(*place) {
            *slot = value;
        }
    }
    let mut figures = [0; Sums::NAMES.len()];
    for (figure, name) in figures.iter_mut().zip(Sums::NAMES) {
        *figure = row.try_get(name)?;
    }
    Ok(Group { values, sums: Sums::of_figures(figures) })
}
