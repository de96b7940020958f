//! What a run says: a table for people, a JSON file for the rest.

mod conditions;
mod statistics;
mod streams;
mod table;

use std::path::{Path, PathBuf};

use serde::Serialize;

pub(crate) use self::conditions::Conditions;
use self::{
    statistics::{Comparison, comparisons},
    streams::{StreamCost, stream_costs},
};
use crate::{
    error::{Error, IoContext},
    measure::{Measurements, Memories, Schedule},
    round::Round,
};

/// Resident memory above plain Envoy's, with one worker, in MiB.
const MEMORY_GOAL_MIB: f64 = 40.0;
/// Share of the machine that others may use before the numbers are doubtful.
const QUIET: f64 = 0.05;

/// Everything about a run.
#[derive(Serialize)]
pub(crate) struct Report {
    conditions: Conditions,
    schedule: Schedule,
    comparisons: Vec<Comparison>,
    streams: Vec<StreamCost>,
    memory: MemoryComparison,
    /// What to know before believing the numbers.
    warnings: Vec<String>,
    measurements: Measurements,
}

/// MiB that Tollgate's Envoy holds above plain Envoy.
#[derive(Serialize)]
struct MemoryComparison {
    started: f64,
    after_the_run: f64,
    peak: f64,
    goal: f64,
}

impl Report {
    pub(crate) fn new(conditions: Conditions, schedule: Schedule, measurements: Measurements) -> Self {
        let (before, after) = (measurements.memory_before, measurements.memory_after);
        let above = |memories: Memories, of: fn(&crate::gauge::Memory) -> u64| {
            (of(&memories.tollgate) as f64 - of(&memories.plain) as f64) / 1024.0
        };
        let memory = MemoryComparison {
            started: above(before, |memory| memory.resident_kib),
            after_the_run: above(after, |memory| memory.resident_kib),
            peak: above(after, |memory| memory.peak_kib),
            goal: MEMORY_GOAL_MIB,
        };
        let comparisons = comparisons(&measurements.rounds);
        let streams = stream_costs(&measurements.rounds);
        let warnings = warnings(&measurements);
        Self { conditions, schedule, comparisons, streams, memory, warnings, measurements }
    }

    /// Writes the JSON file into `folder`, named by the time of the run.
    pub(crate) fn write(&self, folder: &Path) -> Result<PathBuf, Error> {
        let path = folder.join(format!("{}.json", self.conditions.time.replace(':', "-")));
        std::fs::create_dir_all(folder).context(folder.display().to_string())?;
        let mut text =
            serde_json::to_string_pretty(self).map_err(std::io::Error::from).context("writing the report")?;
        text.push('\n');
        std::fs::write(&path, text).context(path.display().to_string())?;
        Ok(path)
    }
}

fn warnings(measurements: &Measurements) -> Vec<String> {
    let rounds = &measurements.rounds;
    let count = |which: fn(&Round) -> bool| rounds.iter().filter(|round| which(round)).count();
    let (busy, stolen) = (count(|round| round.other_cpu > QUIET), count(|round| round.stolen_cpu > QUIET / 2.0));
    let failures: u64 = rounds.iter().map(|round| round.failures).sum();
    let mut warnings = Vec::new();
    if busy > 0 {
        warnings.push(format!(
            "the machine was busy: in {busy} of {} rounds others used over {:.0} % of it (load average before: {:.1})",
            rounds.len(),
            QUIET * 100.0,
            measurements.load_average_before,
        ));
    }
    if stolen > 0 {
        warnings.push(format!("the hypervisor took CPU away in {stolen} of {} rounds", rounds.len()));
    }
    if failures > 0 {
        let why = rounds.iter().find_map(|round| round.first_failure.clone()).unwrap_or_default();
        warnings.push(format!("{failures} requests failed, the first one with: {why}"));
    }
    warnings
}
