//! Statements with as many values as there are rows.
//!
//! Both stores take `$1`, but SQLite looks such a name up among all before it, which many rows make slow: where a statement has many
//! values, it gets plain `?`.

use sqlx::{Any, AnyConnection, Arguments, Encode, Type, any::AnyArguments, any::AnyRow};

use super::{dialect::Dialect, error::Error};

/// A statement in the making: text of ours, and values of others.
pub(super) struct Statement {
    dialect: Dialect,
    sql: String,
    arguments: AnyArguments,
    values: usize,
}

/// SQLite takes 32,766 values and PostgreSQL 65,535.
const MAX_VALUES: usize = 30_000;

/// How many rows of so many columns fit into one statement.
pub(super) const fn rows_of(columns: usize) -> usize {
    MAX_VALUES / columns
}

impl Statement {
    pub(super) fn new(dialect: Dialect, sql: impl Into<String>) -> Self {
        Self { dialect, sql: sql.into(), arguments: AnyArguments::default(), values: 0 }
    }

    /// Adds text of ours.
    pub(super) fn push(&mut self, sql: &str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    /// Adds a value.
    pub(super) fn bind<'t, T: Encode<'t, Any> + Type<Any>>(&mut self, value: T) -> Result<&mut Self, Error> {
        self.values += 1;
        match self.dialect {
            Dialect::Sqlite => self.sql.push('?'),
            Dialect::Postgres => self.sql.push_str(&format!("${}", self.values)),
        }
        self.arguments.add(value).map_err(sqlx::Error::Encode)?;
        Ok(self)
    }

    /// Adds values in brackets, separated by commas.
    pub(super) fn list<'t, T: Encode<'t, Any> + Type<Any>>(
        &mut self,
        values: impl IntoIterator<Item = T>,
    ) -> Result<&mut Self, Error> {
        self.separated('(', values)?;
        self.sql.push(')');
        Ok(self)
    }

    /// Adds values, each after a comma but the first, which comes after `before`.
    pub(super) fn separated<'t, T: Encode<'t, Any> + Type<Any>>(
        &mut self,
        before: char,
        values: impl IntoIterator<Item = T>,
    ) -> Result<&mut Self, Error> {
        let mut separator = before;
        for value in values {
            self.sql.push(separator);
            self.bind(value)?;
            separator = ',';
        }
        Ok(self)
    }

    pub(super) async fn execute(self, connection: &mut AnyConnection) -> Result<u64, Error> {
        let query = sqlx::query_with(sqlx::AssertSqlSafe(self.sql), self.arguments).persistent(false);
        Ok(query.execute(connection).await?.rows_affected())
    }

    pub(super) async fn rows(self, connection: &mut AnyConnection) -> Result<Vec<AnyRow>, Error> {
        let query = sqlx::query_with(sqlx::AssertSqlSafe(self.sql), self.arguments).persistent(false);
        Ok(query.fetch_all(connection).await?)
    }
}
