//! How exchanges end, and the one record that each leaves.

use crate::{
    exchange::{
        Exchange, Reply,
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

/// Envoy answered in a provider's place.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) reply: Reply,
    /// The reply's body until it was put in the place of Envoy's.
    pub(super) body: Option<Vec<u8>>,
}

impl Local {
    pub(super) fn of(reply: &Reply, status: u16, code: &'static str) -> Self {
        Self { status, code, reply: reply.clone(), body: Some(reply.body.clone()) }
    }
}

/// The record of an exchange that was admitted.
pub(super) fn close(
    exchange: Exchange,
    local: Option<&Local>,
    answering: bool,
    ending: Option<Ending>,
    now: Millis,
) -> Record {
    let Exchange { facts, plan, attempt, tried: mut attempts, .. } = exchange;
    let shown = attempt.as_ref().map_or(0, |attempt| attempt.shown);
    let said = attempt
        .as_ref()
        .and_then(|attempt| attempt.outcome().filter(|_| attempt.is_complete() || attempt.failure.is_some()));
    let (outcome, status, reason) = match (local, ending, said) {
        (Some(local), ..) => (Outcome::ProviderError, local.status, local.code),
        (None, Some(Ending::ClientGone), _) if !answering => (Outcome::ClientAbort, 0, "client_gone"),
        // A client that reads of a failure may well hang up before the stream ends.
        (None, _, Some((outcome, reason))) => (outcome, shown, reason),
        (None, Some(Ending::ClientGone), None) => (Outcome::ClientAbort, shown, "client_gone"),
        (None, _, None) => (Outcome::Interrupted, shown, "interrupted"),
    };
    let end =
        End { at: now, first_byte: attempt.as_ref().and_then(|attempt| attempt.first_byte), outcome, status, reason };
    let Some(last) = attempt else { return Record::new(facts, &end, attempts, LossList::default()) };
    // What its own answer does not tell of the last attempt, the end of the exchange does.
    let came_to = match (local, ending) {
        (Some(local), _) => last.outcome().unwrap_or((Outcome::ProviderError, local.code)),
        (None, Some(Ending::ClientGone)) if last.over.is_none() => {
            last.outcome().unwrap_or((Outcome::ClientAbort, "client_gone"))
        }
        _ => last.outcome_when_given_up(),
    };
    attempts.add(record::Attempt::of(&last, plan.steps.get(last.step), last.over.unwrap_or(now), came_to));
    Record::new(facts, &end, attempts, LossList::of([&last.losses, &last.observed.losses]))
}
