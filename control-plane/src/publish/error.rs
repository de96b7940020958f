//! Why nothing new is in force.

use std::path::PathBuf;

use tollgate_core::admit::snapshot::InvalidSnapshot;

use crate::{config::Problems, store};

/// Why something was not put in force; what was stays.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration file has mistakes.
    #[error("{0}")]
    Config(#[from] Problems),
    /// The filter would not take the snapshot.
    #[error("the filter would refuse this configuration: {0}")]
    Refused(#[from] InvalidSnapshot),
    /// The file of clusters could not be written.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Of the store.
    #[error(transparent)]
    Store(#[from] store::Error),
}
