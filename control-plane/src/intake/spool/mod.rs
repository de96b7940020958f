//! The spool: an SQLite file in the data folder that holds what sessions handed over until the store has it.
//!
//! A commit of its writer is on the disk (`synchronous = full`). Entries have numbers in the order in which they came, and a number is
//! never given twice.

mod error;
mod writer;

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use prost::Message;
use sqlx::{
    ConnectOptions, QueryBuilder, Row, Sqlite,
    sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous},
};
use tokio::{
    sync::{Mutex, Notify, watch},
    time::Instant,
};
use tokio_stream::StreamExt;
use tollgate_proto::v1::Up;

pub(crate) use self::error::Error;
use self::{
    error::{cannot_open, may_pass},
    writer::Writer,
};
use super::entry::Entry;
use crate::store::{OpenFile, make_private};

/// Where the spool lies, and how large it may become.
#[derive(Clone, Debug)]
pub struct SpoolPlace {
    /// The folder, which must outlive the process.
    pub folder: PathBuf,
    /// The most that entries may take together, in bytes.
    pub max_bytes: u64,
    /// Whether to have one.
    pub wanted: Wanted,
}

/// When usage is to be acknowledged by the spool. Whatever was acknowledged by one comes into the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Always.
    Yes,
    /// Where the folder can be written.
    IfPossible,
    /// Never; one that is there is emptied.
    No,
}

/// An open spool, which nobody else has open.
#[derive(Debug)]
pub(crate) struct Spool {
    path: PathBuf,
    max_bytes: u64,
    /// The files as they were opened: others of the same names are not ours.
    files: [OpenFile; 2],
    writer: Writer,
    reader: Mutex<SqliteConnection>,
    held: watch::Sender<Held>,
    /// There was no room, and there is still little.
    full: AtomicBool,
    /// What is in it could not be read when that was tried last.
    unreadable: AtomicBool,
    added: Notify,
    _lock: File,
}

/// What is in a spool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) entries: u64,
    /// Usage records in these entries.
    pub(crate) records: u64,
    /// What they take, and those that were set aside.
    pub(crate) bytes: u64,
    /// Entries that the store will not take.
    pub(crate) set_aside: u64,
}

/// What is read from the spool.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) number: i64,
    /// `None` where what the VM said cannot be read.
    pub(super) entry: Option<Entry>,
}

impl Spool {
    /// Opens the spool of a folder, which is made if need be. What was set aside is tried again.
    pub(crate) async fn open(place: &SpoolPlace) -> Result<Self, Error> {
        let path = place.folder.join("spool.db");
        let lock = lock(&place.folder).await?;
        let options = options(&path, place.max_bytes);
        make_private(&path).map_err(|error| Error::Unwritable { path: path.clone(), error })?;
        let deadline = Instant::now() + LOCK_WITHIN;
        let (writer, reader, held) = loop {
            match connect(&options).await {
                Ok(connected) => break connected,
                // Somebody looks into it, or a connection of before is being closed: SQLite waits for these only in part.
                Err(error) if may_pass(&error) && Instant::now() < deadline => tokio::time::sleep(LOCK_AGAIN).await,
                Err(error) => return Err(cannot_open(path, error)),
            }
        };
        let Some(held) = held else { return Err(Error::TooNew(path)) };
        let wal = place.folder.join("spool.db-wal");
        let opened = |path: PathBuf| OpenFile::at(path.clone()).map_err(|error| Error::Unwritable { path, error });
        Ok(Self {
            files: [opened(path.clone())?, opened(wal)?],
            path,
            max_bytes: place.max_bytes,
            writer: Writer::new(options, writer),
            reader: Mutex::new(reader),
            held: watch::Sender::new(held),
            full: AtomicBool::new(false),
            unreadable: AtomicBool::new(false),
            added: Notify::new(),
            _lock: lock,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    /// What is in it. It changes with each commit.
    pub(crate) fn held(&self) -> watch::Receiver<Held> {
        self.held.subscribe()
    }

    /// Whether it takes nothing: from when something did not fit until a tenth of it is free. Otherwise small entries would go on taking
    /// what room a large one waits for.
    pub(super) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed) && self.room() < self.max_bytes / 10
    }

    fn room(&self) -> u64 {
        self.max_bytes.saturating_sub(self.held.borrow().bytes)
    }

    /// Commits the first of these that there is room for, in one transaction, and answers how many these are.
    pub(super) async fn append(&self, entries: &[Entry]) -> Result<usize, Error> {
        if self.is_full() {
            return Ok(0);
        }
        let mut room = self.room();
        let (mut rows, mut added) = (Vec::with_capacity(entries.len()), Held::default());
        for entry in entries {
            let said = entry.said.as_ref().map(Message::encode_to_vec);
            let bytes = OVERHEAD + said.as_ref().map_or(0, |said| said.len() as u64);
            let Some(left) = room.checked_sub(bytes) else { break };
            room = left;
            added.entries += 1;
            added.records += entry.records() as u64;
            added.bytes += bytes;
            rows.push((entry, said));
        }
        self.full.store(rows.len() < entries.len(), Ordering::Relaxed);
        if rows.is_empty() {
            return Ok(0);
        }
        if self.unreadable.load(Ordering::Relaxed) {
            return Err(Error::Unreadable(self.path.clone()));
        }
        self.insert(&rows).await.map_err(self.failed())?;
        self.check_files()?;
        self.held.send_modify(|held| {
            held.entries += added.entries;
            held.records += added.records;
            held.bytes += added.bytes;
        });
        self.added.notify_one();
        Ok(rows.len())
    }

    async fn insert(&self, rows: &[(&Entry, Option<Vec<u8>>)]) -> Result<(), sqlx::Error> {
        let mut transaction = self.writer.begin().await?;
        let mut statement =
            QueryBuilder::<Sqlite>::new("insert into entries (vm_id, session, received_at, records, said) ");
        statement.push_values(rows, |mut row, (entry, said)| {
            row.push_bind(&entry.vm_id).push_bind(entry.session).push_bind(entry.received_at);
            row.push_bind(i64::try_from(entry.records()).unwrap_or(i64::MAX)).push_bind(said);
        });
        statement.build().persistent(false).execute(transaction.connection()).await?;
        transaction.commit().await
    }

    /// The entries after this number, in order, as many as one transaction of the store should have. Waits until there are some.
    pub(super) async fn next(&self, after: i64) -> Result<Vec<Kept>, Error> {
        loop {
            let entries = self.read(after).await;
            self.unreadable.store(entries.is_err(), Ordering::Relaxed);
            let entries = entries.map_err(self.failed())?;
            if !entries.is_empty() {
                return Ok(entries);
            }
            self.added.notified().await;
        }
    }

    async fn read(&self, after: i64) -> Result<Vec<Kept>, sqlx::Error> {
        let sql =
            "select number, vm_id, session, received_at, said from entries where number > ? order by number limit ?";
        let mut reader = self.reader.lock().await;
        let mut rows = sqlx::query(sql).bind(after).bind(READ_ENTRIES).fetch(&mut *reader);
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while bytes < READ_BYTES
            && let Some(row) = rows.next().await
        {
            let row = row?;
            let entry = entry(&row);
            bytes += entry.as_ref().map_or(0, Entry::size);
            entries.push(Kept { number: row.try_get("number")?, entry });
        }
        Ok(entries)
    }

    /// When the oldest entry came, where there is one.
    pub(super) async fn oldest(&self) -> Result<Option<i64>, Error> {
        let sql = "select received_at from entries order by number limit 1";
        let mut reader = self.reader.lock().await;
        sqlx::query_scalar(sql).fetch_optional(&mut *reader).await.map_err(self.failed())
    }

    /// Removes the entries up to this number.
    pub(super) async fn remove(&self, up_to: i64) -> Result<(), Error> {
        let removing = async {
            let mut transaction = self.writer.begin().await?;
            let row = sqlx::query(HELD_UP_TO).bind(up_to).fetch_one(transaction.connection()).await?;
            let delete = sqlx::query("delete from entries where number <= ?").bind(up_to);
            delete.execute(transaction.connection()).await?;
            transaction.commit().await?;
            counts(&row)
        };
        let removed = removing.await.map_err(self.failed())?;
        self.held.send_modify(|held| {
            held.entries = held.entries.saturating_sub(removed.entries);
            held.records = held.records.saturating_sub(removed.records);
            held.bytes = held.bytes.saturating_sub(removed.bytes);
        });
        Ok(())
    }

    /// Keeps these entries apart, by their numbers and with the reason: they stay until the spool is opened again, which tries them again.
    pub(super) async fn set_aside(&self, entries: &[(i64, String)]) -> Result<(), Error> {
        let setting_aside = async {
            let (mut transaction, mut added) = (self.writer.begin().await?, Held::default());
            for (number, reason) in entries {
                let set_aside = sqlx::query(SET_ASIDE).bind(reason).bind(number);
                if let Some(row) = set_aside.fetch_optional(transaction.connection()).await? {
                    added.set_aside += 1;
                    added.bytes += OVERHEAD + row.try_get::<i64, _>("bytes")?.unsigned_abs();
                }
            }
            transaction.commit().await?;
            Ok(added)
        };
        let added: Held = setting_aside.await.map_err(self.failed())?;
        self.held.send_modify(|held| {
            held.set_aside += added.set_aside;
            held.bytes += added.bytes;
        });
        Ok(())
    }

    /// What was committed into files that are not there any more is not kept.
    fn check_files(&self) -> Result<(), Error> {
        match self.files.iter().find(|file| !file.is_there()) {
            Some(gone) => Err(Error::Gone(gone.path().to_owned())),
            None => Ok(()),
        }
    }

    fn failed(&self) -> impl FnOnce(sqlx::Error) -> Error {
        |error| Error::File { path: self.path.clone(), error }
    }
}

/// Whether nothing that was acknowledged is in the spool of this folder, as far as it can be read without changing anything.
pub(crate) async fn is_empty(folder: &Path) -> bool {
    let (path, wal) = (folder.join("spool.db"), folder.join("spool.db-wal"));
    let absent = |error: io::Error| matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
    if fs::metadata(&path).map_or_else(absent, |file| file.len() == 0) {
        return true;
    }
    // What is in there comes on top of the file, and is not read here.
    if fs::metadata(wal).is_ok_and(|wal| wal.is_file() && wal.len() > 0) {
        return false;
    }
    let counting = async {
        let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(true);
        let mut reader = options.connect().await?;
        let version: i64 = sqlx::query_scalar("pragma user_version").fetch_one(&mut reader).await?;
        if version == 0 {
            return Ok(Held::default());
        }
        counts(&sqlx::query(HELD).fetch_one(&mut reader).await?)
    };
    counting.await.is_ok_and(|held: Held| held.entries + held.set_aside == 0)
}

/// Takes the folder for this process. A control plane that is ending, or was killed a moment ago, is waited for.
async fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join("spool.lock");
    let open = || {
        fs::create_dir_all(folder)?;
        File::options().create(true).truncate(false).write(true).mode(0o600).open(&path)
    };
    let file = open().map_err(|error| Error::Unwritable { path: path.clone(), error })?;
    let deadline = Instant::now() + LOCK_WITHIN;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => tokio::time::sleep(LOCK_AGAIN).await,
            Err(TryLockError::WouldBlock) => return Err(Error::Locked(path)),
            Err(TryLockError::Error(error)) => return Err(Error::Unwritable { path, error }),
        }
    }
}

/// How the file is opened. It may become twice as large as what is in it: rows do not fill their pages.
fn options(path: &Path, max_bytes: u64) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .page_size(PAGE)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("max_page_count", (2 * max_bytes / u64::from(PAGE) + SPARE_PAGES).to_string())
        .busy_timeout(Duration::from_secs(10))
        .row_buffer_size(ROWS_AHEAD)
        .disable_statement_logging()
}

/// A connection to write, one to read, and what is in the spool; `None` where it is of a newer version.
async fn connect(
    options: &SqliteConnectOptions,
) -> Result<(SqliteConnection, SqliteConnection, Option<Held>), sqlx::Error> {
    let (mut writer, reader) = (options.connect().await?, options.connect().await?);
    let version: i64 = sqlx::query_scalar("pragma user_version").fetch_one(&mut writer).await?;
    if version > VERSION {
        return Ok((writer, reader, None));
    }
    // Where nothing has to be written, nothing is: a full disk may still be read.
    let complete = version == VERSION
        && !sqlx::query_scalar::<_, bool>("select exists (select 1 from set_aside)").fetch_one(&mut writer).await?;
    if !complete {
        sqlx::raw_sql(SCHEMA).execute(&mut writer).await?;
    }
    let held = counts(&sqlx::query(HELD).fetch_one(&mut writer).await?)?;
    Ok((writer, reader, Some(held)))
}

/// `None` where something of it is damaged.
fn entry(row: &SqliteRow) -> Option<Entry> {
    let said: Option<&[u8]> = row.try_get("said").ok()?;
    Some(Entry {
        vm_id: row.try_get("vm_id").ok()?,
        session: row.try_get("session").ok()?,
        received_at: row.try_get("received_at").ok()?,
        said: said.map(Up::decode).transpose().ok()?,
    })
}

fn counts(row: &SqliteRow) -> Result<Held, sqlx::Error> {
    let count = |column| row.try_get::<i64, _>(column).map(i64::unsigned_abs);
    let (entries, set_aside) = (count("entries")?, count("set_aside")?);
    Ok(Held {
        entries,
        set_aside,
        records: count("records")?,
        bytes: count("bytes")? + OVERHEAD * (entries + set_aside),
    })
}

const VERSION: i64 = 1;
/// SQLite's usual page, in bytes, and what a small spool may have beside its entries.
const PAGE: u32 = 4_096;
const SPARE_PAGES: u64 = 1_024;
/// A row beside what was said, in bytes: more than it takes.
const OVERHEAD: u64 = 128;
const READ_ENTRIES: i64 = 1_000;
const READ_BYTES: usize = 4 << 20;
/// How many entries, which may be large, are read ahead.
const ROWS_AHEAD: usize = 4;
const LOCK_WITHIN: Duration = Duration::from_secs(5);
const LOCK_AGAIN: Duration = Duration::from_millis(50);

/// `said` is a message `tollgate.v1.Up`, and null at the end of a session.
const SCHEMA: &str = "
    begin;
    create table if not exists entries (
        number integer primary key autoincrement, vm_id text not null, session integer not null,
        received_at integer not null, records integer not null, said blob
    );
    create table if not exists set_aside (
        vm_id text not null, session integer not null, received_at integer not null, records integer not null, said blob,
        reason text not null
    );
    insert into entries (vm_id, session, received_at, records, said)
        select vm_id, session, received_at, records, said from set_aside;
    delete from set_aside;
    pragma user_version = 1;
    commit;
";

const SET_ASIDE: &str = "insert into set_aside (vm_id, session, received_at, records, said, reason) \
    select vm_id, session, received_at, records, said, ? from entries where number = ? \
    returning coalesce(length(said), 0) as bytes";

const HELD_UP_TO: &str = "select count(*) as entries, 0 as set_aside, coalesce(sum(records), 0) as records, \
    coalesce(sum(length(said)), 0) as bytes from entries where number <= ?";

const HELD: &str = "select count(*) as entries, coalesce(sum(records), 0) as records, \
    coalesce(sum(length(said)), 0) + (select coalesce(sum(length(said)), 0) from set_aside) as bytes, \
    (select count(*) from set_aside) as set_aside from entries";
