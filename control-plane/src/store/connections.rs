//! The connections to the database: how they are made, and which are not used again.

use std::{
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sqlx::{
    AnyConnection, AnyPool, ConnectOptions, Connection, Executor,
    any::{AnyConnectOptions, AnyPoolOptions},
    migrate::{MigrateError, Migrator},
};
use tokio::time::timeout;

use super::{Dialect, Error};

/// Statements of this text only read, or write one row at a time; longer work holds a transaction.
const MAX_CONNECTIONS: u32 = 8;
/// How long a use of the store waits for a connection, and so how late one fails where a PostgreSQL is away.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(10);
/// How long a connection that was used may take to show that it can be used again.
const RELEASE_WITHIN: Duration = Duration::from_secs(10);

/// With `full`, a commit in WAL survives a power cut too: what is committed here is acknowledged, or leaves the spool.
const SQLITE: &str = "pragma journal_mode = wal; pragma synchronous = full; pragma busy_timeout = 10000;";
/// PostgreSQL gives a statement up that waits longer, say for somebody's lock.
const POSTGRES: &str = "set statement_timeout = '60s'";

/// When the database failed in a way that may be its connections' own fault. Clones share it.
///
/// SQLite opens a file that cannot be written at that moment to read it only, says nothing of it, and leaves it at that. And what a
/// connection knows of a file that failed is not to be built upon.
#[derive(Clone, Debug, Default)]
pub(super) struct Doubt(Arc<Mutex<Option<Instant>>>);

impl Doubt {
    /// Draws from a failure what it says of the connections there are.
    pub(super) fn weigh(&self, error: &Error) {
        if error.is_of_the_file() {
            *self.failed_at() = Some(Instant::now());
        }
    }

    /// Whether what is so old is from before the last failure.
    fn covers(&self, age: Duration) -> bool {
        self.failed_at().is_some_and(|failed_at| failed_at.elapsed() <= age)
    }

    fn failed_at(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection to a database whose tables it has brought up to date. An SQLite file that does not exist is made.
pub(super) async fn migrated(url: &str, dialect: Dialect) -> Result<AnyConnection, Error> {
    let url =
        if url.contains('?') || dialect == Dialect::Postgres { url.to_owned() } else { format!("{url}?mode=rwc") };
    let options = options(&url)?;
    tracing::info!("bringing the store up to date; of a large one of an older version, that takes minutes");
    match dialect {
        Dialect::Sqlite => migrate_unlocked(&sqlx::migrate!("migrations/sqlite"), &options).await,
        Dialect::Postgres => {
            let mut connection = connect(&options).await?;
            sqlx::migrate!("migrations/postgres").run_direct(None, &mut connection, false).await?;
            Ok(connection)
        }
    }
}

/// Migrates an SQLite file, which another control plane may be doing too: for SQLite, sqlx has no lock to take. Of two that
/// run the same step one fails and has changed nothing, and finds that step done when it looks again.
async fn migrate_unlocked(migrations: &Migrator, options: &AnyConnectOptions) -> Result<AnyConnection, Error> {
    let mut attempt = 1;
    loop {
        let mut connection = connect(options).await?;
        match connection.execute(SQLITE).await {
            Ok(_) => {}
            // Another makes the file one with a write-ahead log at this moment, which SQLite waits for no lock to say.
            Err(error) if attempt < MIGRATE_ATTEMPTS => {
                tracing::debug!(%error, "the store is being made; looking again");
                attempt += 1;
                tokio::time::sleep(MIGRATE_AGAIN).await;
                continue;
            }
            Err(error) => return Err(Error::Open(error)),
        }
        match migrations.run_direct(None, &mut connection, false).await {
            Ok(()) => return Ok(connection),
            Err(error @ (MigrateError::Execute(_) | MigrateError::ExecuteMigration(..)))
                if attempt < MIGRATE_ATTEMPTS =>
            {
                tracing::debug!(%error, "the store could not be migrated; looking again");
            }
            Err(error) => return Err(error.into()),
        }
        attempt += 1;
    }
}

const MIGRATE_ATTEMPTS: u32 = 8;
const MIGRATE_AGAIN: Duration = Duration::from_millis(100);

async fn connect(options: &AnyConnectOptions) -> Result<AnyConnection, Error> {
    match timeout(ACQUIRE_WITHIN, AnyConnection::connect_with(options)).await {
        Ok(connected) => connected.map_err(Error::Open),
        Err(_) => Err(Error::Open(sqlx::Error::PoolTimedOut)),
    }
}

/// Connections to a database that is there: an SQLite file that was removed is not made anew, empty.
pub(super) async fn pool(url: &str, dialect: Dialect, doubt: &Doubt) -> Result<AnyPool, Error> {
    let url = match dialect {
        Dialect::Sqlite if url.contains('?') => url.replace("mode=rwc", "mode=rw"),
        Dialect::Sqlite => format!("{url}?mode=rw"),
        Dialect::Postgres => url.to_owned(),
    };
    let settings = match dialect {
        Dialect::Sqlite => SQLITE,
        Dialect::Postgres => POSTGRES,
    };
    let doubt = doubt.clone();
    AnyPoolOptions::new()
        .max_connections(MAX_CONNECTIONS)
        .acquire_timeout(ACQUIRE_WITHIN)
        .after_connect(move |connection, _| Box::pin(async move { connection.execute(settings).await.map(|_| ()) }))
        .before_acquire(move |_, connection| {
            let usable = !doubt.covers(connection.age);
            Box::pin(async move { Ok(usable) })
        })
        .after_release(|connection, _| Box::pin(is_usable(connection)))
        .connect_with(options(&url)?)
        .await
        .map_err(Error::Open)
}

/// Whether a connection that comes back can be used again, once its transaction has been rolled back where that was open.
///
/// A failure such as a full disk makes SQLite roll back by itself (<https://www.sqlite.org/lang_transaction.html>, "Response To Errors
/// Within A Transaction"). sqlx's own rollback then fails, and it takes the connection for being in a transaction for ever, in which
/// no other can begin.
async fn is_usable(connection: &mut AnyConnection) -> Result<bool, sqlx::Error> {
    match timeout(RELEASE_WITHIN, connection.ping()).await {
        Ok(answer) => answer?,
        Err(_) => return Err(sqlx::Error::PoolTimedOut),
    }
    Ok(!connection.is_in_transaction())
}

/// A slow statement is known by its caller; its text may be pages long.
fn options(url: &str) -> Result<AnyConnectOptions, Error> {
    Ok(AnyConnectOptions::from_str(url).map_err(Error::Open)?.disable_statement_logging())
}
