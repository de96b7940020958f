//! Keeping records: each exchange once, the truth in place of a loss, and the roll-ups with every change.

pub(super) mod row;

use std::collections::{BTreeMap, HashMap, HashSet};

use sqlx::{AnyConnection, Row, any::AnyRow};
use tollgate_core::words::Outcome;

use super::{
    Dialect, Error, now_ms,
    rollups::Changes,
    statement::{Statement, rows_of},
};
use crate::domain::record::Record;

/// Beside the columns of a record: when it came, and which dimensions it has.
const EXTRA_COLUMNS: usize = 2;

/// Writes records, the roll-ups with them, and closes their exchanges. Answers the ids of those that changed something.
pub(super) async fn write_records<'a>(
    connection: &mut AnyConnection,
    dialect: Dialect,
    sorted: &[&'a Record],
    dimensions: &HashMap<&'a str, i64>,
) -> Result<HashSet<&'a str>, Error> {
    let mut changes = Changes::default();
    let mut new = insert(connection, dialect, sorted, dimensions, &mut changes).await?;
    let there: Vec<&Record> = sorted.iter().copied().filter(|record| !new.contains(id(record))).collect();
    let lost = take_out_lost(connection, dialect, &there, &mut changes).await?;
    let truths: Vec<&Record> = there.into_iter().filter(|record| lost.contains(id(record))).collect();
    new.extend(insert(connection, dialect, &truths, dimensions, &mut changes).await?);
    changes.write(connection, dialect).await?;
    close(connection, dialect, sorted).await?;
    Ok(new)
}

/// Takes those of these out that are on record as lost, and answers their ids.
async fn take_out_lost(
    connection: &mut AnyConnection,
    dialect: Dialect,
    there: &[&Record],
    changes: &mut Changes,
) -> Result<HashSet<String>, Error> {
    let mut taken = HashSet::new();
    // Few are, and one at a time: so many rows would be locked in an order of the store's own.
    for id in on_record(connection, dialect, there, Outcome::Lost).await? {
        let mut statement =
            Statement::new(dialect, "delete from usage_records where outcome = 'lost' and exchange_id = ");
        statement.bind(&id)?.push(" returning *");
        for gone in statement.rows(connection).await? {
            let record = row::read(&gone)?;
            changes.add(&record, gone.try_get("dimensions")?, -1);
            for tag in &record.facts.tags {
                let mut statement =
                    Statement::new(dialect, "delete from usage_tags where (tag, started_at, exchange_id) = ");
                statement.separated('(', [tag])?.separated(',', [record.facts.started_at])?;
                statement.separated(',', [&id])?.push(")");
                statement.execute(connection).await?;
            }
            taken.insert(record.facts.exchange_id);
        }
    }
    Ok(taken)
}

/// Inserts what is not on record yet, and answers its ids.
pub(super) async fn insert<'a>(
    connection: &mut AnyConnection,
    dialect: Dialect,
    records: &[&'a Record],
    dimensions: &HashMap<&'a str, i64>,
    changes: &mut Changes,
) -> Result<HashSet<&'a str>, Error> {
    let mut new = HashSet::new();
    let received_at = now_ms();
    let number = |record: &Record| dimensions.get(id(record)).copied().ok_or(sqlx::Error::RowNotFound);
    for chunk in records.chunks(rows_of(row::COLUMNS.len() + EXTRA_COLUMNS)) {
        let mut statement = Statement::new(dialect, "insert into usage_records (");
        statement.push(&row::COLUMNS.join(", ")).push(", dimensions, received_at) values ");
        for (at, record) in chunk.iter().enumerate() {
            statement.push(if at > 0 { ", " } else { "" });
            row::bind(&mut statement, record)?;
            statement.separated(',', [number(record)?, received_at])?.push(")");
        }
        statement.push(" on conflict (exchange_id) do nothing returning exchange_id");
        let inserted = ids(statement.rows(connection).await?)?;
        for record in chunk.iter().filter(|record| inserted.contains(id(record))) {
            changes.add(record, number(record)?, 1);
            new.insert(id(record));
        }
    }
    tag(connection, dialect, records.iter().copied().filter(|record| new.contains(id(record)))).await?;
    Ok(new)
}

async fn tag(
    connection: &mut AnyConnection,
    dialect: Dialect,
    records: impl Iterator<Item = &Record>,
) -> Result<(), Error> {
    let tags: Vec<_> =
        records.flat_map(|record| record.facts.tags.iter().map(move |tag| (tag, &record.facts))).collect();
    for chunk in tags.chunks(rows_of(3)) {
        let mut statement = Statement::new(dialect, "insert into usage_tags (tag, started_at, exchange_id) values ");
        for (at, (tag, facts)) in chunk.iter().enumerate() {
            statement.push(if at > 0 { ", " } else { "" });
            statement.separated('(', [tag])?.separated(',', [facts.started_at])?;
            statement.separated(',', [&facts.exchange_id])?.push(")");
        }
        statement.push(" on conflict do nothing");
        statement.execute(connection).await?;
    }
    Ok(())
}

/// What has a record is no longer open.
async fn close(connection: &mut AnyConnection, dialect: Dialect, records: &[&Record]) -> Result<(), Error> {
    for chunk in records.chunks(rows_of(1)) {
        let mut statement = Statement::new(dialect, "delete from open_exchanges where exchange_id in ");
        statement.list(chunk.iter().map(|record| id(record)))?;
        statement.execute(connection).await?;
    }
    Ok(())
}

/// The ids, in order, of those of these that are on record with this outcome.
async fn on_record(
    connection: &mut AnyConnection,
    dialect: Dialect,
    records: &[&Record],
    outcome: Outcome,
) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    for chunk in records.chunks(rows_of(1)) {
        let mut statement = Statement::new(dialect, "select exchange_id from usage_records where outcome = ");
        statement.bind(outcome.name())?.push(" and exchange_id in ").list(chunk.iter().map(|record| id(record)))?;
        found.extend(ids(statement.rows(connection).await?)?);
    }
    found.sort_unstable();
    Ok(found)
}

pub(super) fn ids(rows: Vec<AnyRow>) -> Result<HashSet<String>, sqlx::Error> {
    rows.iter().map(|row| row.try_get("exchange_id")).collect()
}

/// Each exchange once, in the order of the ids: of several records the first, but what happened before what was lost.
pub(super) fn once_each(records: &[Record]) -> Vec<&Record> {
    let mut chosen: BTreeMap<&str, &Record> = BTreeMap::new();
    for record in records {
        let first = chosen.entry(id(record)).or_insert(record);
        if first.ending.outcome == Outcome::Lost && record.ending.outcome != Outcome::Lost {
            *first = record;
        }
    }
    chosen.into_values().collect()
}

fn id(record: &Record) -> &str {
    &record.facts.exchange_id
}
