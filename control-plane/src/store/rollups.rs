//! Roll-ups: sums over the records of an hour and of a day, kept in the same transaction as the records themselves.
//!
//! A row of sums names its dimensions by a number, so that it stays small; `usage_dimensions` has each combination once.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use sqlx::{AnyConnection, Row};

use super::{
    Store,
    dialect::Dialect,
    error::Error,
    statement::{Statement, rows_of},
};
use crate::domain::{
    calendar::{DAY_MS, HOUR_MS},
    record::Record,
    usage::{Dimension, Sums},
};

/// The dimensions that roll-ups have, with the columns of `usage_dimensions`.
pub(super) const DIMENSIONS: [(Dimension, &str); 14] = [
    (Dimension::Key, "key_id"),
    (Dimension::Team, "team"),
    (Dimension::User, "user_name"),
    (Dimension::EndUser, "end_user"),
    (Dimension::Model, "model"),
    (Dimension::Route, "route"),
    (Dimension::Provider, "provider"),
    (Dimension::UpstreamModel, "upstream_model"),
    (Dimension::ClientFormat, "client_format"),
    (Dimension::ProviderFormat, "provider_format"),
    (Dimension::Operation, "operation"),
    (Dimension::Stream, "stream"),
    (Dimension::Outcome, "outcome"),
    (Dimension::Provenance, "provenance"),
];

type Values = [String; DIMENSIONS.len()];

/// The numbers of combinations that were met before. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers(Arc<Mutex<HashMap<Values, i64>>>);

/// Beyond so many they are forgotten, and asked for again.
const MAX_NUMBERS: usize = 20_000;

impl Store {
    /// The number of each record's dimensions, by exchange id. New ones are committed at once: they mean nothing by themselves.
    pub(super) async fn dimensions_of<'a>(&self, records: &[&'a Record]) -> Result<HashMap<&'a str, i64>, Error> {
        let lock = || self.numbers.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wanted = wanted(records);
        let mut numbers = HashMap::with_capacity(wanted.len());
        {
            let known = lock();
            wanted.retain(|values| {
                known.get(values).is_none_or(|number| numbers.insert(values.clone(), *number).is_some())
            });
        }
        if !wanted.is_empty() {
            let found = give_numbers(&mut *self.pool.acquire().await?, self.dialect, &wanted).await?;
            let mut known = lock();
            if known.len() > MAX_NUMBERS {
                known.clear();
            }
            known.extend(found.iter().map(|(values, number)| (values.clone(), *number)));
            numbers.extend(found);
        }
        by_exchange(records, &numbers)
    }
}

/// As [`Store::dimensions_of`], within a transaction.
pub(super) async fn dimensions_within<'a>(
    connection: &mut AnyConnection,
    dialect: Dialect,
    records: &[&'a Record],
) -> Result<HashMap<&'a str, i64>, Error> {
    by_exchange(records, &give_numbers(connection, dialect, &wanted(records)).await?)
}

fn by_exchange<'a>(records: &[&'a Record], numbers: &HashMap<Values, i64>) -> Result<HashMap<&'a str, i64>, Error> {
    let number = |record: &&'a Record| {
        let number = numbers.get(&values(record)).ok_or(sqlx::Error::RowNotFound)?;
        Ok((record.facts.exchange_id.as_str(), *number))
    };
    records.iter().map(number).collect()
}

/// Each combination that these records have, once, in an order that is the same for all who ask.
fn wanted(records: &[&Record]) -> Vec<Values> {
    let wanted: BTreeSet<Values> = records.iter().map(|record| values(record)).collect();
    wanted.into_iter().collect()
}

/// Finds numbers, and gives new ones.
async fn give_numbers(
    connection: &mut AnyConnection,
    dialect: Dialect,
    wanted: &[Values],
) -> Result<HashMap<Values, i64>, Error> {
    let columns = DIMENSIONS.map(|(_, column)| column).join(", ");
    let mut numbers = HashMap::with_capacity(wanted.len());
    for chunk in wanted.chunks(rows_of(DIMENSIONS.len())) {
        let mut statement = Statement::new(dialect, format!("insert into usage_dimensions ({columns}) values "));
        for (at, values) in chunk.iter().enumerate() {
            statement.push(if at > 0 { ", " } else { "" }).list(values)?;
        }
        // Sets what is there already, so that its number is answered too.
        statement
            .push(&format!(" on conflict ({columns}) do update set key_id = excluded.key_id returning id, {columns}"));
        for row in statement.rows(connection).await? {
            let mut values = Values::default();
            for (value, (_, column)) in values.iter_mut().zip(DIMENSIONS) {
                *value = row.try_get(column)?;
            }
            numbers.insert(values, row.try_get("id")?);
        }
    }
    Ok(numbers)
}

fn values(record: &Record) -> Values {
    DIMENSIONS.map(|(dimension, _)| dimension.of(record).to_owned())
}

/// What a transaction changes in the roll-ups.
#[derive(Debug, Default)]
pub(super) struct Changes {
    hours: BTreeMap<(i64, i64), Sums>,
    days: BTreeMap<(i64, i64), Sums>,
}

impl Changes {
    /// Adds a record, or takes it out: `times` is 1 or -1.
    pub(super) fn add(&mut self, record: &Record, dimensions: i64, times: i64) {
        let sums = Sums::of_record(record);
        let at = record.facts.started_at;
        self.hours.entry((at - at % HOUR_MS, dimensions)).or_default().add(&sums, times);
        self.days.entry((at - at % DAY_MS, dimensions)).or_default().add(&sums, times);
    }

    /// Writes them in the order of their keys, so that two control planes wait for each other in one direction.
    pub(super) async fn write(self, connection: &mut AnyConnection, dialect: Dialect) -> Result<(), Error> {
        upsert(connection, dialect, "usage_hours", self.hours).await?;
        upsert(connection, dialect, "usage_days", self.days).await
    }
}

async fn upsert(
    connection: &mut AnyConnection,
    dialect: Dialect,
    table: &'static str,
    changes: BTreeMap<(i64, i64), Sums>,
) -> Result<(), Error> {
    let changes: Vec<_> = changes.into_iter().filter(|(_, sums)| *sums != Sums::default()).collect();
    let columns = Sums::NAMES.join(", ");
    let added = Sums::NAMES.map(|name| format!("{name} = {table}.{name} + excluded.{name}")).join(", ");
    for chunk in changes.chunks(rows_of(Sums::NAMES.len() + 2)) {
        let mut statement =
            Statement::new(dialect, format!("insert into {table} (started_at, dimensions, {columns}) values "));
        for (at, ((begin, dimensions), sums)) in chunk.iter().enumerate() {
            statement.push(if at > 0 { ", " } else { "" });
            statement.separated('(', [*begin, *dimensions])?.separated(',', sums.figures())?.push(")");
        }
        statement.push(&format!(" on conflict (started_at, dimensions) do update set {added}"));
        statement.execute(connection).await?;
    }
    Ok(())
}
