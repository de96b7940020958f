//! Why a spool cannot be used, and what SQLite means by it.

use std::{io, path::PathBuf};

/// Why a spool cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing can be written in its folder.
    #[error("{} cannot be written: {error}", path.display())]
    Unwritable {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Another process has it.
    #[error("another control plane uses the spool {}: give each its own --data-dir", .0.display())]
    Locked(PathBuf),
    /// It is of a revision after this one.
    #[error("the spool {} is of a newer version of Tollgate: let that version empty it", .0.display())]
    TooNew(PathBuf),
    /// It is no file of SQLite's, or one that is damaged.
    #[error("{} is no spool, or is damaged: move it away to begin with an empty one; what it held is not in the store then", .0.display())]
    Damaged(PathBuf),
    /// It may hold what was acknowledged, and cannot be used.
    #[error("{} may hold usage that was acknowledged and is not in the store, but {error}: make it usable, or move it away", path.display())]
    Stranded {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: Box<Error>,
    },
    /// Its files were removed, or others put in their place, while it was open.
    #[error("{} is no longer the file that was opened: restart the control plane", .0.display())]
    Gone(PathBuf),
    /// It is being written, but what is in it cannot be read.
    #[error("{} cannot be read: restart the control plane", .0.display())]
    Unreadable(PathBuf),
    /// SQLite failed.
    #[error("the spool {} failed: {error}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: sqlx::Error,
    },
}

/// Whether it is for the folder, the disk or the file that it cannot be opened. Numbers as of <https://www.sqlite.org/rescode.html>.
pub(super) fn cannot_open(path: PathBuf, error: sqlx::Error) -> Error {
    match primary_code(&error) {
        Some(READONLY | IOERR | FULL | CANTOPEN) => Error::Unwritable { path, error: io::Error::other(error) },
        Some(CORRUPT | NOTADB) => Error::Damaged(path),
        _ => Error::File { path, error },
    }
}

/// Whether it may be otherwise in a moment: the file is busy, or another process has begun to write it.
pub(super) fn may_pass(error: &sqlx::Error) -> bool {
    matches!(code(error), Some(code) if code & 0xff == BUSY || code == IOERR_SHORT_READ)
}

/// What kind of error of SQLite's it is, without the details.
fn primary_code(error: &sqlx::Error) -> Option<u32> {
    code(error).map(|code| code & 0xff)
}

fn code(error: &sqlx::Error) -> Option<u32> {
    error.as_database_error()?.code()?.parse().ok()
}

const BUSY: u32 = 5;
const READONLY: u32 = 8;
const IOERR: u32 = 10;
const CORRUPT: u32 = 11;
const FULL: u32 = 13;
const CANTOPEN: u32 = 14;
const NOTADB: u32 = 26;
const IOERR_SHORT_READ: u32 = 522;
