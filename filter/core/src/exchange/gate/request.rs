//! The way in: from a request's head to its admission.

use std::{borrow::Cow, rc::Rc, time::Duration};

use super::{
    CallFailed, Gate, Refusal, Rpc, State, Verdict,
    admission::{self, Complete},
    models,
    response::{Answer, Standin},
};
use crate::{
    admit::{
        Principal, find_credential,
        keys::{Known, Resolution, decode_resolution, encode_resolve},
    },
    exchange::{
        Endpoint, Head, Reject, Reply, Shared,
        endpoint::{NoEndpoint, format_of_replies},
        record::Facts,
    },
    words::{KeyDigest, Millis},
};

/// How long the control plane may take to say what it knows of a key.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(2);

/// A request that has begun and is not admitted.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) facts: Box<Facts>,
    pub(super) endpoint: Endpoint,
    pub(super) head: Head,
    /// The whole body, once it is here.
    pub(super) body: Option<Vec<u8>>,
    pub(super) max_body: usize,
}

/// What the control plane was asked about the key.
#[derive(Debug)]
pub(super) struct KeyQuestion {
    digest: KeyDigest,
    /// Whom it was last known to belong to, for when the control plane cannot answer.
    fallback: Option<Rc<Principal>>,
    /// [`KeyCache::changes`](crate::admit::keys::KeyCache::changes) when it was asked.
    asked_at: u64,
}

/// What is known of a key at a request's head.
enum Key {
    Good(Rc<Principal>),
    Unknown(KeyQuestion),
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

impl Gate {
    /// The request's head arrived. `end` says that nothing follows it.
    pub fn handle_head(&mut self, shared: &mut Shared, head: Head, end: bool, now: Millis) -> Verdict {
        if !matches!(self.state, State::AwaitingHead) {
            return self.later();
        }
        self.format = format_of_replies(&head);
        self.debug = head.value("x-tollgate-debug").is_some_and(|value| value != "0");
        let mut facts = Box::new(Facts::of_head(self.id, now, &head));
        let (endpoint, max_body, key) = match self.begin(shared, &head, &mut facts, now) {
            Ok(begun) => begun,
            Err(early) => return self.answer(early, facts),
        };
        let body = end.then(Vec::new);
        let pending = Box::new(Pending { facts, endpoint, head, body, max_body });
        match key {
            Key::Good(principal) => {
                self.state = State::Collecting(pending, principal);
                self.proceed(shared)
            }
            Key::Unknown(question) => {
                let message = encode_resolve(&question.digest);
                self.state = State::ResolvingKey(pending, question);
                let (service, method) = ("tollgate.v1.Keys", "Resolve");
                Verdict::Call(Rpc { service, method, message, timeout: RESOLVE_TIMEOUT })
            }
        }
    }

    /// So many bytes of the body are held; `end` says that these are all.
    pub fn handle_body(&mut self, bytes: usize, end: bool) -> Verdict {
        match &self.state {
            State::Collecting(pending, _) | State::ResolvingKey(pending, _) if pending.body.is_none() => {
                let limit = pending.max_body;
                match (bytes > limit, end) {
                    (true, false) => self.refuse(Reject::TooLarge(limit)),
                    (_, true) => Verdict::TakeBody,
                    (false, false) => Verdict::Hold,
                }
            }
            _ => self.later(),
        }
    }

    /// The whole body is here.
    pub fn handle_whole_body(&mut self, shared: &mut Shared, body: Vec<u8>) -> Verdict {
        match &mut self.state {
            State::Collecting(pending, _) | State::ResolvingKey(pending, _) => {
                pending.body.get_or_insert(body);
                self.proceed(shared)
            }
            _ => self.later(),
        }
    }

    /// The control plane answered the last [`Verdict::Call`], or did not.
    pub fn handle_reply(&mut self, shared: &mut Shared, reply: Result<&[u8], CallFailed>, now: Millis) -> Verdict {
        match std::mem::replace(&mut self.state, State::Logged) {
            State::ResolvingKey(pending, question) => {
                let resolution = reply.map_or(Resolution::Unavailable, decode_resolution);
                self.resolved(shared, pending, question, &resolution, now)
            }
            other => {
                self.state = other;
                self.later()
            }
        }
    }

    /// What becomes of an input that nothing waits for: what was admitted goes on, all else stays.
    fn later(&self) -> Verdict {
        if matches!(self.state, State::Admitted(_)) { Verdict::Forward } else { Verdict::Hold }
    }

    fn resolved(
        &mut self,
        shared: &mut Shared,
        mut pending: Box<Pending>,
        question: KeyQuestion,
        resolution: &Resolution,
        now: Millis,
    ) -> Verdict {
        // A key may have changed while the answer was on its way: it serves this request, and the next one asks again.
        if shared.keys.changes() == question.asked_at {
            shared.keys.learn(question.digest, resolution, now);
        }
        let principal = match (resolution, question.fallback) {
            (Resolution::Good(principal, _), _) => Ok(Rc::clone(principal)),
            (Resolution::Unavailable, Some(principal)) => Ok(principal),
            (Resolution::Unavailable, None) => Err(Reject::KeyUnresolved),
            (Resolution::Refused(refusal, _), _) => Err(Reject::BadKey(*refusal)),
        };
        match principal {
            Ok(principal) => {
                pending.facts.principal = Some(Rc::clone(&principal));
                self.state = State::Collecting(pending, principal);
                self.proceed(shared)
            }
            Err(reject) => self.answer(reject.into(), pending.facts),
        }
    }

    fn begin(
        &self,
        shared: &mut Shared,
        head: &Head,
        facts: &mut Facts,
        now: Millis,
    ) -> Result<(Endpoint, usize, Key), Early> {
        let method = head.value(":method").unwrap_or_default();
        if head.value("upgrade").is_some() || method == "CONNECT" {
            return Err(Reject::Upgrade.into());
        }
        let endpoint = Endpoint::recognise(head).map_err(|missing| match missing {
            NoEndpoint::Path => Reject::UnknownPath(head.path().to_owned()),
            NoEndpoint::Method(allowed) => Reject::WrongMethod(allowed),
        })?;
        if let Some((operation, format)) = endpoint.call() {
            facts.operation = Some(operation);
            facts.client_format = Some(format);
        }
        if endpoint == Endpoint::Health {
            return Err(Early::Reply(models::health(shared)));
        }
        if let Some(encoding) = head.encoding() {
            return Err(Reject::CompressedBody(encoding.to_owned()).into());
        }
        let max_body = shared.snapshot.as_ref().ok_or(Reject::NotConfigured)?.max_body;
        let key = self.look_up(shared, head, now)?;
        // Here, so that it is on the record also of a request that is refused for its length.
        if let Key::Good(principal) = &key {
            facts.principal = Some(Rc::clone(principal));
        }
        // In more bits than wasm's addresses have: a length that says more than those can is too large too.
        let length = head.value("content-length").and_then(|length| length.parse::<u64>().ok());
        if length.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > max_body)) {
            return Err(Reject::TooLarge(max_body).into());
        }
        Ok((endpoint, max_body, key))
    }

    fn look_up(&self, shared: &mut Shared, head: &Head, now: Millis) -> Result<Key, Reject> {
        let in_query = || head.query(self.format.key_parameter()?).filter(|key| !key.is_empty());
        let key = find_credential(&head.0).map(Cow::Borrowed).or_else(in_query).ok_or(Reject::NoKey)?;
        let digest = KeyDigest::of(key.as_bytes());
        match shared.keys.look_up(&digest, shared.is_connected, now) {
            Known::Good(principal) => Ok(Key::Good(principal)),
            Known::Refused(refusal) => Err(Reject::BadKey(refusal)),
            Known::Ask(fallback) => match (shared.keys.may_ask(now), fallback) {
                (true, fallback) => Ok(Key::Unknown(KeyQuestion { digest, fallback, asked_at: shared.keys.changes() })),
                (false, Some(principal)) => Ok(Key::Good(principal)),
                (false, None) => Err(Reject::KeyUnresolved),
            },
        }
    }

    /// Goes on if the key is good and the body is there.
    fn proceed(&mut self, shared: &mut Shared) -> Verdict {
        match std::mem::replace(&mut self.state, State::Logged) {
            State::Collecting(mut pending, principal) => match pending.body.take() {
                Some(body) => self.complete(shared, *pending, &principal, body),
                None => {
                    self.state = State::Collecting(pending, principal);
                    Verdict::Hold
                }
            },
            other => {
                self.state = other;
                self.later()
            }
        }
    }

    /// All of the request is here, and who asks is known.
    fn complete(&mut self, shared: &mut Shared, pending: Pending, principal: &Principal, body: Vec<u8>) -> Verdict {
        let Pending { facts, endpoint, head, max_body, .. } = pending;
        if body.len() > max_body {
            return self.answer(Reject::TooLarge(max_body).into(), facts);
        }
        match endpoint {
            Endpoint::Call(call) => {
                let request = Complete { call, head, debug: self.debug, body };
                match admission::admit(shared, request, principal, facts, self.seed) {
                    Ok(admission) => {
                        self.state = State::Admitted(Answer::Nothing);
                        Verdict::Admit(admission)
                    }
                    Err(refused) => {
                        let (reject, facts) = *refused;
                        self.answer(reject.into(), facts)
                    }
                }
            }
            Endpoint::Models => self.answer(models::list(shared, principal, self.format).into(), facts),
            Endpoint::Model(id) => self.answer(models::retrieve(shared, principal, self.format, &id).into(), facts),
            Endpoint::Health => self.answer(Early::Reply(models::health(shared)), facts),
        }
    }

    /// Refuses a request that waits.
    fn refuse(&mut self, reject: Reject) -> Verdict {
        match std::mem::replace(&mut self.state, State::Logged) {
            State::Collecting(pending, _) | State::ResolvingKey(pending, _) => {
                self.answer(reject.into(), pending.facts)
            }
            other => {
                self.state = other;
                self.later()
            }
        }
    }

    fn answer(&mut self, early: Early, facts: Box<Facts>) -> Verdict {
        let (reply, refusal, standin) = match early {
            Early::Reply(reply) => (reply, None, None),
            Early::Reject(reject) => {
                let reply = self.reply(reject.reply(self.format));
                let refusal = Refusal { facts, status: reply.status, code: reject.code() };
                // Envoy has a bound of its own for bodies, and its plain text may overtake our words.
                let standin = matches!(reject, Reject::TooLarge(_)).then(|| Standin::new(reply.clone()));
                (reply, Some(refusal), standin)
            }
        };
        self.state = State::Answered { refusal, standin };
        Verdict::Reply(reply)
    }
}
