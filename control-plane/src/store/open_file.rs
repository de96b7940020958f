//! Files that SQLite has open.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// A file as it was opened. SQLite goes on writing into one that was removed, and what it then commits is gone when it closes it.
#[derive(Debug)]
pub(crate) struct OpenFile {
    path: PathBuf,
    /// A number is given once on a device.
    device: u64,
    inode: u64,
}

impl OpenFile {
    /// The file of this name, which is open now.
    pub(crate) fn at(path: PathBuf) -> io::Result<Self> {
        let metadata = fs::metadata(&path)?;
        Ok(Self { path, device: metadata.dev(), inode: metadata.ino() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether its name still leads to it.
    pub(crate) fn is_there(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == (self.device, self.inode))
    }
}
