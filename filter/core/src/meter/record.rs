use std::rc::Rc;

use super::price::NanoUsd;
use crate::{
    admit::Principal,
    canonical::Usage,
    words::{ExchangeId, Format, Millis, Operation, Outcome, Provenance},
};

/// One exchange, once it has ended: who asked for what, how it ended, what it used and cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Which exchange.
    pub id: ExchangeId,
    /// When its head arrived.
    pub started: Millis,
    /// From head to end.
    pub duration_ms: u64,
    /// From head to the first byte of the response.
    pub first_byte_ms: Option<u64>,
    /// Whose key it was, where that was known.
    pub principal: Option<Rc<Principal>>,
    /// The model that the client asked for.
    pub model: Rc<str>,
    /// Provider and upstream model of the last attempt.
    pub target: Option<(Rc<str>, Rc<str>)>,
    /// What kind of call.
    pub operation: Option<Operation>,
    /// What the client spoke, where it made a call.
    pub client_format: Option<Format>,
    /// What the provider of the last attempt spoke.
    pub provider_format: Option<Format>,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// How it ended.
    pub outcome: Outcome,
    /// The status that the client saw, 0 where it had gone before.
    pub status: u16,
    /// Error code of a refusal or failure.
    pub reason: Rc<str>,
    /// How often a provider was asked.
    pub attempts: u32,
    /// Tokens; `None` is unknown, which is not zero.
    pub usage: Option<Usage>,
    /// How far the usage can be trusted.
    pub provenance: Provenance,
    /// Cost, where it can be known.
    pub cost: Option<NanoUsd>,
    /// Which price entry the cost was computed from; `None` is unpriced.
    pub price_version: Option<Rc<str>>,
    /// How many fields the translation could not carry.
    pub losses: u32,
    /// The snapshot it was admitted under; 0 for none.
    pub snapshot_version: u64,
}
