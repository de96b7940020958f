//! The one folder that holds all state.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use tollgate_core::words::Secret;

use super::error::Error;

/// The data folder.
#[derive(Debug)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// Opens the folder, making it if need be.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open(path: &Path) -> Result<Self, Error> {
        std::fs::create_dir_all(path).map_err(Error::file(path))?;
        Ok(Self(path.canonicalize().map_err(Error::file(path))?))
    }

    /// As [`Self::open`], but a folder that cannot be made is an error only of what must be in it: where the tokens are given and the
    /// store is elsewhere, nothing must.
    pub fn open_if_possible(path: &Path) -> Self {
        Self::open(path).unwrap_or_else(|_| Self(path.to_owned()))
    }

    /// Where the spool lies.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The SQLite file that is used when the configuration names no store.
    pub fn store_url(&self) -> String {
        format!("sqlite://{}", self.0.join("tollgate.db").display())
    }

    /// Where an Envoy of our own finds its files.
    pub fn envoy(&self) -> PathBuf {
        self.0.join("envoy")
    }

    /// The token of the gRPC port, made on first use.
    ///
    /// # Errors
    /// It can be neither read nor made.
    pub fn node_token(&self) -> Result<Secret, Error> {
        token(&self.0.join("node-token"))
    }

    /// The token of the HTTP API, made on first use.
    ///
    /// # Errors
    /// It can be neither read nor made.
    pub fn admin_token(&self) -> Result<Secret, Error> {
        token(&self.admin_token_path())
    }

    /// Where the token of the HTTP API is.
    pub fn admin_token_path(&self) -> PathBuf {
        self.0.join("admin-token")
    }
}

/// Reads a token, or makes one that only the owner can read.
fn token(path: &Path) -> Result<Secret, Error> {
    match std::fs::read_to_string(path) {
        Ok(text) if !text.trim().is_empty() => return Ok(Secret::new(text.trim())),
        Ok(_) => return Err(Error::Stated(format!("{} is empty; remove it to get a new token", path.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::file(path)(error)),
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Error::Stated(format!("no randomness for a token: {error}")))?;
    let token = hex::encode(bytes);
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| writeln!(file, "{token}")).map_err(Error::file(path))?;
    Ok(Secret::new(token))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_token_is_made_once_and_readable_by_its_owner_only() {
        let folder = tempfile::tempdir().expect("folder");
        let data = DataDir::open(&folder.path().join("deep/data")).expect("opens");
        let first = data.admin_token().expect("made");
        assert_eq!(first.expose().len(), 64);
        assert_eq!(data.admin_token().expect("read").expose(), first.expose());
        assert_ne!(data.node_token().expect("made").expose(), first.expose());
        let mode = std::fs::metadata(data.admin_token_path()).expect("exists").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
