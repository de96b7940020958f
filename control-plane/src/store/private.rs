//! Files that only their owner may read.

use std::{
    fs::File,
    io::{self, ErrorKind},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    str::FromStr,
};

use sqlx::sqlite::SqliteConnectOptions;

use super::Error;

/// Makes an empty file that only its owner may read and write; one that is there stays as it is. SQLite gives the files that it puts beside a
/// database the database's own permissions (`findCreateFileMode` of <https://sqlite.org/src/file/src/os_unix.c>).
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    match File::options().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

/// Makes the file of an SQLite database that may be made and has one.
pub(super) fn make_private_database(url: &str) -> Result<(), Error> {
    let options = SqliteConnectOptions::from_str(url).map_err(Error::Open)?;
    let path = options.get_filename();
    let in_memory = path.as_os_str().is_empty() || path.to_string_lossy().contains(":memory:");
    let may_be_made = url.split_once('?').is_none_or(|(_, parameters)| parameters.contains("mode=rwc"));
    if may_be_made && !in_memory {
        make_private(path).map_err(|error| Error::Open(error.into()))?;
    }
    Ok(())
}
