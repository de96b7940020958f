//! The lines of the matrix: what is done to which store, and what is killed meanwhile.

use std::fmt::{self, Display, Formatter};

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) store: StoreKind,
    pub(crate) fault: Option<Fault>,
    pub(crate) kill: Kill,
    /// Whether the control plane has a spool; else only the store takes anything.
    pub(crate) spool: bool,
}

/// Which store the control plane keeps records in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum StoreKind {
    Sqlite,
    Postgres,
}

/// What is wrong with a store for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It cannot be reached: nobody listens; an SQLite file's folder has another name.
    Away,
    /// It takes connections and says nothing.
    Silent,
    /// It answers late.
    Slow,
    /// It has no room.
    Full,
    /// Somebody else holds what is to be written.
    Locked,
    /// It can be read and not written.
    ReadOnly,
    /// What it had is gone for good.
    Deleted,
    /// Not the store's: the disk of the spool has no room.
    SpoolFull,
}

/// What is killed, by signal 9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kill {
    Nothing,
    Envoy,
    ControlPlane,
    Both,
}

const FAULTS: [Fault; 7] =
    [Fault::Away, Fault::Silent, Fault::Slow, Fault::Full, Fault::Locked, Fault::ReadOnly, Fault::Deleted];

impl Cell {
    /// Every line. A file is never silent: what holds it up is a lock.
    pub(crate) fn all() -> Vec<Self> {
        let mut cells = Vec::new();
        for store in [StoreKind::Sqlite, StoreKind::Postgres] {
            let line = |fault, kill| Self { store, fault, kill, spool: true };
            cells.extend([Kill::Envoy, Kill::ControlPlane, Kill::Both].map(|kill| line(None, kill)));
            for fault in FAULTS {
                if (store, fault) == (StoreKind::Sqlite, Fault::Silent) {
                    continue;
                }
                let kills = [Kill::Nothing, Kill::Envoy, Kill::ControlPlane];
                cells.extend(kills.map(|kill| line(Some(fault), kill)));
                if matches!(fault, Fault::Away | Fault::Full | Fault::Locked) {
                    cells.push(line(Some(fault), Kill::Both));
                }
            }
        }
        // The spool is the same whatever the store.
        for kill in [Kill::Nothing, Kill::Envoy, Kill::ControlPlane, Kill::Both] {
            cells.push(Self { store: StoreKind::Sqlite, fault: Some(Fault::SpoolFull), kill, spool: true });
        }
        for (store, fault) in [(StoreKind::Sqlite, Fault::Locked), (StoreKind::Postgres, Fault::Away)] {
            for kill in [Kill::Nothing, Kill::Envoy, Kill::ControlPlane] {
                cells.push(Self { store, fault: Some(fault), kill, spool: false });
            }
            cells.push(Self { store, fault: None, kill: Kill::Both, spool: false });
        }
        cells
    }

    /// Those that need nothing of the machine and cover each way of dying.
    pub(crate) fn quick() -> Vec<Self> {
        let sqlite = |fault, kill| Self { store: StoreKind::Sqlite, fault, kill, spool: true };
        vec![
            sqlite(None, Kill::Envoy),
            sqlite(None, Kill::ControlPlane),
            sqlite(None, Kill::Both),
            sqlite(Some(Fault::Away), Kill::ControlPlane),
            sqlite(Some(Fault::Locked), Kill::Envoy),
        ]
    }

    pub(crate) fn kills_envoy(self) -> bool {
        matches!(self.kill, Kill::Envoy | Kill::Both)
    }

    /// Whether the control plane takes nothing as long as the fault lasts.
    pub(crate) fn takes_nothing(self) -> bool {
        self.fault == Some(Fault::SpoolFull) || (self.fault.is_some() && !self.spool)
    }

    pub(crate) fn kills_control_plane(self) -> bool {
        matches!(self.kill, Kill::ControlPlane | Kill::Both)
    }
}

impl Display for Cell {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let store = match self.store {
            StoreKind::Sqlite => "sqlite",
            StoreKind::Postgres => "postgres",
        };
        let fault = self.fault.map(|fault| match fault {
            Fault::Away => "away",
            Fault::Silent => "silent",
            Fault::Slow => "slow",
            Fault::Full => "full",
            Fault::Locked => "locked",
            Fault::ReadOnly => "read-only",
            Fault::Deleted => "deleted",
            Fault::SpoolFull => "spool full",
        });
        let kill = match self.kill {
            Kill::Nothing => None,
            Kill::Envoy => Some("kill envoy"),
            Kill::ControlPlane => Some("kill control plane"),
            Kill::Both => Some("kill both"),
        };
        let spool = (!self.spool).then_some("no spool");
        let parts: Vec<&str> = spool.into_iter().chain(fault).chain(kill).collect();
        formatter.pad(&format!("{store}: {}", parts.join(", ")))
    }
}
