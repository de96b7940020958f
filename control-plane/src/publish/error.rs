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

impl Error {
    /// Whether it may pass while the configuration stays as it is.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Config(_) | Self::Refused(_) => false,
            Self::File { .. } => true,
            Self::Store(error) => !error.is_of_the_data(),
        }
    }

    /// For those who may not know what files we have, nor what a database says.
    pub(super) fn public(&self) -> String {
        match self {
            Self::Config(_) | Self::Refused(_) => self.to_string(),
            Self::File { .. } => {
                "the clusters for Envoy cannot be written yet: the control plane's log says why".to_owned()
            }
            Self::Store(_) if self.may_pass() => {
                "the store failed: the edit is in force once it works again".to_owned()
            }
            Self::Store(_) => "the store does not take this: the control plane's log says why".to_owned(),
        }
    }
}
