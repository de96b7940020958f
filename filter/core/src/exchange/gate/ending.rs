//! How exchanges end, and the one record that each leaves.

use std::rc::Rc;

use crate::{
    admit::Principal,
    exchange::{Exchange, Reply},
    meter::Record,
    words::{ExchangeId, Format, Millis, Operation, Outcome, Provenance},
};

/// How Envoy ended an exchange whose response did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The client went away.
    ClientGone,
    /// Anything else.
    CutOff,
}

/// What a usage record must say of a request that was not admitted.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) principal: Option<Rc<Principal>>,
    pub(super) model: Rc<str>,
    pub(super) call: Option<(Operation, Format)>,
}

impl Refusal {
    /// Its record: counted, without cost.
    pub(super) fn record(self, id: ExchangeId, started: Millis, outcome: Outcome, now: Millis) -> Record {
        Record {
            id,
            started,
            duration_ms: now.since(started),
            first_byte_ms: None,
            principal: self.principal,
            model: self.model,
            target: None,
            operation: self.call.map(|(operation, _)| operation),
            client_format: self.call.map(|(_, format)| format),
            provider_format: None,
            stream: false,
            outcome,
            status: self.status,
            reason: self.code.into(),
            attempts: 0,
            usage: None,
            provenance: Provenance::None,
            cost: None,
            price_version: None,
            losses: 0,
            snapshot_version: 0,
        }
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
    exchange: &Exchange,
    local: Option<&Local>,
    answering: bool,
    ending: Option<Ending>,
    now: Millis,
) -> Record {
    let attempt = exchange.attempt.clone().unwrap_or_default();
    let (outcome, status, reason) = match (local, ending) {
        (Some(local), _) => (Outcome::ProviderError, local.status, local.code),
        (None, Some(Ending::ClientGone)) if !answering => (Outcome::ClientAbort, 0, "client_gone"),
        // A client that reads of a failure may well hang up before the stream ends.
        (None, _) if attempt.ended || attempt.failure.is_some() => match attempt.failure {
            Some(failure) => (Outcome::ProviderError, attempt.status, failure),
            None if attempt.status >= 400 => (Outcome::ProviderError, attempt.status, "provider_error"),
            None => (Outcome::Success, attempt.status, ""),
        },
        (None, Some(Ending::ClientGone)) => (Outcome::ClientAbort, attempt.status, "client_gone"),
        (None, _) => (Outcome::Interrupted, attempt.status, "interrupted"),
    };
    let usage = attempt.observed.usage;
    let provenance = match usage {
        None if outcome == Outcome::ClientAbort || outcome == Outcome::Interrupted || attempt.observed.failed => {
            Provenance::Partial
        }
        None => Provenance::None,
        Some(_) if attempt.observed.terminal => Provenance::Reported,
        Some(_) => Provenance::Partial,
    };
    let price = exchange.last_step().and_then(|step| step.price.as_ref());
    Record {
        id: exchange.id,
        started: exchange.started,
        duration_ms: now.since(exchange.started),
        first_byte_ms: attempt.first_byte.map(|at| at.since(exchange.started)),
        principal: Some(Rc::clone(&exchange.principal)),
        model: Rc::clone(&exchange.request.model),
        target: exchange.last_target(),
        operation: Some(exchange.request.operation),
        client_format: Some(exchange.request.format),
        provider_format: exchange.last_step().and_then(|step| step.format),
        stream: exchange.request.stream,
        outcome,
        status,
        reason: reason.into(),
        attempts: exchange.attempts,
        usage,
        provenance,
        cost: usage.and_then(|usage| price.map(|price| price.cost(&usage))),
        price_version: price.map(|price| Rc::clone(&price.version)),
        losses: u32::try_from(attempt.losses.len().saturating_add(attempt.observed.losses.len())).unwrap_or(u32::MAX),
        snapshot_version: exchange.snapshot_version,
    }
}
