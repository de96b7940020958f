//! What the command line says.

use std::time::Duration;

use crate::cell::{Cell, StoreKind};

/// Kills Envoy and the control plane, and takes the store away from them, under mixed traffic; then holds what is on record against what
/// the clients saw.
///
/// Prints one line for each fault and store. Ends with 1 where a number under a heading in capitals is not 0, exchanges were lost although no
/// Envoy died, nothing finished, or a round could not be played to its end; with 3 where all that was played holds, and this machine cannot
/// play some of it.
#[derive(Debug, clap::Parser)]
#[command(name = "kill-matrix")]
pub(crate) struct Options {
    /// Decides every moment and every request; printed, and drawn from the clock where it is not given
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// How often each line is played, each time at other moments
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Only lines with this in their name, for instance `locked` or `kill envoy`; several are taken together
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Vec<String>,
    /// Only on this store
    #[arg(long, value_enum)]
    pub(crate) store: Option<StoreKind>,
    /// A few lines on SQLite, in less than a minute
    #[arg(long)]
    pub(crate) quick: bool,
    /// Takes it for success where this machine cannot play some lines
    #[arg(long)]
    pub(crate) allow_unplayed: bool,
    /// Names the lines and ends
    #[arg(long)]
    pub(crate) list: bool,
    /// Requests that begin in a second
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rate: u32,
    /// How long a fault of the store lasts, in milliseconds
    #[arg(long, default_value_t = 2_500, value_parser = clap::value_parser!(u64).range(500..=60_000))]
    pub(crate) fault_ms: u64,
    /// An exchange that a client began less than this before Envoy died may be missing, in milliseconds: one tick of the VM (50 ms), and as
    /// much again for the way from the client to the gate and from the VM to the control plane
    #[arg(long, default_value_t = 100)]
    pub(crate) beat_ms: u64,
    /// Systems that run at the same time
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub(crate) parallel: u32,
    /// How long records may take to arrive once all is healed, in seconds
    #[arg(long, default_value_t = 45)]
    pub(crate) patience: u64,
}

impl Options {
    /// The lines that were asked for.
    pub(crate) fn cells(&self) -> Vec<Cell> {
        let cells = if self.quick { Cell::quick() } else { Cell::all() };
        let wanted = |cell: &Cell| {
            let name = cell.to_string();
            (self.only.is_empty() || self.only.iter().any(|text| name.contains(text.as_str())))
                && self.store.is_none_or(|store| store == cell.store)
        };
        cells.into_iter().filter(wanted).collect()
    }

    pub(crate) fn beat(&self) -> Duration {
        Duration::from_millis(self.beat_ms)
    }
}
