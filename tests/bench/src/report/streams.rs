//! What a stream costs when it is translated, and one event of it.

use serde::Serialize;

use super::statistics::{median, pairs};
use crate::{
    dialect::EVENTS,
    measure::Side,
    round::{Mode, Round},
    workload::{TRANSLATED_STREAM_GOAL, Workload},
};

/// The translated stream beside one of the same client's format that is passed on; saturated.
#[derive(Debug, Serialize)]
pub(crate) struct StreamCost {
    pub(super) workload: &'static str,
    pub(super) client: &'static str,
    pub(super) upstream: &'static str,
    /// CPU per request, canonical lane by identity lane: the median of the ratios of neighbouring rounds.
    pub(super) translated_by_identity: f64,
    pub(super) goal: f64,
    /// Microseconds.
    pub(super) event: Option<EventCost>,
}

/// Envoy's CPU for one event in microseconds: the stream less the whole answer to the same request, by the events that the
/// provider sends. All that a request costs once has gone out of it.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct EventCost {
    pub(super) plain: f64,
    pub(super) identity: f64,
    pub(super) canonical: f64,
}

pub(super) fn stream_costs(rounds: &[Round]) -> Vec<StreamCost> {
    let measured = |workload: &&Workload| rounds.iter().any(|round| round.occasion.workload == workload.name);
    let streams = Workload::ALL.iter().filter(|workload| workload.stream).filter(measured);
    streams.map(|stream| stream_cost(rounds, stream)).collect()
}

fn stream_cost(rounds: &[Round], stream: &Workload) -> StreamCost {
    let neighbours = pairs(rounds, stream.name, [Side::Identity, Side::Canonical], Mode::Saturated);
    let ratios =
        neighbours.iter().map(|(identity, canonical)| canonical.cpu_us_per_request / identity.cpu_us_per_request);
    let whole = Workload::ALL.iter().find(|workload| workload.is_whole_of(stream));
    StreamCost {
        workload: stream.name,
        client: stream.client.name(),
        upstream: stream.upstream.name(),
        translated_by_identity: median(ratios.collect()),
        goal: TRANSLATED_STREAM_GOAL,
        event: whole.and_then(|whole| {
            let event = |side: Side| Some((cpu(rounds, stream, side)? - cpu(rounds, whole, side)?) / EVENTS as f64);
            let (plain, identity, canonical) = (event(Side::Plain)?, event(Side::Identity)?, event(Side::Canonical)?);
            Some(EventCost { plain, identity, canonical })
        }),
    }
}

/// The median of the saturated rounds; `None` where there was none.
fn cpu(rounds: &[Round], workload: &Workload, side: Side) -> Option<f64> {
    let occasion = (workload.name, side, Mode::Saturated);
    let of = |round: &&Round| (round.occasion.workload, round.occasion.side, round.occasion.mode) == occasion;
    let values: Vec<f64> = rounds.iter().filter(of).map(|round| round.cpu_us_per_request).collect();
    (!values.is_empty()).then(|| median(values))
}
