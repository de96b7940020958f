//! The lines of the matrix: what is done to which store, and what is killed meanwhile.

use std::fmt::{self, Display, Formatter};

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) store: StoreKind,
    pub(crate) fault: Option<Fault>,
    pub(crate) kill: Kill,
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
            cells.extend([Kill::Envoy, Kill::ControlPlane, Kill::Both].map(|kill| Self { store, fault: None, kill }));
            for fault in FAULTS {
                if (store, fault) == (StoreKind::Sqlite, Fault::Silent) {
                    continue;
                }
                let kills = [Kill::Nothing, Kill::Envoy, Kill::ControlPlane];
                cells.extend(kills.map(|kill| Self { store, fault: Some(fault), kill }));
            }
        }
        cells
    }

    /// Those that need nothing of the machine and cover each way of dying.
    pub(crate) fn quick() -> Vec<Self> {
        let sqlite = |fault, kill| Self { store: StoreKind::Sqlite, fault, kill };
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
        });
        let kill = match self.kill {
            Kill::Nothing => None,
            Kill::Envoy => Some("kill envoy"),
            Kill::ControlPlane => Some("kill control plane"),
            Kill::Both => Some("kill both"),
        };
        let parts: Vec<&str> = fault.into_iter().chain(kill).collect();
        formatter.pad(&format!("{store}: {}", parts.join(", ")))
    }
}
