//! What is kept: SQLite or PostgreSQL, with one SQL text for both (`sqlx::Any`; both take `$1`).
//!
//! SQL is here and nowhere else, and decides nothing that [`domain`](crate::domain) could.

mod batch;
mod connections;
mod dialect;
mod error;
mod keys;
mod open_file;
mod private;
mod records;
mod rollups;
mod sessions;
mod snapshots;
mod statement;
mod usage;

use std::{
    io,
    path::PathBuf,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sqlx::{AnyConnection, AnyPool, Connection, Row, any::install_default_drivers, sqlite::SqliteConnectOptions};
use tokio::time::timeout;

pub use batch::Batch;
use connections::Doubt;
use dialect::Dialect;
pub use error::Error;
pub(crate) use open_file::OpenFile;
pub(crate) use private::make_private;
pub use sessions::{Sign, WrittenOff};
pub use usage::{GroupPage, Page};

/// A database, migrated.
#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
    dialect: Dialect,
    doubt: Doubt,
    /// What an SQLite file consists of: itself, and the log of what was committed last.
    files: Arc<[OpenFile]>,
    /// Keeps SQLite's log: when the last connection to a file is closed, which may be any of the pool, SQLite removes it.
    anchor: Arc<Mutex<Option<AnyConnection>>>,
    numbers: rollups::Numbers,
}

/// Tables whose rows have numbers that others read in a row.
#[derive(Clone, Copy, Debug)]
enum Numbered {
    KeyChanges,
    Snapshots,
}

/// How long work of several statements may take. A network that swallows packets says nothing of it.
const DONE_WITHIN: Duration = Duration::from_secs(300);

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
        if dialect == Dialect::Sqlite {
            private::make_private_database(url)?;
        }
        let mut anchor = connections::migrated(url, dialect).await?;
        let files = match dialect {
            Dialect::Sqlite => open_files(url, &mut anchor).await?,
            Dialect::Postgres => Vec::new(),
        };
        let doubt = Doubt::default();
        let pool = connections::pool(url, dialect, &doubt).await?;
        let anchor = match dialect {
            Dialect::Sqlite => Some(anchor),
            Dialect::Postgres => anchor.close().await.map(|()| None)?,
        };
        Ok(Self {
            pool,
            dialect,
            doubt,
            files: files.into(),
            anchor: Arc::new(Mutex::new(anchor)),
            numbers: rollups::Numbers::default(),
        })
    }

    /// Whether it answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), Error> {
        sqlx::query("select 1").execute(&self.pool).await?;
        self.check_files()
    }

    /// Ends all connections.
    pub async fn close(&self) {
        self.pool.close().await;
        let anchor = self.anchor.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(anchor) = anchor
            && let Err(error) = anchor.close().await
        {
            tracing::warn!(%error, "the store could not be closed");
        }
    }

    /// Does what writes, or what nobody gives up who waits for it: not for ever, and with the conclusions that a failure asks for.
    async fn attempt<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let done = timeout(DONE_WITHIN, work).await.unwrap_or(Err(Error::Late(DONE_WITHIN)));
        done.inspect_err(|error| self.doubt.weigh(error))
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

    /// Commits. What was committed is kept only where the files are still there.
    async fn commit(&self, transaction: sqlx::Transaction<'static, sqlx::Any>) -> Result<(), Error> {
        transaction.commit().await?;
        self.check_files()
    }

    fn check_files(&self) -> Result<(), Error> {
        match self.files.iter().find(|file| !file.is_there()) {
            Some(gone) => Err(Error::Gone(gone.path().to_owned())),
            None => Ok(()),
        }
    }
}

/// The files that SQLite has open, none where it is in memory.
async fn open_files(url: &str, connection: &mut AnyConnection) -> Result<Vec<OpenFile>, Error> {
    let options = SqliteConnectOptions::from_str(url).map_err(Error::Open)?;
    let path = options.get_filename().to_owned();
    if path.as_os_str().is_empty() || path.to_string_lossy().contains(":memory:") {
        return Ok(Vec::new());
    }
    // Some file systems have no shared memory, and then SQLite no such log.
    let mode = sqlx::query("pragma journal_mode").fetch_one(&mut *connection).await?.try_get::<String, _>(0)?;
    // The log is there once something was read.
    sqlx::query("select count(*) from sqlite_master").execute(connection).await?;
    let mut log = path.clone().into_os_string();
    log.push("-wal");
    let log = (mode == "wal").then(|| PathBuf::from(log));
    let files: io::Result<Vec<OpenFile>> = [path].into_iter().chain(log).map(OpenFile::at).collect();
    files.map_err(|error| Error::Open(error.into()))
}

/// Milliseconds since the Unix epoch.
#[must_use]
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
