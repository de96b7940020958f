//! The one connection that writes into the spool.

use sqlx::{
    ConnectOptions, Executor,
    sqlite::{SqliteConnectOptions, SqliteConnection},
};
use tokio::sync::{Mutex, MutexGuard};

/// Where transactions begin. After whatever went wrong it is with a new connection: on an error as of a full disk SQLite rolls back by
/// itself (<https://www.sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction>), and whoever takes such a connection for
/// one within a transaction commits nothing from then on. For the same reason SQL begins and commits here, and not sqlx, which counts.
#[derive(Debug)]
pub(super) struct Writer {
    options: SqliteConnectOptions,
    connection: Mutex<Option<SqliteConnection>>,
}

/// A transaction, which nothing becomes of unless it is committed.
pub(super) struct Transaction<'a> {
    home: MutexGuard<'a, Option<SqliteConnection>>,
    connection: SqliteConnection,
}

impl Writer {
    /// With a connection that was opened with these options.
    pub(super) fn new(options: SqliteConnectOptions, connection: SqliteConnection) -> Self {
        Self { options: options.create_if_missing(false), connection: Mutex::new(Some(connection)) }
    }

    /// Begins a transaction once no other is under way.
    pub(super) async fn begin(&self) -> Result<Transaction<'_>, sqlx::Error> {
        let mut home = self.connection.lock().await;
        let mut connection = match home.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        connection.execute("begin immediate").await?;
        Ok(Transaction { home, connection })
    }
}

impl Transaction<'_> {
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// When this answers, it is on the disk.
    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        let Self { mut home, mut connection } = self;
        connection.execute("commit").await?;
        *home = Some(connection);
        Ok(())
    }
}
