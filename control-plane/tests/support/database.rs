//! A database for one test.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use sqlx::{AnyConnection, Connection, Executor, any::install_default_drivers};
use tempfile::TempDir;
use tokio::task::{LocalSet, spawn_local};

/// An empty database that nothing else uses, with a folder for what control planes keep beside it.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    pub(crate) url: String,
    folder: Arc<TempDir>,
}

impl Database {
    /// The data folder of the control plane of this name.
    pub(crate) fn data_dir(&self, plane: &str) -> PathBuf {
        self.folder.path().join(plane)
    }

    /// Runs a statement behind the control plane's back.
    pub(crate) async fn tamper(&self, sql: &'static str) {
        let mut connection = AnyConnection::connect(&self.url).await.expect("the test's database answers");
        connection.execute(sql).await.expect("the statement is good");
    }

    /// Runs a statement on the spool in the folder `data`, behind the control plane's back; it is made if need be.
    pub(crate) async fn tamper_spool(&self, sql: &'static str) {
        let folder = self.data_dir("data");
        std::fs::create_dir_all(&folder).expect("a folder");
        let url = format!("sqlite://{}?mode=rwc", folder.join("spool.db").display());
        let mut connection = AnyConnection::connect(&url).await.expect("the spool can be opened");
        connection.execute(sql).await.expect("the statement is good");
        connection.close().await.expect("it can be closed");
    }

    /// How many records wait in the spool in the folder `data`, as somebody else sees it.
    pub(crate) async fn spooled(&self) -> i64 {
        let url = format!("sqlite://{}", self.data_dir("data").join("spool.db").display());
        let mut connection = AnyConnection::connect(&url).await.expect("the spool can be opened");
        let sum = "select coalesce(sum(records), 0) from entries";
        sqlx::query_scalar(sum).fetch_one(&mut connection).await.expect("it can be read")
    }

    /// Makes the store refuse every record of the model `poison`, until [`Self::take_poison`].
    pub(crate) async fn refuse_poison(&self) {
        self.tamper(if self.url.starts_with("sqlite") {
            "create trigger poison before insert on usage_records when new.model = 'poison' \
             begin select raise(abort, 'poison'); end"
        } else {
            "alter table usage_records add constraint poison check (model <> 'poison')"
        })
        .await;
    }

    pub(crate) async fn take_poison(&self) {
        let sqlite = self.url.starts_with("sqlite");
        self.tamper(if sqlite { "drop trigger poison" } else { "alter table usage_records drop constraint poison" })
            .await;
    }

    /// Lets nobody write an SQLite file.
    pub(crate) fn read_only(&self) -> ReadOnly {
        ReadOnly::of(self.url.trim_start_matches("sqlite://").into())
    }

    /// Takes the lock of an SQLite file, until the connection is dropped.
    pub(crate) async fn lock(&self) -> AnyConnection {
        let mut connection = AnyConnection::connect(&self.url).await.expect("the test's database answers");
        connection.execute("begin immediate").await.expect("nobody else has it");
        connection
    }
}

/// An SQLite file that may not be written. It may again when this is dropped.
#[derive(Debug)]
pub(crate) struct ReadOnly {
    file: PathBuf,
    enforced: bool,
}

impl ReadOnly {
    fn of(file: PathBuf) -> Self {
        set_writable(&file, false);
        let enforced = fs::File::options().write(true).open(&file).is_err();
        Self { file, enforced }
    }

    /// Whether this holds for us: root may write what nobody may, unless its file system knows files that are immutable.
    pub(crate) fn is_enforced(&self) -> bool {
        self.enforced
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        set_writable(&self.file, true);
    }
}

fn set_writable(file: &Path, writable: bool) {
    let flag = if writable { "-i" } else { "+i" };
    let set_flag = || drop(Command::new("chattr").arg(flag).arg(file).output());
    if writable {
        set_flag();
    }
    let mode = if writable { 0o644 } else { 0o444 };
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).expect("it is ours");
    if !writable {
        set_flag();
    }
}

/// Runs a test on an SQLite file in a folder of its own.
pub(crate) async fn on_sqlite<F: Future<Output = ()> + 'static>(test: impl FnOnce(Database) -> F) {
    install_default_drivers();
    let folder = Arc::new(TempDir::new().expect("a temporary folder"));
    let url = format!("sqlite://{}", folder.path().join("tollgate.db").display());
    test(Database { url, folder }).await;
}

/// Runs a test on a new database of the server at `TEST_POSTGRES_URL`, which is dropped whatever comes of the test.
pub(crate) async fn on_postgres<F: Future<Output = ()> + 'static>(test: impl FnOnce(Database) -> F) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    install_default_drivers();
    let server = env::var("TEST_POSTGRES_URL")
        .expect("TEST_POSTGRES_URL is not set: run `make test`, which starts a PostgreSQL for the tests");
    let name = format!("tollgate_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    statement(&server, format!("create database {name}")).await;
    let (before, parameters) = server.split_once('?').map_or((server.as_str(), None), |(url, rest)| (url, Some(rest)));
    let (base, _) = before.rsplit_once('/').expect("the URL names a database");
    let url = format!("{base}/{name}{}", parameters.map(|rest| format!("?{rest}")).unwrap_or_default());
    let folder = Arc::new(TempDir::new().expect("a temporary folder"));
    // A task of its own, so that a panic in it ends here.
    let outcome = LocalSet::new().run_until(async { spawn_local(test(Database { url, folder })).await }).await;
    statement(&server, format!("drop database {name} with (force)")).await;
    if let Err(failed) = outcome {
        std::panic::resume_unwind(failed.into_panic());
    }
}

async fn statement(server: &str, sql: String) {
    let mut connection = AnyConnection::connect(server).await.expect("TEST_POSTGRES_URL answers");
    connection.execute(sqlx::AssertSqlSafe(sql)).await.expect("tests may create and drop databases");
}
