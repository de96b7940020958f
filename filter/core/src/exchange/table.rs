//! The exchanges that are under way in one VM, and what gate and adapter share of each.

use std::{
    collections::{HashMap, hash_map::Entry},
    rc::Rc,
};

use super::{Reject, attempt::Attempt, forwarding, record::Facts};
use crate::{
    admit::{
        keys::KeyCache,
        route::{Plan, Step},
        snapshot::Snapshot,
    },
    json::Envelope,
    translate::{Framing, InvalidRequest, Translation, UpstreamRequest, encode_request},
    words::{ExchangeId, Format},
};

/// What the exchanges of one VM share, and its gates and adapters work on.
#[derive(Debug, Default)]
pub struct Shared {
    /// What the control plane last sent and this VM accepted.
    pub snapshot: Option<Rc<Snapshot>>,
    /// What is known of keys.
    pub keys: KeyCache,
    /// What is under way.
    pub exchanges: Table,
    /// Whether there is a session with the control plane, so that changes are being pushed right now.
    pub is_connected: bool,
}

/// The exchanges of one VM that were admitted and have not ended.
#[derive(Debug, Default)]
pub struct Table {
    open: HashMap<ExchangeId, Exchange>,
    /// Bytes of the bodies that they hold.
    held: usize,
    /// Those that the control plane has not been told of; some may have ended since.
    unnamed: Vec<ExchangeId>,
}

/// Most bytes of bodies that one VM holds. Memory of wasm32 ends at 4 GiB, never shrinks, and running out of it costs the
/// VM; a body may be held in two formats at once.
const MAX_HELD: usize = 1 << 30;

/// What gate and adapter know of one exchange.
#[derive(Debug)]
pub struct Exchange {
    /// What is known of it from its beginning.
    pub facts: Box<Facts>,
    /// What was asked for.
    pub request: Request,
    /// Whom to ask, in order.
    pub plan: Plan,
    /// Every time that a provider was asked, in order: no more than the plan has attempts, because no more retries are asked for.
    pub attempts: Vec<Attempt>,
    /// The request of the first step that is walked, where the gate had to translate it to know that it can be.
    pub prepared: Option<UpstreamRequest>,
    /// Why the last attempt was refused by the adapter, if it was.
    pub refused: Option<Reject>,
}

/// What a client asked for.
#[derive(Debug)]
pub struct Request {
    /// In whose dialect.
    pub format: Format,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// How the client reads a stream.
    pub framing: Framing,
    /// Whether the client asked for usage in the stream.
    pub include_usage: bool,
    /// Whether the client asked to be told about losses.
    pub debug: bool,
    /// The body as it came; empty once the last attempt that there can be has begun.
    pub body: Vec<u8>,
    /// Its top-level members.
    pub envelope: Envelope,
    /// The client's headers that providers may see.
    pub headers: Vec<(String, String)>,
}

impl Table {
    /// Adds an exchange that was just admitted.
    pub fn insert(&mut self, exchange: Exchange) {
        if let Entry::Vacant(place) = self.open.entry(exchange.facts.id) {
            self.held = self.held.saturating_add(exchange.request.body.len());
            self.unnamed.push(exchange.facts.id);
            place.insert(exchange);
        }
    }

    /// An exchange that has not ended.
    pub fn find(&mut self, id: ExchangeId) -> Option<&mut Exchange> {
        self.open.get_mut(&id)
    }

    /// Takes an exchange out, because it has ended.
    pub fn remove(&mut self, id: ExchangeId) -> Option<Exchange> {
        let exchange = self.open.remove(&id)?;
        self.held = self.held.saturating_sub(exchange.request.body.len());
        Some(exchange)
    }

    /// Whether the bodies of the exchanges leave room for one more of this size.
    #[must_use]
    pub fn has_room_for(&self, body: usize) -> bool {
        self.held.saturating_add(body) <= MAX_HELD
    }

    /// Frees the body of an exchange that no attempt will ask for again, and what was made of it for an attempt that was not made.
    pub(super) fn release_body(&mut self, id: ExchangeId) {
        if let Some(exchange) = self.open.get_mut(&id) {
            exchange.prepared = None;
            let body = std::mem::take(&mut exchange.request.body);
            self.held = self.held.saturating_sub(body.len());
        }
    }

    /// Those that are open and have not been named; from now on they have.
    pub fn take_unnamed(&mut self) -> impl Iterator<Item = &Exchange> {
        std::mem::take(&mut self.unnamed).into_iter().filter_map(|id| self.open.get(&id))
    }

    /// All that are open; from now on all of them have been named.
    pub fn name_all(&mut self) -> impl Iterator<Item = &Exchange> {
        self.forget_unnamed();
        self.open.values()
    }

    /// Nobody needs to be told one by one of what was opened so far.
    pub fn forget_unnamed(&mut self) {
        self.unnamed.clear();
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

impl Exchange {
    /// An exchange whose first attempt is yet to come.
    #[must_use]
    pub fn new(facts: Box<Facts>, request: Request, plan: Plan) -> Self {
        Self { facts, request, plan, attempts: Vec::new(), prepared: None, refused: None }
    }

    /// The step of the last attempt, or where the first one would go.
    #[must_use]
    pub fn last_step(&self) -> Option<&Step> {
        self.plan.steps.get(self.attempts.last().map_or_else(|| self.plan.first(), |attempt| attempt.step))
    }

    /// Provider and model of [`Self::last_step`].
    #[must_use]
    pub fn last_target(&self) -> Option<(Rc<str>, Rc<str>)> {
        self.last_step().map(|step| (Rc::clone(&step.provider.name), Rc::clone(&step.model)))
    }

    /// The request in the format of one attempt, with all that it could not carry.
    pub(super) fn encode(&self, translation: &Translation<'_>) -> Result<UpstreamRequest, InvalidRequest> {
        let request = &self.request;
        let mut encoded = encode_request(translation, &request.body, &request.envelope)?;
        forwarding::declare_lost(request.format, &request.headers, translation.upstream, &mut encoded.losses);
        Ok(encoded)
    }

    /// What the formats must know of one attempt at `step`.
    pub(super) fn translation<'a>(&'a self, step: &'a Step, id: &'a str) -> Option<Translation<'a>> {
        Some(Translation {
            client: self.request.format,
            upstream: step.format?,
            model: &step.model,
            default_max_tokens: step.default_max_tokens,
            stream: self.request.stream,
            include_usage: self.request.include_usage,
            framing: self.request.framing,
            exchange: id,
            created_s: self.facts.started.seconds(),
        })
    }

    /// The next attempt begins, and so the one before it is over. Answers its place in the list.
    pub(super) fn begin_attempt(&mut self, attempt: Attempt) -> usize {
        if let Some(before) = self.attempts.last_mut() {
            before.end(attempt.started);
        }
        let place = self.attempts.len();
        self.attempts.push(attempt);
        place
    }

    /// Whether Envoy can begin no other attempt: it is told how many retries there may be.
    pub(super) fn has_no_attempts_left(&self) -> bool {
        self.attempts.len() >= self.plan.attempts()
    }
}
