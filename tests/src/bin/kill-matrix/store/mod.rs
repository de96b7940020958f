//! Stores that can be hurt and healed.

mod mount;
mod postgres;
mod proxy;
mod sqlite;

use std::fs;
use std::path::Path;

use self::mount::Room;
use crate::cell::{Cell, Fault, StoreKind};

/// A store of one round, and the disk of the spool where that is to be hurt.
pub(crate) struct Store {
    kind: Kind,
    spool: Option<Room>,
}

enum Kind {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

/// Room for a spool, and little beyond.
const SPOOL_ROOM: &str = "size=16m,mode=700";

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
        let kind = match cell.store {
            StoreKind::Sqlite => Kind::Sqlite(sqlite::Sqlite::prepare(cell.fault)?),
            StoreKind::Postgres => Kind::Postgres(postgres::Postgres::prepare(cell.fault).await?),
        };
        Ok(Self { kind, spool: None })
    }

    /// Gives the control plane's data folder a disk of its own where a line needs one.
    pub(crate) fn keep_spool_in(&mut self, folder: &Path, cell: Cell) -> Result<(), Impossible> {
        if cell.fault == Some(Fault::SpoolFull) {
            fs::create_dir_all(folder).map_err(|error| Impossible::failed("a folder for the spool", error))?;
            self.spool = Some(Room::mount(folder.to_owned(), SPOOL_ROOM)?);
        }
        Ok(())
    }

    /// Before the folder that its disk is in goes.
    pub(crate) fn release_spool(&mut self) {
        self.spool.take();
    }

    /// As the control plane's configuration names it.
    pub(crate) fn url(&self) -> String {
        match &self.kind {
            Kind::Sqlite(store) => store.url(),
            Kind::Postgres(store) => store.url(),
        }
    }

    /// The fault begins.
    pub(crate) async fn hurt(&mut self, fault: Fault) -> Result<(), Impossible> {
        match &mut self.kind {
            _ if fault == Fault::SpoolFull => self.spool.as_ref().map_or(Ok(()), Room::fill),
            Kind::Sqlite(store) => store.hurt(fault).await,
            Kind::Postgres(store) => store.hurt(fault).await,
        }
    }

    /// The fault ends.
    pub(crate) async fn heal(&mut self) -> Result<(), Impossible> {
        if let Some(room) = &self.spool {
            room.clear()?;
        }
        match &mut self.kind {
            Kind::Sqlite(store) => store.heal().await,
            Kind::Postgres(store) => store.heal().await,
        }
    }

    /// Gives back what the machine would keep.
    pub(crate) async fn remove(self) {
        if let Kind::Postgres(store) = self.kind {
            store.remove().await;
        }
    }
}
