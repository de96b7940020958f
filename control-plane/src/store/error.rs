//! Why the store cannot be used.

use std::{path::PathBuf, time::Duration};

use sqlx::migrate::MigrateError;

/// Why the store cannot be used, or did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL is of no database that we know.
    #[error("`{0}` is no store: write sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE")]
    UnknownUrl(String),
    /// It could not be opened.
    #[error("the store cannot be opened: {0}")]
    Open(sqlx::Error),
    /// Its tables could not be made or brought up to date.
    #[error("the store cannot be migrated: {0}")]
    Migrate(#[from] MigrateError),
    /// Its file was removed, or another put in its place, while it was open: nothing more that is written there is kept.
    #[error("{} is no longer the file that was opened: restart the control plane", .0.display())]
    Gone(PathBuf),
    /// It did not do what it was asked in this time.
    #[error("the store did not answer within {} seconds", .0.as_secs())]
    Late(Duration),
    /// A statement failed.
    #[error("the store failed: {0}")]
    Statement(#[from] sqlx::Error),
}

impl Error {
    /// Whether what was to be kept is at fault rather than the store: it fails again whenever it is tried.
    ///
    /// Of PostgreSQL these are the classes 22 (data), 23 (a constraint) and 54 (a limit, as of the rows of an index) of
    /// <https://www.postgresql.org/docs/current/errcodes-appendix.html>; of SQLite `TOOBIG`, `CONSTRAINT` and `MISMATCH`, which are the
    /// low bytes of <https://www.sqlite.org/rescode.html>.
    #[must_use]
    pub fn is_of_the_data(&self) -> bool {
        match self {
            Self::Statement(sqlx::Error::Encode(_)) => true,
            Self::Statement(sqlx::Error::Database(error)) => error.code().is_some_and(|code| match code.len() {
                SQLSTATE => ["22", "23", "54"].iter().any(|class| code.starts_with(class)),
                _ => code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 18..=20)),
            }),
            _ => false,
        }
    }

    /// Whether an SQLite file could not be read or written: `READONLY`, `IOERR`, `CORRUPT`, `FULL`, `CANTOPEN` or `NOTADB`.
    pub(super) fn is_of_the_file(&self) -> bool {
        let Self::Statement(sqlx::Error::Database(error)) = self else { return false };
        let code = error.code().filter(|code| code.len() != SQLSTATE).and_then(|code| code.parse::<u32>().ok());
        code.is_some_and(|code| matches!(code & 0xff, 8 | 10 | 11 | 13 | 14 | 26))
    }
}

/// A code of PostgreSQL has five characters, one of SQLite at most four digits.
const SQLSTATE: usize = 5;
