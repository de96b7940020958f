//! An SQLite file in a folder of its own.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, Executor as _};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::Impossible;
use super::mount::{Room, run};
use crate::cell::Fault;

/// The file, and what is being done to it.
pub(crate) struct Sqlite {
    folder: TempDir,
    room: Option<Room>,
    hurt: Hurt,
}

/// What is to be undone.
enum Hurt {
    Nothing,
    Renamed,
    Filled,
    Held(SqliteConnection),
    Contended(JoinHandle<()>),
    Immutable(Vec<PathBuf>),
}

/// Room for the tables, and little beyond.
const ROOM: &str = "size=16m";
/// A writer that is slow holds the lock for so long, and leaves it for a moment.
const BUSY: Duration = Duration::from_millis(400);
const IDLE: Duration = Duration::from_millis(15);

impl Sqlite {
    pub(crate) fn prepare(fault: Option<Fault>) -> Result<Self, Impossible> {
        let folder = tempfile::tempdir().map_err(|error| Impossible::failed("a folder for the store", error))?;
        let mut store = Self { folder, room: None, hurt: Hurt::Nothing };
        fs::create_dir(store.store()).map_err(|error| Impossible::failed("a folder for the store", error))?;
        if fault == Some(Fault::Full) {
            store.room = Some(Room::mount(store.store(), ROOM)?);
        }
        Ok(store)
    }

    pub(crate) fn url(&self) -> String {
        format!("sqlite://{}", self.file("").display())
    }

    pub(crate) async fn hurt(&mut self, fault: Fault) -> Result<(), Impossible> {
        self.hurt = match fault {
            Fault::Away => {
                fs::rename(self.store(), self.elsewhere()).map_err(|error| Impossible::failed("rename", error))?;
                Hurt::Renamed
            }
            Fault::Full => {
                self.room.as_ref().map_or(Ok(()), Room::fill)?;
                Hurt::Filled
            }
            Fault::Locked => {
                let mut connection = self.connect().await?;
                connection.execute("begin exclusive").await.map_err(|error| Impossible::failed("lock", error))?;
                Hurt::Held(connection)
            }
            Fault::Slow => Hurt::Contended(tokio::spawn(contend(self.connect().await?))),
            Fault::ReadOnly => {
                // Not what is mapped into memory (`-shm`): a write to that would kill its process.
                let files: Vec<PathBuf> = ["", "-wal"].map(|ending| self.file(ending)).into();
                let files: Vec<PathBuf> = files.into_iter().filter(|file| file.exists()).collect();
                set_immutable(&files, true)?;
                Hurt::Immutable(files)
            }
            Fault::Deleted => {
                for file in ["", "-wal", "-shm"].map(|ending| self.file(ending)) {
                    match fs::remove_file(&file) {
                        Err(error) if error.kind() != ErrorKind::NotFound => {
                            return Err(Impossible::failed("delete", error));
                        }
                        _ => {}
                    }
                }
                Hurt::Nothing
            }
            Fault::Silent | Fault::SpoolFull => {
                return Err(Impossible::Failed("that is no fault of a file".to_owned()));
            }
        };
        Ok(())
    }

    pub(crate) async fn heal(&mut self) -> Result<(), Impossible> {
        match std::mem::replace(&mut self.hurt, Hurt::Nothing) {
            Hurt::Nothing => Ok(()),
            Hurt::Renamed => {
                fs::rename(self.elsewhere(), self.store()).map_err(|error| Impossible::failed("rename back", error))
            }
            Hurt::Filled => self.room.as_ref().map_or(Ok(()), Room::clear),
            Hurt::Held(connection) => connection.close().await.map_err(|error| Impossible::failed("unlock", error)),
            Hurt::Contended(writer) => {
                writer.abort();
                Ok(())
            }
            Hurt::Immutable(files) => set_immutable(&files, false),
        }
    }

    async fn connect(&self) -> Result<SqliteConnection, Impossible> {
        let mut connection =
            SqliteConnection::connect(&self.url()).await.map_err(|error| Impossible::failed("connect", error))?;
        let waits = connection.execute("pragma busy_timeout = 10000").await;
        waits.map_err(|error| Impossible::failed("connect", error))?;
        Ok(connection)
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn elsewhere(&self) -> PathBuf {
        self.folder.path().join("elsewhere")
    }

    fn file(&self, ending: &str) -> PathBuf {
        self.store().join(format!("tollgate.db{ending}"))
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        if let Hurt::Immutable(files) = &self.hurt {
            let _ = set_immutable(files, false);
        }
        // Before the folder that it is in.
        self.room.take();
    }
}

/// Takes the lock again and again, so that others get it now and then.
async fn contend(mut connection: SqliteConnection) {
    loop {
        if connection.execute("begin immediate").await.is_ok() {
            tokio::time::sleep(BUSY).await;
            let _ = connection.execute("rollback").await;
        }
        tokio::time::sleep(IDLE).await;
    }
}

/// `chattr +i`, which holds for files that are open already as well; only root may.
fn set_immutable(files: &[PathBuf], immutable: bool) -> Result<(), Impossible> {
    run(Command::new("chattr").arg(if immutable { "+i" } else { "-i" }).args(files))
}
