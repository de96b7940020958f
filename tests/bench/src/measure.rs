//! The order of things: every workload through every side, turn by turn; first as fast as it goes, then all at one
//! rate.

use std::{io::Write, time::Duration};

use serde::Serialize;

use crate::{
    answer,
    calls::{self, Calls},
    error::Error,
    gauge::{Memory, load_average},
    load::{self, Call, Connection},
    round::{Gauges, Mode, Occasion, Round},
    stack::{KEY, Pids, Stack, model_of},
    workload::Workload,
};

/// How long and how often.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Schedule {
    pub(crate) rounds: usize,
    /// Seconds.
    pub(crate) saturated: f64,
    /// Seconds.
    pub(crate) at_rate: f64,
    /// Connections in the closed loop.
    pub(crate) concurrency: usize,
    /// Connections that the open loop may use.
    pub(crate) connections: usize,
    /// The open loop's rate, as a share of what the slowest side carried in the closed loop.
    pub(crate) share: f64,
}

impl Schedule {
    pub(crate) const FULL: Self =
        Self { rounds: 3, saturated: 2.0, at_rate: 3.0, concurrency: 16, connections: 32, share: 0.5 };
    pub(crate) const QUICK: Self = Self { rounds: 2, saturated: 0.6, at_rate: 0.8, ..Self::FULL };
}

/// Who carries the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    Plain,
    Identity,
    Canonical,
}

impl Side {
    pub(crate) const ALL: [Self; 3] = [Self::Plain, Self::Identity, Self::Canonical];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Identity => "identity",
            Self::Canonical => "canonical",
        }
    }

    /// Plain Envoy's provider does not care; the bytes on its wire are those of the identity lane.
    pub(crate) fn call(self, stack: &Stack, workload: &Workload) -> Call {
        let address = if self == Self::Plain { stack.plain_address } else { stack.tollgate_address };
        let upstream = match self {
            Self::Plain | Self::Identity => workload.client,
            Self::Canonical => workload.upstream,
        };
        Call::new(address, KEY, &model_of(upstream), workload)
    }
}

/// Memory of both Envoys.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Memories {
    pub(crate) plain: Memory,
    pub(crate) tollgate: Memory,
}

/// All that was seen.
#[derive(Debug, Serialize)]
pub(crate) struct Measurements {
    pub(crate) load_average_before: f64,
    pub(crate) memory_before: Memories,
    pub(crate) memory_after: Memories,
    pub(crate) rounds: Vec<Round>,
    /// Of one exchange each.
    pub(crate) calls: Vec<Calls>,
}

/// Measures every workload whose name contains `only`.
pub(crate) async fn measure(mut stack: Stack, schedule: Schedule, only: Option<&str>) -> Result<Measurements, Error> {
    let named = |workload: &&Workload| only.is_none_or(|only| workload.name.contains(only));
    let workloads: Vec<&Workload> = Workload::ALL.iter().filter(named).collect();
    if workloads.is_empty() {
        return Err(Error::NoWorkload(only.unwrap_or_default().to_owned()));
    }
    let load_average_before = load_average()?;
    for workload in Workload::ALL.iter().filter(|workload| workload.body_bytes < 10_000) {
        for side in Side::ALL {
            answer::check(&mut stack, workload, side).await?;
        }
    }
    let memory_before = memories(&stack)?;
    let mut rounds = Vec::new();
    for &workload in &workloads {
        let mut lanes = Lanes::new(&stack, workload, schedule);
        for round in 0..schedule.rounds {
            for side in turn(round) {
                rounds.push(lanes.round(side, round, None).await?);
                stack.check()?;
            }
        }
        let rate = schedule.share * slowest(&rounds, workload);
        for round in 0..schedule.rounds {
            for side in turn(round) {
                rounds.push(lanes.round(side, round, Some(rate)).await?);
                stack.check()?;
            }
        }
    }
    let memory_after = memories(&stack)?;
    let calls = calls::count(&mut stack, &workloads).await?;
    Ok(Measurements { load_average_before, memory_before, memory_after, rounds, calls })
}

fn memories(stack: &Stack) -> Result<Memories, Error> {
    let pids = stack.pids();
    Ok(Memories { plain: pids.plain.memory()?, tollgate: pids.tollgate.memory()? })
}

/// Every second round goes backwards, so that nobody is always the first.
fn turn(round: usize) -> [Side; 3] {
    let mut sides = Side::ALL;
    if round % 2 == 1 {
        sides.reverse();
    }
    sides
}

/// Requests per second of the slowest side, each by its slowest round: what all of them can hold.
fn slowest(rounds: &[Round], workload: &Workload) -> f64 {
    let saturated = rounds
        .iter()
        .filter(|round| round.occasion.workload == workload.name && round.occasion.mode == Mode::Saturated);
    saturated.map(|round| round.requests_per_second).fold(f64::INFINITY, f64::min).max(1.0)
}

/// A workload's calls and connections, which stay open from round to round.
struct Lanes<'a> {
    workload: &'a Workload,
    schedule: Schedule,
    pids: Pids,
    lanes: Vec<(Side, Call, Vec<Connection>)>,
}

impl<'a> Lanes<'a> {
    fn new(stack: &Stack, workload: &'a Workload, schedule: Schedule) -> Self {
        let lane = |side: Side| {
            let call = side.call(stack, workload);
            let connections = (0..schedule.connections).map(|_| Connection::new(call.address)).collect();
            (side, call, connections)
        };
        Self { workload, schedule, pids: stack.pids(), lanes: Side::ALL.map(lane).into() }
    }

    /// One round: in the closed loop, or at `rate`.
    async fn round(&mut self, side: Side, round: usize, rate: Option<f64>) -> Result<Round, Error> {
        let Some((_, call, connections)) = self.lanes.iter_mut().find(|(of, ..)| *of == side) else {
            return Err(Error::Stuck);
        };
        let mut idle = std::mem::take(connections);
        let resting =
            if rate.is_none() { idle.split_off(self.schedule.concurrency.min(idle.len())) } else { Vec::new() };
        // Uncounted: connections are opened, caches filled, and the records of the round before stored.
        tokio::time::sleep(SETTLE).await;
        let (_, idle) = match rate {
            None => load::saturate(idle, call, WARM_UP).await?,
            Some(rate) => load::at_rate(idle, call, rate, WARM_UP).await?,
        };
        let before = Gauges::read(&self.pids)?;
        let (tally, mut idle) = match rate {
            None => load::saturate(idle, call, Duration::from_secs_f64(self.schedule.saturated)).await?,
            Some(rate) => load::at_rate(idle, call, rate, Duration::from_secs_f64(self.schedule.at_rate)).await?,
        };
        let after = Gauges::read(&self.pids)?;
        idle.extend(resting);
        *connections = idle;
        let mode = if rate.is_none() { Mode::Saturated } else { Mode::AtRate };
        let occasion = Occasion { workload: self.workload.name, side, mode, round, offered: rate };
        let seen = Round::new(occasion, &tally, &before, &after)?;
        let _ = writeln!(
            std::io::stderr(),
            "{:>16} {:<9} {:<9} {:>9.0} requests/s {:>9.1} us CPU {:>7} us p50 {:>7} us p99{}",
            seen.occasion.workload,
            side.name(),
            if rate.is_none() { "saturated" } else { "at rate" },
            seen.requests_per_second,
            seen.cpu_us_per_request,
            seen.latency_us.p50,
            seen.latency_us.p99,
            seen.first_failure.as_ref().map_or_else(String::new, |why| format!("  {} FAILED: {why}", seen.failures)),
        );
        Ok(seen)
    }
}

const SETTLE: Duration = Duration::from_millis(50);
const WARM_UP: Duration = Duration::from_millis(150);
