//! Stores that can be hurt and healed.

mod mount;
mod postgres;
mod proxy;
mod sqlite;

use crate::cell::{Cell, Fault, StoreKind};

/// A store of one round.
pub(crate) enum Store {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

/// Why a line cannot be played.
#[derive(Debug)]
pub(crate) enum Impossible {
    /// This machine does not allow it, and this is why.
    Here(String),
    /// It should have worked.
    Failed(String),
}

impl Impossible {
    fn failed(what: &str, error: impl std::fmt::Display) -> Self {
        Self::Failed(format!("{what}: {error}"))
    }
}

impl Store {
    /// A new store of its own, for a line.
    pub(crate) async fn prepare(cell: Cell) -> Result<Self, Impossible> {
        Ok(match cell.store {
            StoreKind::Sqlite => Self::Sqlite(sqlite::Sqlite::prepare(cell.fault)?),
            StoreKind::Postgres => Self::Postgres(postgres::Postgres::prepare(cell.fault).await?),
        })
    }

    /// As the control plane's configuration names it.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(store) => store.url(),
            Self::Postgres(store) => store.url(),
        }
    }

    /// The fault begins.
    pub(crate) async fn hurt(&mut self, fault: Fault) -> Result<(), Impossible> {
        match self {
            Self::Sqlite(store) => store.hurt(fault).await,
            Self::Postgres(store) => store.hurt(fault).await,
        }
    }

    /// The fault ends.
    pub(crate) async fn heal(&mut self) -> Result<(), Impossible> {
        match self {
            Self::Sqlite(store) => store.heal().await,
            Self::Postgres(store) => store.heal().await,
        }
    }

    /// Gives back what the machine would keep.
    pub(crate) async fn remove(self) {
        if let Self::Postgres(store) = self {
            store.remove().await;
        }
    }
}
