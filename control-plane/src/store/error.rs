//! Why the store cannot be used.

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
    /// A statement failed.
    #[error("the store failed: {0}")]
    Statement(#[from] sqlx::Error),
}
