//! What can end a run.

use std::path::PathBuf;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{what}: {source}")]
    Io { what: String, source: std::io::Error },
    #[error("{what} is not there: {} (`make bench` builds it)", path.display())]
    Missing { what: &'static str, path: PathBuf },
    #[error("core {core} cannot be used (`taskset` says: {reason}); two cores are needed")]
    Core { core: u32, reason: String },
    #[error("{name} has ended ({status}); its last lines:\n{tail}")]
    Ended { name: &'static str, status: String, tail: String },
    #[error("{name} was not ready within {seconds} s: {reason}; its last lines:\n{tail}")]
    NotReady { name: &'static str, seconds: u64, reason: String, tail: String },
    #[error("{workload} through {side}: {reason}")]
    WrongAnswer { workload: &'static str, side: &'static str, reason: String },
    #[error("{what} cannot be read: {text:?}")]
    Unreadable { what: String, text: String },
    #[error("no workload is named like {0:?}")]
    NoWorkload(String),
    #[error("the calls of an exchange do not show in the log of Tollgate's Envoy")]
    Uncounted,
    #[error("a round did not end")]
    Stuck,
    #[error("interrupted")]
    Interrupted,
}

/// Says what was being done when an operation failed.
pub(crate) trait IoContext<T> {
    fn context(self, what: impl Into<String>) -> Result<T, Error>;
}

impl<T> IoContext<T> for std::io::Result<T> {
    fn context(self, what: impl Into<String>) -> Result<T, Error> {
        self.map_err(|source| Error::Io { what: what.into(), source })
    }
}
