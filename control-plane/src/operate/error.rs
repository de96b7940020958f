//! Why an operation ended or did not begin.

use std::path::{Path, PathBuf};

use crate::config::Problems;
use crate::publish;

/// Why an operation ended or did not begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration file has mistakes.
    #[error("{0}")]
    Config(#[from] Problems),
    /// The first snapshot could not be put in force.
    #[error(transparent)]
    Publish(#[from] publish::Error),
    /// A sentence for the user.
    #[error("{0}")]
    Stated(String),
    /// A file could not be used.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Of the server.
    #[error(transparent)]
    Server(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// An error about a file.
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::File { path, error }
    }
}
