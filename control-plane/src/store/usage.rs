use sqlx::Row;

use super::{Error, Store, records};
use crate::domain::{
    record::{Record, Tokens},
    usage::{Dimension, Filter, Group},
};

/// A part of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The newest first.
    pub records: Vec<Record>,
    /// Where the next part begins; `None` at the end.
    pub next: Option<(i64, String)>,
}

impl Store {
    /// Records that fit, the newest first, after `cursor`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn records(&self, filter: &Filter, cursor: Option<&(i64, String)>, limit: usize) -> Result<Page, Error> {
        let (mut condition, bound) = condition(filter);
        if cursor.is_some() {
            let (time, id) = (bound + 1, bound + 2);
            condition
                .push_str(&format!(" and (started_at < ${time} or (started_at = ${time} and exchange_id < ${id}))"));
        }
        let sql = format!(
            "select {} from usage_records where {condition} order by started_at desc, exchange_id desc limit {}",
            records::COLUMNS,
            limit.saturating_add(1)
        );
        let mut query = bind(&sql, filter);
        if let Some((time, id)) = cursor {
            query = query.bind(*time).bind(id.clone());
        }
        let rows = query.fetch_all(&self.pool).await?;
        let mut records = rows.iter().map(records::read).collect::<Result<Vec<_>, _>>()?;
        let more = records.len() > limit;
        records.truncate(limit);
        let next = records.last().filter(|_| more).map(|last| (last.started_at, last.exchange_id.clone()));
        Ok(Page { records, next })
    }

    /// Sums over the records that fit, one for each combination of the dimensions.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn groups(&self, filter: &Filter, dimensions: &[Dimension]) -> Result<Vec<Group>, Error> {
        let (condition, _) = condition(filter);
        let columns: Vec<&str> = dimensions.iter().map(|dimension| column(*dimension)).collect();
        let keys: String = columns.iter().enumerate().map(|(at, column)| format!("{column} as g{at}, ")).collect();
        let mut sql = format!("select {keys} count(*) as requests");
        // PostgreSQL sums bigint to numeric, which Any does not read.
        let sum = |expression: &str, name: &str| format!(", cast(coalesce(sum({expression}), 0) as bigint) as {name}");
        for bucket in BUCKETS {
            sql.push_str(&sum(bucket, bucket));
        }
        sql.push_str(&sum("cost_nanousd", "cost"));
        sql.push_str(&sum("case when input is not null and price_version = '' then 1 else 0 end", "unpriced"));
        sql.push_str(&sum("case when provenance = 'partial' then 1 else 0 end", "partial"));
        sql.push_str(&format!(" from usage_records where {condition}"));
        if !columns.is_empty() {
            let by = columns.join(", ");
            sql.push_str(&format!(" group by {by} order by {by}"));
        }
        let rows = bind(&sql, filter).fetch_all(&self.pool).await?;
        let read = |row: &sqlx::any::AnyRow| -> Result<Group, sqlx::Error> {
            let number = |column: &str| row.try_get::<i64, _>(column);
            let values = dimensions.iter().enumerate().map(|(at, dimension)| {
                let column = format!("g{at}");
                match dimension {
                    Dimension::Hour | Dimension::Day => number(&column).map(|ms| ms.to_string()),
                    _ => row.try_get::<String, _>(column.as_str()),
                }
            });
            Ok(Group {
                values: values.collect::<Result<_, _>>()?,
                requests: number("requests")?,
                tokens: Tokens {
                    input: number("input")?,
                    cache_read: number("cache_read")?,
                    cache_write_5m: number("cache_write_5m")?,
                    cache_write_1h: number("cache_write_1h")?,
                    output: number("output")?,
                    reasoning: number("reasoning")?,
                    audio_in: number("audio_in")?,
                    audio_out: number("audio_out")?,
                },
                cost_nanousd: number("cost")?,
                unpriced: number("unpriced")?,
                partial: number("partial")?,
            })
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }
}

const BUCKETS: [&str; 8] =
    ["input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning", "audio_in", "audio_out"];

fn column(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Key => "key_id",
        Dimension::Team => "team",
        Dimension::User => "user_name",
        Dimension::Model => "model",
        Dimension::Provider => "provider",
        Dimension::UpstreamModel => "upstream_model",
        Dimension::ClientFormat => "client_format",
        Dimension::ProviderFormat => "provider_format",
        Dimension::Outcome => "outcome",
        Dimension::Hour => "(started_at - started_at % 3600000)",
        Dimension::Day => "(started_at - started_at % 86400000)",
    }
}

/// The condition of a filter, and how many values it has: only names of ours stand in the text, [`bind`] gives the values in
/// the same order.
fn condition(filter: &Filter) -> (String, usize) {
    let from = filter.from.map(|_| "started_at >=".to_owned());
    let to = filter.to.map(|_| "started_at <".to_owned());
    let equals = filter.equals.iter().map(|(dimension, _)| format!("{} =", column(*dimension)));
    let mut condition = String::from("1 = 1");
    let mut values = 0;
    for comparison in from.into_iter().chain(to).chain(equals) {
        values += 1;
        condition.push_str(&format!(" and {comparison} ${values}"));
    }
    (condition, values)
}

fn bind<'q>(sql: &str, filter: &Filter) -> sqlx::query::Query<'q, sqlx::Any, <sqlx::Any as sqlx::Database>::Arguments> {
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned()));
    for time in filter.from.iter().chain(&filter.to) {
        query = query.bind(*time);
    }
    for (_, value) in &filter.equals {
        query = query.bind(value.clone());
    }
    query
}
