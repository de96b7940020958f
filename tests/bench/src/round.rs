//! One round: what was seen between two readings of all clocks.

use std::time::Instant;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::{
    error::Error,
    gauge::{CoreTimes, Pid, load_average},
    load::{Failure, Tally},
    measure::Side,
    stack::Pids,
};

/// How the load was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    Saturated,
    AtRate,
}

/// Which round it was.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Occasion {
    pub(crate) workload: &'static str,
    pub(crate) side: Side,
    pub(crate) mode: Mode,
    pub(crate) round: usize,
    /// Requests per second that were sent, in the open loop.
    pub(crate) offered: Option<f64>,
}

/// One round, as it was.
#[derive(Debug, Serialize)]
pub(crate) struct Round {
    #[serde(flatten)]
    pub(crate) occasion: Occasion,
    pub(crate) seconds: f64,
    pub(crate) requests: u64,
    pub(crate) failures: u64,
    pub(crate) first_failure: Option<String>,
    pub(crate) requests_per_second: f64,
    /// Of the Envoy that carried the requests.
    pub(crate) cpu_us_per_request: f64,
    pub(crate) control_plane_cpu_us_per_request: f64,
    /// Share of its core that the Envoy used.
    pub(crate) envoy_busy: f64,
    pub(crate) latency_us: Percentiles,
    pub(crate) first_byte_us: Percentiles,
    /// CPU that none of the processes of this run used, as a share of all cores.
    pub(crate) other_cpu: f64,
    /// CPU that the hypervisor gave to others, as a share of all cores.
    pub(crate) stolen_cpu: f64,
    pub(crate) load_average: f64,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) max: u64,
}

impl Round {
    pub(crate) fn new(occasion: Occasion, tally: &Tally, before: &Gauges, after: &Gauges) -> Result<Self, Error> {
        let envoy = match occasion.side {
            Side::Plain => after.plain - before.plain,
            Side::Identity | Side::Canonical => after.tollgate - before.tollgate,
        };
        let wall = (after.at - before.at).as_secs_f64();
        let machine = wall * after.cores.cores as f64;
        let answered = (tally.requests + tally.failures).max(1) as f64;
        let other = (after.cores.busy - before.cores.busy) - (after.ours - before.ours);
        Ok(Self {
            occasion,
            seconds: tally.counted.as_secs_f64(),
            requests: tally.requests,
            failures: tally.failures,
            first_failure: tally.first_failure.as_ref().map(Failure::to_string),
            requests_per_second: tally.requests as f64 / tally.counted.as_secs_f64(),
            cpu_us_per_request: envoy * 1e6 / answered,
            control_plane_cpu_us_per_request: (after.control_plane - before.control_plane) * 1e6 / answered,
            envoy_busy: envoy / wall,
            latency_us: Percentiles::of(&tally.latency),
            first_byte_us: Percentiles::of(&tally.first_byte),
            other_cpu: (other / machine).max(0.0),
            stolen_cpu: (after.cores.stolen - before.cores.stolen) / machine,
            load_average: load_average()?,
        })
    }
}

impl Percentiles {
    fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| histogram.value_at_quantile(quantile);
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: histogram.max() }
    }
}

/// All clocks at one moment, in seconds.
pub(crate) struct Gauges {
    plain: f64,
    tollgate: f64,
    control_plane: f64,
    /// Every process of this run, this one included.
    ours: f64,
    cores: CoreTimes,
    at: Instant,
}

impl Gauges {
    pub(crate) fn read(pids: &Pids) -> Result<Self, Error> {
        let (plain, tollgate) = (pids.plain.cpu_seconds()?, pids.tollgate.cpu_seconds()?);
        let control_plane = pids.control_plane.cpu_seconds()?;
        let others = pids.provider.cpu_seconds()? + Pid(std::process::id()).cpu_seconds()?;
        let ours = plain + tollgate + control_plane + others;
        Ok(Self { plain, tollgate, control_plane, ours, cores: CoreTimes::read()?, at: Instant::now() })
    }
}
