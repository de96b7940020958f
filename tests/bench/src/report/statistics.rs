//! From rounds to one line per workload and lane: medians, and medians of the ratios of rounds that ran one after the
//! other.

use serde::Serialize;
use tollgate_core::words::Format;

use crate::{
    measure::Side,
    round::{Mode, Round},
    workload::Workload,
};

/// One lane beside plain Envoy. Times in microseconds.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    pub(super) workload: &'static str,
    pub(super) lane: Side,
    /// What the provider speaks in this lane.
    pub(super) upstream: &'static str,
    pub(super) stream: bool,
    pub(super) requests_per_second: Pair,
    /// An Envoy left a part of its core idle: the load core was the limit.
    pub(super) load_was_the_limit: bool,
    pub(super) cpu_us_per_request: Pair,
    /// The ratio that `cpu_us_per_request` should not exceed.
    pub(super) cpu_goal: Option<f64>,
    /// The same at the equal load of the open loop.
    pub(super) cpu_us_per_request_at_rate: Pair,
    pub(super) offered_per_second: f64,
    pub(super) added_p50_us: f64,
    pub(super) added_p99_us: f64,
    pub(super) p50_us: Pair,
    pub(super) p99_us: Pair,
    pub(super) first_byte_p50_us: Pair,
    pub(super) first_byte_p99_us: Pair,
    pub(super) control_plane_cpu_us_per_request: f64,
}

/// Medians of both sides, and the median of the rounds' ratios.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Pair {
    pub(super) plain: f64,
    pub(super) tollgate: f64,
    pub(super) ratio: f64,
}

/// An Envoy that has a core for itself and is not waiting uses at least this much of it.
const SATURATED: f64 = 0.85;

pub(super) fn comparisons(rounds: &[Round]) -> Vec<Comparison> {
    let lanes = |workload: &'static Workload| {
        [
            (Side::Identity, workload.client, workload.identity_goal),
            (Side::Canonical, workload.upstream, workload.canonical_goal),
        ]
        .map(|(lane, upstream, goal)| compare(rounds, workload, lane, upstream, goal))
    };
    let measured = |workload: &&Workload| rounds.iter().any(|round| round.occasion.workload == workload.name);
    Workload::ALL.iter().filter(measured).flat_map(lanes).collect()
}

fn compare(rounds: &[Round], workload: &Workload, lane: Side, upstream: Format, cpu_goal: Option<f64>) -> Comparison {
    let saturated = pairs(rounds, workload.name, [Side::Plain, lane], Mode::Saturated);
    let at_rate = pairs(rounds, workload.name, [Side::Plain, lane], Mode::AtRate);
    let added = |of: fn(&Round) -> u64| {
        median(at_rate.iter().map(|(plain, tollgate)| of(tollgate) as f64 - of(plain) as f64).collect())
    };
    let busy = |of: fn(&(&Round, &Round)) -> f64| median(saturated.iter().map(of).collect());
    Comparison {
        workload: workload.name,
        lane,
        upstream: upstream.name(),
        stream: workload.stream,
        requests_per_second: Pair::of(&saturated, |round| round.requests_per_second),
        load_was_the_limit: busy(|pair| pair.0.envoy_busy).min(busy(|pair| pair.1.envoy_busy)) < SATURATED,
        cpu_us_per_request: Pair::of(&saturated, |round| round.cpu_us_per_request),
        cpu_goal,
        cpu_us_per_request_at_rate: Pair::of(&at_rate, |round| round.cpu_us_per_request),
        offered_per_second: at_rate.first().and_then(|(_, tollgate)| tollgate.occasion.offered).unwrap_or_default(),
        added_p50_us: added(|round| round.latency_us.p50),
        added_p99_us: added(|round| round.latency_us.p99),
        p50_us: Pair::of(&at_rate, |round| round.latency_us.p50 as f64),
        p99_us: Pair::of(&at_rate, |round| round.latency_us.p99 as f64),
        first_byte_p50_us: Pair::of(&at_rate, |round| round.first_byte_us.p50 as f64),
        first_byte_p99_us: Pair::of(&at_rate, |round| round.first_byte_us.p99 as f64),
        control_plane_cpu_us_per_request: median(
            at_rate.iter().map(|(_, tollgate)| tollgate.control_plane_cpu_us_per_request).collect(),
        ),
    }
}

/// Two sides of each turn.
pub(super) fn pairs<'a>(
    rounds: &'a [Round],
    workload: &str,
    [one, other]: [Side; 2],
    mode: Mode,
) -> Vec<(&'a Round, &'a Round)> {
    let of = |side: Side| {
        rounds.iter().filter(move |round| {
            (round.occasion.workload, round.occasion.side, round.occasion.mode) == (workload, side, mode)
        })
    };
    of(one).zip(of(other)).collect()
}

impl Pair {
    fn of(pairs: &[(&Round, &Round)], value: fn(&Round) -> f64) -> Self {
        let all = |each: fn(f64, f64) -> f64| {
            median(pairs.iter().map(|(plain, tollgate)| each(value(plain), value(tollgate))).collect())
        };
        Self {
            plain: all(|plain, _| plain),
            tollgate: all(|_, tollgate| tollgate),
            ratio: all(|plain, tollgate| tollgate / plain),
        }
    }
}

/// 0 of nothing, which no comparison of a finished run has.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_middle_two() {
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 9.0]), 3.0);
    }
}
