//! The exchanges that are under way in one VM, and what gate and adapter share of each.

use std::{
    collections::{HashMap, hash_map::Entry},
    rc::Rc,
};

use super::{
    Reject,
    attempt::Attempt,
    forwarding,
    record::{self, Attempts, Facts},
};
use crate::{
    admit::route::{Plan, Step},
    json::Envelope,
    translate::{Framing, InvalidRequest, Translation, UpstreamRequest, encode_request},
    words::{ExchangeId, Format, Millis},
};

/// The exchanges of one VM that were admitted and have not ended.
#[derive(Debug, Default)]
pub struct Table {
    open: HashMap<ExchangeId, Exchange>,
    /// Bytes of the bodies that they hold.
    held: usize,
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
    /// How often a provider was asked.
    pub attempts: u32,
    /// The last attempt.
    pub attempt: Option<Attempt>,
    /// Those before it.
    pub tried: Attempts,
    /// The request of the first step that is walked, where the gate had to translate it to know that it can be.
    pub prepared: Option<UpstreamRequest>,
    /// Why the last attempt was refused by the adapter, if it was.
    pub refused: Option<Reject>,
    /// Whether the control plane has been told that it is open.
    named: bool,
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
    /// The body as it came.
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

    /// Marks those that have been open for longer than `after_ms`; whether there is one that was not marked before.
    pub fn name_open(&mut self, now: Millis, after_ms: u64) -> bool {
        let mut any = false;
        for exchange in
            self.open.values_mut().filter(|exchange| !exchange.named && now.since(exchange.facts.started) > after_ms)
        {
            exchange.named = true;
            any = true;
        }
        any
    }

    /// Those that were marked.
    pub fn named(&self) -> impl Iterator<Item = &Exchange> {
        self.open.values().filter(|exchange| exchange.named)
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
        Self {
            facts,
            request,
            plan,
            attempts: 0,
            attempt: None,
            tried: Attempts::default(),
            prepared: None,
            refused: None,
            named: false,
        }
    }

    /// The step of the last attempt, or where the first one would go.
    #[must_use]
    pub fn last_step(&self) -> Option<&Step> {
        self.plan.steps.get(self.attempt.as_ref().map_or_else(|| self.plan.first(), |attempt| attempt.step))
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

    /// The next attempt takes the place of the one before it, which goes on record. Answers its number, from 1.
    pub(super) fn begin_attempt(&mut self, attempt: Attempt) -> u32 {
        if let Some(before) = self.attempt.take() {
            let end = before.over.unwrap_or(attempt.started);
            let step = self.plan.steps.get(before.step);
            self.tried.add(record::Attempt::of(&before, step, end, before.outcome_when_given_up()));
        }
        self.attempt = Some(attempt);
        self.attempts = self.attempts.saturating_add(1);
        self.attempts
    }
}
