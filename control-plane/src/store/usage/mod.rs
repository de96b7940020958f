//! Answers to questions about usage: records one by one, and sums over them.

mod groups;
mod sources;

use super::{Error, Store, records::row, statement::Statement};
use crate::domain::{
    record::Record,
    usage::{Dimension, Filter},
};

pub use groups::GroupPage;

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
        let mut statement =
            Statement::new(self.dialect, format!("select {} from usage_records where 1 = 1", row::COLUMNS.join(", ")));
        in_range(&mut statement, filter.from, filter.to)?;
        in_list(&mut statement, filter)?;
        for (dimension, value) in &filter.equals {
            if let Some(column) = column(*dimension) {
                statement.push(&format!(" and {column} = ")).bind(value)?;
                if *dimension == Dimension::EndUser && !value.is_empty() {
                    // The index has no others.
                    statement.push(" and end_user <> ''");
                }
            }
        }
        if let Some((time, id)) = cursor {
            statement
                .push(" and (started_at, exchange_id) < ")
                .separated('(', [*time])?
                .separated(',', [id])?
                .push(")");
        }
        let most = limit.saturating_add(1);
        statement.push(&format!(" order by started_at desc, exchange_id desc limit {most}"));
        let rows = statement.rows(&mut *self.pool.acquire().await?).await?;
        let mut records = rows.iter().map(row::read).collect::<Result<Vec<_>, _>>()?;
        let more = records.len() > limit;
        records.truncate(limit);
        let next = records.last().filter(|_| more).map(|last| (last.facts.started_at, last.facts.exchange_id.clone()));
        Ok(Page { records, next })
    }
}

/// Of the records that began in a range.
fn in_range(statement: &mut Statement, from: Option<i64>, to: Option<i64>) -> Result<(), Error> {
    if let Some(from) = from {
        statement.push(" and started_at >= ").bind(from)?;
    }
    if let Some(to) = to {
        statement.push(" and started_at < ").bind(to)?;
    }
    Ok(())
}

/// What only records know: their session and their tags.
fn in_list(statement: &mut Statement, filter: &Filter) -> Result<(), Error> {
    if let Some(session) = &filter.session_id {
        // The second half is for the index, which has no others.
        statement.push(" and session_id = ").bind(session)?;
        statement.push(if session.is_empty() { "" } else { " and session_id <> ''" });
    }
    if let Some(tag) = &filter.tag {
        statement.push(" and exchange_id in (select exchange_id from usage_tags where tag = ").bind(tag)?;
        in_range(statement, filter.from, filter.to)?;
        statement.push(")");
    }
    Ok(())
}

/// The expression of a dimension over `usage_records`; `None` for one of time.
fn column(dimension: Dimension) -> Option<&'static str> {
    Some(match dimension {
        Dimension::Stream => "case when stream <> 0 then 'true' else 'false' end",
        other => super::rollups::DIMENSIONS.into_iter().find(|(known, _)| *known == other)?.1,
    })
}
