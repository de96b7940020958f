//! How exchanges end, and the one record that each leaves.

use super::response::Answer;
use crate::{
    canonical::Losses,
    exchange::{
        Attempt, Exchange,
        record::{self, Attempts, End, Facts, LossList, Record},
    },
    words::{Millis, Outcome},
};

/// How Envoy ended an exchange whose response did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The client went away.
    ClientGone,
    /// Anything else.
    CutOff,
}

/// Envoy's `DownstreamConnectionTermination` and `DownstreamRemoteReset` (an HTTP/2 client that gives up one stream and keeps its
/// connection), by their places in `CoreResponseFlag`:
/// <https://github.com/envoyproxy/envoy/blob/v1.40.0/envoy/stream_info/stream_info.h>.
const CLIENT_GONE: u64 = 1 << 14 | 1 << 28;

impl Ending {
    /// Reads `response.flags`
    /// (<https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes#response-attributes>).
    #[must_use]
    pub fn from_flags(flags: u64) -> Self {
        if flags & CLIENT_GONE == 0 { Self::CutOff } else { Self::ClientGone }
    }
}

/// A request that was not admitted, and what its client was told.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) facts: Box<Facts>,
    pub(super) status: u16,
    pub(super) code: &'static str,
}

impl Refusal {
    /// Its record: counted, without cost.
    pub(super) fn record(self, outcome: Outcome, now: Millis) -> Record {
        let end = End { at: now, first_byte: None, outcome, status: self.status, reason: self.code };
        Record::new(self.facts, &end, Attempts::default(), LossList::default())
    }
}

/// The record of an exchange that was admitted.
pub(super) fn close(exchange: Exchange, answer: &Answer, ending: Option<Ending>, now: Millis) -> Record {
    let Exchange { facts, plan, attempts, .. } = exchange;
    let local = match answer {
        Answer::Local(local) => Some(local),
        Answer::Nothing | Answer::Provider => None,
    };
    let last = attempts.last();
    let shown = last.map_or(0, Attempt::shown);
    let said = last.and_then(Attempt::settled);
    let (outcome, status, reason) = match (local, ending, said) {
        (Some(local), ..) => (Outcome::ProviderError, local.status, local.code),
        (None, Some(Ending::ClientGone), _) if matches!(answer, Answer::Nothing) => {
            (Outcome::ClientAbort, 0, "client_gone")
        }
        // A client that reads of a failure may well hang up before the stream ends.
        (None, _, Some((outcome, reason))) => (outcome, shown, reason),
        (None, Some(Ending::ClientGone), None) => (Outcome::ClientAbort, shown, "client_gone"),
        (None, _, None) => (Outcome::Interrupted, shown, "interrupted"),
    };
    let end = End { at: now, first_byte: last.and_then(Attempt::first_byte), outcome, status, reason };
    let mut tried = Attempts::default();
    let final_one = attempts.len().saturating_sub(1);
    for (number, attempt) in attempts.iter().enumerate() {
        // What its own answer does not tell of the last attempt, the end of the exchange does.
        let came_to = match (local, ending) {
            _ if number < final_one => attempt.outcome_when_given_up(),
            (Some(local), _) => attempt.outcome().unwrap_or((Outcome::ProviderError, local.code)),
            (None, Some(Ending::ClientGone)) if attempt.over.is_none() => {
                attempt.outcome().unwrap_or((Outcome::ClientAbort, "client_gone"))
            }
            _ => attempt.outcome_when_given_up(),
        };
        let step = plan.steps.get(attempt.step);
        tried.add(record::Attempt::of(attempt, step, attempt.over.unwrap_or(now), came_to));
    }
    let none = Losses::default();
    let losses = last.map_or([&none, &none], |attempt| {
        [&attempt.losses, attempt.observed().map_or(&none, |observed| &observed.losses)]
    });
    Record::new(facts, &end, tried, LossList::of(losses))
}
