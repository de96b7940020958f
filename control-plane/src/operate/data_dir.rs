//! The one folder that holds all state.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write as _};
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
        format!("sqlite://{}", self.0.join(DATABASE).display())
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
        self.token("node-token")
    }

    /// The token of the HTTP API, made on first use.
    ///
    /// # Errors
    /// It can be neither read nor made.
    pub fn admin_token(&self) -> Result<Secret, Error> {
        self.token(ADMIN_TOKEN)
    }

    /// Says that something which nobody gave us cannot be kept in the folder, and what else must be given then.
    pub(super) fn cannot_keep(&self, name: &str, error: &dyn Display) -> Error {
        Error::Stated(format!(
            "{}: {error}. A data folder that cannot be written needs three things from elsewhere: `store` in the configuration, \
             TOLLGATE_NODE_TOKEN and TOLLGATE_ADMIN_TOKEN",
            self.0.join(name).display()
        ))
    }

    /// Reads a token, or makes one that only the owner can read.
    fn token(&self, name: &str) -> Result<Secret, Error> {
        let path = self.0.join(name);
        let kept = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => make_token(&path)?,
            kept => kept,
        };
        let token = kept.map_err(|error| self.cannot_keep(name, &error))?;
        match token.trim() {
            "" => Err(Error::Stated(format!("{} is empty; remove it to get a new token", path.display()))),
            token => Ok(Secret::new(token)),
        }
    }

    /// Where the token of the HTTP API is.
    pub fn admin_token_path(&self) -> PathBuf {
        self.0.join(ADMIN_TOKEN)
    }
}

/// A new token, in a file that only its owner can read.
fn make_token(path: &Path) -> Result<io::Result<String>, Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Error::Stated(format!("no randomness for a token: {error}")))?;
    let token = hex::encode(bytes);
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    Ok(file.and_then(|mut file| writeln!(file, "{token}")).map(|()| token))
}

const ADMIN_TOKEN: &str = "admin-token";
pub(super) const DATABASE: &str = "tollgate.db";

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
