//! What is kept: SQLite or PostgreSQL, with one SQL text for both (`sqlx::Any`; both take `$1`).
//!
//! SQL is here and nowhere else, and decides nothing that [`domain`](crate::domain) could.

mod batch;
mod dialect;
mod error;
mod keys;
mod open_file;
mod records;
mod rollups;
mod sessions;
mod snapshots;
mod statement;
mod usage;

use std::{
    str::FromStr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sqlx::{
    AnyPool, ConnectOptions, Executor,
    any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers},
    migrate::{MigrateError, Migrator},
    sqlite::SqliteConnectOptions,
};

pub use batch::Batch;
use dialect::Dialect;
pub use error::Error;
pub(crate) use open_file::OpenFile;
pub use sessions::{Sign, WrittenOff};
pub use usage::{GroupPage, Page};

/// A database, migrated.
#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
    dialect: Dialect,
    /// The file of an SQLite that has one.
    file: Option<Arc<OpenFile>>,
    numbers: rollups::Numbers,
}

/// Tables whose rows have numbers that others read in a row.
#[derive(Clone, Copy, Debug)]
enum Numbered {
    KeyChanges,
    Snapshots,
}

/// Statements of this text only read, or write one row at a time; longer work holds a transaction.
const MAX_CONNECTIONS: u32 = 8;
/// How long a use of the store waits for a connection, and so how late one fails where a PostgreSQL is away.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(10);

impl Store {
    /// Opens a database, makes it where it is an SQLite file that does not exist, and brings its tables up to date.
    ///
    /// # Errors
    /// When the URL names no store, or the store cannot be reached or migrated.
    pub async fn open(url: &str) -> Result<Self, Error> {
        install_default_drivers();
        let scheme = url.split_once(':').map(|(scheme, _)| scheme);
        let dialect = match scheme {
            Some("sqlite") => Dialect::Sqlite,
            Some("postgres" | "postgresql") => Dialect::Postgres,
            _ => return Err(Error::UnknownUrl(scheme.unwrap_or(url).to_owned())),
        };
        let mut options = AnyPoolOptions::new().max_connections(MAX_CONNECTIONS).acquire_timeout(ACQUIRE_WITHIN);
        let mut url = url.to_owned();
        if dialect == Dialect::Sqlite {
            if !url.contains('?') {
                url.push_str("?mode=rwc");
            }
            options = options.after_connect(|connection, _| {
                // With `full`, a commit in WAL survives a power cut too: what is committed here is acknowledged, or leaves the
                // spool.
                let pragmas = "pragma journal_mode = wal; pragma synchronous = full; pragma busy_timeout = 10000;";
                Box::pin(async move { connection.execute(pragmas).await.map(|_| ()) })
            });
        }
        // A slow statement is known by its caller; its text may be pages long.
        let connect = AnyConnectOptions::from_str(&url).map_err(Error::Open)?.disable_statement_logging();
        let pool = options.connect_with(connect).await.map_err(Error::Open)?;
        tracing::info!("bringing the store up to date; of a large one of an older version, that takes minutes");
        match dialect {
            Dialect::Sqlite => migrate_unlocked(&sqlx::migrate!("migrations/sqlite"), &pool).await?,
            Dialect::Postgres => sqlx::migrate!("migrations/postgres").run(&pool).await?,
        }
        let file = match dialect {
            Dialect::Sqlite => open_file(&url)?,
            Dialect::Postgres => None,
        };
        Ok(Self { pool, dialect, file, numbers: rollups::Numbers::default() })
    }

    /// That what was committed is kept: it is not where SQLite's file is there no more.
    fn check_file(&self) -> Result<(), Error> {
        match self.file.as_deref().filter(|file| !file.is_there()) {
            Some(gone) => Err(Error::Gone(gone.path().to_owned())),
            None => Ok(()),
        }
    }

    /// Whether it answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), Error> {
        sqlx::query("select 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Ends all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// A transaction that will write: SQLite must take its lock at once, or two that read first could never both go on.
    async fn begin(&self) -> Result<sqlx::Transaction<'static, sqlx::Any>, Error> {
        Ok(match self.dialect {
            Dialect::Sqlite => self.pool.begin_with("begin immediate").await?,
            Dialect::Postgres => self.pool.begin().await?,
        })
    }

    /// As [`Self::begin`], for numbers that are given out in a row: others that would write to the table wait until this
    /// is committed. PostgreSQL takes numbers at once and shows them at commit, so that without this a reader that has seen
    /// the higher of two would pass over the lower. SQLite has one writer at a time anyway.
    async fn begin_alone(&self, table: Numbered) -> Result<sqlx::Transaction<'static, sqlx::Any>, Error> {
        let mut transaction = self.begin().await?;
        if self.dialect == Dialect::Postgres {
            let lock = match table {
                Numbered::KeyChanges => "lock table key_changes in share row exclusive mode",
                Numbered::Snapshots => "lock table snapshots in share row exclusive mode",
            };
            sqlx::query(lock).execute(&mut *transaction).await?;
        }
        Ok(transaction)
    }
}

/// The file that SQLite has open; `None` where it is in memory.
fn open_file(url: &str) -> Result<Option<Arc<OpenFile>>, Error> {
    let options = SqliteConnectOptions::from_str(url).map_err(Error::Open)?;
    let path = options.get_filename().to_owned();
    if path.as_os_str().is_empty() || path.to_string_lossy().contains(":memory:") {
        return Ok(None);
    }
    Ok(Some(Arc::new(OpenFile::at(path).map_err(|error| Error::Open(error.into()))?)))
}

/// Migrates an SQLite file, which another control plane may be doing too: for SQLite, sqlx has no lock to take. Of two that
/// run the same step one fails and has changed nothing, and finds that step done when it looks again.
async fn migrate_unlocked(migrations: &Migrator, pool: &AnyPool) -> Result<(), MigrateError> {
    for _ in 1..MIGRATE_ATTEMPTS {
        match migrations.run(pool).await {
            Err(error @ (MigrateError::Execute(_) | MigrateError::ExecuteMigration(..))) => {
                tracing::debug!(%error, "the store could not be migrated; looking again");
            }
            outcome => return outcome,
        }
    }
    migrations.run(pool).await
}

const MIGRATE_ATTEMPTS: u32 = 8;

/// Milliseconds since the Unix epoch.
#[must_use]
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
