//! The machine before the router: admits a request or refuses it, and leaves its one record at the end.
//!
//! The states are here; the decision about a complete request is `admission`, what becomes of an exchange `ending`, and what the
//! gate answers itself `models`.

use std::{borrow::Cow, rc::Rc};

use super::{
    Endpoint, Head, Reject, Reply,
    endpoint::{NoEndpoint, format_of_replies},
    record::Facts,
    reject::NoAnswer,
};
use crate::{
    admit::{Principal, find_credential},
    vm::{Known, Resolution, Vm},
    words::{ExchangeId, Format, KeyDigest, Millis, Outcome},
};

mod admission;
mod ending;
mod models;

pub use admission::{Admission, EXCHANGE_HEADER};
pub use ending::Ending;
use ending::{Local, Refusal, close};

/// The filter before the router: nothing reaches a provider that it has not admitted.
///
/// ```text
///                 head                 body at its end, key known
///   AwaitingHead ──────► Collecting ──────────────────────────────► Admitted
///        │                   │  ▲ key answered                         │
///        └──── refused ──────┴──┘──────► Answered                      │
///                                           └──────── log ◄────────────┘
/// ```
#[derive(Debug)]
pub struct Gate {
    id: ExchangeId,
    seed: u64,
    /// What the gate's own replies are in: the client's format, as soon as its head tells.
    format: Format,
    state: State,
    /// What Envoy's own answer was replaced with.
    local: Option<Local>,
    /// The refusal of a body that is too large: Envoy's own may overtake it.
    too_large: Option<Reply>,
    /// Whether a provider's answer has begun to reach the client.
    answering: bool,
}

#[derive(Debug)]
enum State {
    AwaitingHead,
    Collecting(Box<Facts>, Collecting),
    Admitted,
    /// Answered by the gate. `None` where that is no exchange: health and model lists.
    Answered(Option<Refusal>),
    Logged,
}

/// A request that is not complete, or whose key is not known yet.
#[derive(Debug)]
struct Collecting {
    endpoint: Endpoint,
    head: Head,
    debug: bool,
    digest: KeyDigest,
    key: Key,
    /// [`KeyCache::changes`](crate::vm::KeyCache::changes) when the control plane was asked.
    asked_at: u64,
    body: Option<Vec<u8>>,
    max_body: usize,
}

#[derive(Debug)]
enum Key {
    /// The control plane was asked; this is what to fall back on if it cannot answer.
    Asked(Option<Rc<Principal>>),
    Good(Rc<Principal>),
}

/// What the host must do with the request.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// Hold it; more is to come.
    Hold,
    /// Hold it, and ask the control plane about this key.
    Ask(KeyDigest),
    /// Pass it on like this.
    Admit(Admission),
    /// Answer it like this; nothing of it is passed on.
    Reply(Reply),
}

impl Gate {
    /// A gate for one stream. The id and the seed are the host's random bits.
    #[must_use]
    pub fn new(id: ExchangeId, seed: u64) -> Self {
        Self {
            id,
            seed,
            format: Format::OpenaiChat,
            state: State::AwaitingHead,
            local: None,
            too_large: None,
            answering: false,
        }
    }

    /// The request's head arrived. `end` says that nothing follows it.
    pub fn handle_head(&mut self, vm: &mut Vm, head: Head, end: bool, now: Millis) -> Decision {
        if !matches!(self.state, State::AwaitingHead) {
            return Decision::Hold;
        }
        self.format = format_of_replies(&head);
        let mut facts = Box::new(Facts::of_head(self.id, now, &head));
        match self.begin(vm, head, &mut facts, now) {
            Ok(collecting) => {
                let ask = matches!(collecting.key, Key::Asked(_)).then_some(collecting.digest);
                self.state = State::Collecting(facts, collecting);
                match ask {
                    Some(digest) if end => {
                        self.keep_body(Vec::new());
                        Decision::Ask(digest)
                    }
                    Some(digest) => Decision::Ask(digest),
                    None if end => self.handle_body(vm, Vec::new()),
                    None => Decision::Hold,
                }
            }
            Err(early) => self.answer(early, facts),
        }
    }

    /// So many bytes of the body are held, and more will come.
    pub fn handle_buffered(&mut self, bytes: usize) -> Decision {
        match &self.state {
            State::Collecting(_, collecting) if bytes > collecting.max_body => {
                let limit = collecting.max_body;
                self.refuse(Reject::TooLarge(limit))
            }
            _ => Decision::Hold,
        }
    }

    /// The whole body is here.
    pub fn handle_body(&mut self, vm: &mut Vm, body: Vec<u8>) -> Decision {
        self.keep_body(body);
        self.proceed(vm)
    }

    /// The control plane answered [`Decision::Ask`], or could not.
    pub fn handle_resolution(&mut self, vm: &mut Vm, resolution: &Resolution, now: Millis) -> Decision {
        let State::Collecting(facts, collecting) = &mut self.state else { return Decision::Hold };
        let Key::Asked(fallback) = &collecting.key else { return Decision::Hold };
        // A key may have changed while the answer was on its way: it serves this request, and the next one asks again.
        if vm.keys.changes() == collecting.asked_at {
            vm.keys.learn(collecting.digest, resolution, now);
        }
        let outcome = match (resolution, fallback) {
            (Resolution::Good(principal, _), _) => Ok(Rc::clone(principal)),
            (Resolution::Unavailable, Some(principal)) => Ok(Rc::clone(principal)),
            (Resolution::Unavailable, None) => Err(Reject::KeyUnresolved),
            (Resolution::Refused(refusal, _), _) => Err(Reject::BadKey(*refusal)),
        };
        match outcome {
            Ok(principal) => {
                facts.principal = Some(Rc::clone(&principal));
                collecting.key = Key::Good(principal);
                self.proceed(vm)
            }
            Err(reject) => self.refuse(reject),
        }
    }

    /// Whether the response that begins now is Envoy's own and not a provider's.
    pub fn is_local_reply(&mut self, vm: &mut Vm) -> bool {
        self.answering = matches!(self.state, State::Admitted)
            && vm.exchanges.find(self.id).is_some_and(|exchange| {
                exchange.attempt.as_ref().is_some_and(|attempt| attempt.status != 0 && attempt.over.is_none())
            });
        match self.state {
            State::Admitted => !self.answering,
            State::AwaitingHead | State::Collecting(..) => true,
            State::Answered(_) => self.too_large.is_some(),
            State::Logged => false,
        }
    }

    /// Envoy answers in a provider's place, with this status and these `response.code_details`: the reply to send
    /// instead. Its body is also kept for [`Self::take_local_body`].
    pub fn handle_local_reply(&mut self, vm: &mut Vm, status: u16, details: &str) -> Reply {
        if let Some(local) = &mut self.local {
            // What the host replied with in our name comes by once more.
            local.body = Some(local.reply.body.clone());
            return local.reply.clone();
        }
        if let Some(reply) = self.too_large.take() {
            let code = Reject::TooLarge(0).code();
            self.local = Some(Local::of(&reply, reply.status, code));
            return reply;
        }
        let max_body = match &self.state {
            State::Collecting(_, collecting) => collecting.max_body,
            _ => 0,
        };
        let reject = match status {
            413 => Reject::TooLarge(max_body),
            _ => {
                let refused = vm.exchanges.find(self.id).and_then(|exchange| exchange.refused.take());
                refused.unwrap_or_else(|| Reject::Unreachable(status, NoAnswer::from_details(details)))
            }
        };
        let reply = reject.reply(self.format);
        self.local = Some(Local::of(&reply, status, reject.code()));
        reply
    }

    /// The body to put in the place of Envoy's, once.
    pub fn take_local_body(&mut self) -> Option<Vec<u8>> {
        self.local.as_mut().and_then(|local| local.body.take())
    }

    /// A provider's response has no body although its status is an error's: what to send instead.
    pub fn handle_bodiless_error(&mut self, vm: &mut Vm) -> Option<Reply> {
        let exchange = vm.exchanges.find(self.id).filter(|_| matches!(self.state, State::Admitted))?;
        let attempt = exchange.attempt.as_ref().filter(|attempt| attempt.shown >= 400)?;
        let (status, code) = (attempt.shown, attempt.failure.unwrap_or("provider_error"));
        let reply = Reply::json(status, crate::translate::translate_error(self.format, self.format, status, b""));
        self.local = Some(Local::of(&reply, status, code));
        Some(reply)
    }

    /// Whether [`Self::handle_log`] must be told how Envoy ended the exchange.
    pub fn is_unfinished(&self, vm: &mut Vm) -> bool {
        match self.state {
            State::Admitted => vm.exchanges.find(self.id).is_some_and(|exchange| {
                let ended = exchange.attempt.as_ref().is_some_and(|attempt| attempt.ended);
                self.local.is_none() && !(self.answering && ended)
            }),
            State::Collecting(..) => self.local.is_none(),
            _ => false,
        }
    }

    /// The exchange is over, whatever its end: makes its one usage record.
    pub fn handle_log(&mut self, vm: &mut Vm, ending: Option<Ending>, now: Millis) {
        let local = self.local.as_ref();
        let record = match std::mem::replace(&mut self.state, State::Logged) {
            State::Admitted => {
                vm.exchanges.remove(self.id).map(|exchange| close(exchange, local, self.answering, ending, now))
            }
            State::Answered(Some(refusal)) => Some(refusal.record(Outcome::Refused, now)),
            State::Collecting(facts, _) => {
                let (status, code) = local.map_or((0, "client_gone"), |local| (local.status, local.code));
                let outcome = if local.is_some() { Outcome::Refused } else { Outcome::ClientAbort };
                Some(Refusal { facts, status, code }.record(outcome, now))
            }
            State::AwaitingHead | State::Answered(None) | State::Logged => None,
        };
        if let Some(record) = record {
            vm.outbox.push(record);
        }
    }

    fn begin(&self, vm: &mut Vm, head: Head, facts: &mut Facts, now: Millis) -> Result<Collecting, Early> {
        let debug = head.value("x-tollgate-debug").is_some_and(|value| value != "0");
        let method = head.value(":method").unwrap_or_default();
        if head.value("upgrade").is_some() || method == "CONNECT" {
            return Err(Early::Reject(Reject::Upgrade));
        }
        let endpoint = Endpoint::recognise(&head).map_err(|missing| match missing {
            NoEndpoint::Path => Reject::UnknownPath(head.path().to_owned()),
            NoEndpoint::Method(allowed) => Reject::WrongMethod(allowed),
        })?;
        if let Some((operation, format)) = endpoint.call() {
            facts.operation = Some(operation);
            facts.client_format = Some(format);
        }
        if endpoint == Endpoint::Health {
            return Err(Early::Reply(models::health(vm)));
        }
        if let Some(encoding) = head.encoding() {
            return Err(Early::Reject(Reject::CompressedBody(encoding.to_owned())));
        }
        let max_body = vm.snapshot.as_ref().ok_or(Reject::NotConfigured)?.max_body;
        let in_query = || head.query(self.format.key_parameter()?).filter(|key| !key.is_empty());
        let key = find_credential(&head.0).map(Cow::Borrowed).or_else(in_query).ok_or(Reject::NoKey)?;
        let digest = KeyDigest::of(key.as_bytes());
        let key = match vm.keys.look_up(&digest, vm.session.is_open(), now) {
            Known::Good(principal) => Key::Good(principal),
            Known::Refused(refusal) => return Err(Early::Reject(Reject::BadKey(refusal))),
            Known::Ask(fallback) => match (vm.keys.may_ask(now), fallback) {
                (true, fallback) => Key::Asked(fallback),
                (false, Some(principal)) => Key::Good(principal),
                (false, None) => return Err(Early::Reject(Reject::KeyUnresolved)),
            },
        };
        if let Key::Good(principal) = &key {
            facts.principal = Some(Rc::clone(principal));
        }
        let length = head.value("content-length").and_then(|length| length.parse().ok());
        if length.is_some_and(|length: usize| length > max_body) {
            return Err(Early::Reject(Reject::TooLarge(max_body)));
        }
        let asked_at = vm.keys.changes();
        Ok(Collecting { endpoint, head, debug, digest, key, asked_at, body: None, max_body })
    }

    fn keep_body(&mut self, body: Vec<u8>) {
        if let State::Collecting(_, collecting) = &mut self.state
            && collecting.body.is_none()
        {
            collecting.body = Some(body);
        }
    }

    /// Goes on if both the key and the body are there.
    fn proceed(&mut self, vm: &mut Vm) -> Decision {
        let State::Collecting(_, Collecting { key: Key::Good(_), body: Some(body), max_body, .. }) = &self.state else {
            return Decision::Hold;
        };
        if body.len() > *max_body {
            let limit = *max_body;
            return self.refuse(Reject::TooLarge(limit));
        }
        let State::Collecting(facts, collecting) = std::mem::replace(&mut self.state, State::Logged) else {
            return Decision::Hold;
        };
        let Collecting { endpoint, head, debug, key: Key::Good(principal), body: Some(body), .. } = collecting else {
            return Decision::Hold;
        };
        match endpoint {
            Endpoint::Call(call) => {
                let request = admission::Pending { call, head, debug, body };
                match admission::admit(vm, request, &principal, facts, self.seed) {
                    Ok(admission) => {
                        self.state = State::Admitted;
                        Decision::Admit(admission)
                    }
                    Err(refused) => {
                        let (reject, facts) = *refused;
                        self.answer(Early::Reject(reject), facts)
                    }
                }
            }
            Endpoint::Models => self.answer(models::list(vm, &principal, self.format).into(), facts),
            Endpoint::Model(id) => self.answer(models::retrieve(vm, &principal, self.format, &id).into(), facts),
            Endpoint::Health => Decision::Hold,
        }
    }

    fn refuse(&mut self, reject: Reject) -> Decision {
        match std::mem::replace(&mut self.state, State::Logged) {
            State::Collecting(facts, _) => self.answer(Early::Reject(reject), facts),
            other => {
                self.state = other;
                Decision::Hold
            }
        }
    }

    fn answer(&mut self, early: Early, facts: Box<Facts>) -> Decision {
        let (reply, refusal) = match early {
            Early::Reply(reply) => (reply, None),
            Early::Reject(reject) => {
                let reply = reject.reply(self.format);
                let (status, code) = (reply.status, reject.code());
                self.too_large = matches!(reject, Reject::TooLarge(_)).then(|| reply.clone());
                (reply, Some(Refusal { facts, status, code }))
            }
        };
        self.state = State::Answered(refusal);
        Decision::Reply(reply)
    }
}

/// An answer before admission.
enum Early {
    Reply(Reply),
    Reject(Reject),
}

impl From<Reject> for Early {
    fn from(reject: Reject) -> Self {
        Self::Reject(reject)
    }
}

impl From<Result<Reply, Reject>> for Early {
    fn from(result: Result<Reply, Reject>) -> Self {
        result.map_or_else(Self::Reject, Self::Reply)
    }
}
