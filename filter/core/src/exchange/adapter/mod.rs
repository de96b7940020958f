//! The machine in the upstream chain: builds the request of one attempt, and watches or translates its answer.
//!
//! The states are here; the head that a provider gets is built in `outgoing`.

use super::{Head, Reject, Reply, attempt::Attempt, forwarding, reject::NoAnswer, table::Exchange};
use crate::{
    admit::route::Step,
    translate::{
        InvalidRequest, Passed, Relay, ResponseKind, STREAM_MEDIA_TYPES, UpstreamBody, UpstreamRequest, is_error_of,
        retry_after_s, translate_error,
    },
    vm::Vm,
    words::{ExchangeId, Format, Millis},
};

mod outgoing;

/// The filter in the upstream chain: one for each attempt.
///
/// ```text
///   AwaitingResponse ──┬──► Relaying        chunks pass through, as they are or translated ──┐
///                      ├──► HoldingAnswer   the whole body is needed to say what its head is ┼──► Ended
///                      ├──► HoldingError    likewise, to put it into the client's shape ─────┘
///                      └──► Passing         nothing to see
/// ```
#[derive(Debug)]
pub struct Adapter {
    id: ExchangeId,
    /// Which attempt of the exchange this is; a later one makes this adapter's words void.
    attempt: u32,
    body: Option<UpstreamBody>,
    state: State,
}

#[derive(Debug)]
enum State {
    AwaitingResponse,
    Relaying(Box<Relay>),
    HoldingAnswer(Box<Relay>, Head),
    HoldingError(Head),
    Passing,
    Ended,
}

/// The head of the request to a provider, complete.
#[derive(Debug, PartialEq, Eq)]
pub struct UpstreamHead(pub Vec<(String, String)>);

/// What becomes of the response's head.
#[derive(Debug, PartialEq, Eq)]
pub enum ResponseHead {
    /// It passes as it is.
    Pass,
    /// It passes like this.
    Replace(Head),
    /// It waits for [`Adapter::handle_whole_response`].
    Hold,
}

/// What becomes of a chunk of a response.
#[derive(Debug, PartialEq, Eq)]
pub enum Chunk {
    /// It passes as it is.
    Pass,
    /// These bytes pass in its place.
    Replace(Vec<u8>),
}

/// A response that was held, as it goes on.
#[derive(Debug, PartialEq, Eq)]
pub struct Whole {
    /// Its head.
    pub head: Head,
    /// Its body; `None` is what came.
    pub body: Option<Vec<u8>>,
}

impl Adapter {
    /// Whether the plan of this exchange has only one step, which the host then need not look up.
    #[must_use]
    pub fn has_one_step(vm: &mut Vm, id: ExchangeId) -> bool {
        vm.exchanges.find(id).is_some_and(|exchange| exchange.plan.steps.len() == 1)
    }

    /// The attempt begins: Envoy leads it to `step` of the exchange's plan. The time is part of what is signed.
    ///
    /// # Errors
    /// What to answer instead, where this step cannot serve the exchange. Envoy tries no other after that.
    pub fn begin(vm: &mut Vm, id: ExchangeId, step: usize, now: Millis) -> Result<(Self, UpstreamHead), Reply> {
        let Some(exchange) = vm.exchanges.find(id) else {
            return Err(Reject::NoExchange.reply(Format::OpenaiChat));
        };
        let client = exchange.request.format;
        let (target, encoded) = match encode(exchange, step) {
            Ok(encoded) => encoded,
            Err(reject) => {
                // Where a provider has failed already, its failure is what the client must hear of: trying again may help.
                let reject = if exchange.attempts > 0 { Reject::NoFallback(Box::new(reject)) } else { reject };
                exchange.refused = Some(reject.clone());
                return Err(reject.reply(client));
            }
        };
        let head = outgoing::head(&exchange.request, &target, target.format.unwrap_or(client), &encoded, now);
        let UpstreamRequest { body, losses, .. } = encoded;
        let attempt = exchange.begin_attempt(Attempt::begin(step, now, losses));
        let adapter = Self { id, attempt, body: Some(body), state: State::AwaitingResponse };
        Ok((adapter, UpstreamHead(head.0)))
    }

    /// The request's body passes: what to put in its place. Envoy hands over all of it at once; should it come in
    /// pieces, the first carries everything.
    pub fn handle_request_body(&mut self) -> Chunk {
        match self.body.take() {
            Some(UpstreamBody::Replaced(bytes)) => {
                self.body = Some(UpstreamBody::Replaced(Vec::new()));
                Chunk::Replace(bytes)
            }
            other => {
                self.body = other;
                Chunk::Pass
            }
        }
    }

    /// The provider answers. `end` says that there is no body.
    pub fn handle_response_head(&mut self, vm: &mut Vm, head: Head, end: bool, now: Millis) -> ResponseHead {
        let (id, number) = (self.id, self.attempt);
        let Some(exchange) = vm.exchanges.find(id).filter(|exchange| exchange.attempts == number) else {
            self.state = State::Passing;
            return ResponseHead::Pass;
        };
        let status = head.status();
        let mut head = head;
        let mut changed = forwarding::clean(&mut head, exchange.request.format);
        let name = id.to_string();
        let step = exchange.attempt.as_ref().map_or(0, |attempt| attempt.step);
        let target = exchange.plan.steps.get(step);
        if exchange.request.debug {
            changed = true;
            head.set("x-tollgate-exchange", name.as_str());
            if let Some(target) = target {
                let shown = format!("{}/{}", target.provider.name, target.model);
                head.set("x-tollgate-target", to_header_value(&shown));
            }
            if let Some(skipped) = exchange.plan.skipped() {
                head.set("x-tollgate-skipped", to_header_value(&skipped));
            }
        }
        show_losses(exchange, &mut head);
        let stream = STREAM_MEDIA_TYPES.iter().any(|media_type| head.is_media_type(media_type));
        let framed = exchange.request.framing.media_type();
        let kind = if stream { ResponseKind::Stream } else { ResponseKind::Whole };
        let relay = target
            .and_then(|target| exchange.translation(target, &name))
            .map(|found| (Box::new(Relay::new(&found, kind)), found.upstream == found.client, found.stream));
        if let Some(attempt) = exchange.attempt.as_mut() {
            attempt.status = status;
            attempt.shown = status;
            attempt.first_byte = Some(now);
            attempt.ended = end;
        }
        if status < 400 && (end || !(200..300).contains(&status)) {
            // A redirect is no answer, and where it leads is not the client's business; nor is an answer without a body.
            head.remove("location");
            head.set(":status", "502");
            changed = true;
            if let Some(attempt) = exchange.attempt.as_mut() {
                attempt.shown = 502;
                attempt.failure = Some(UNREADABLE);
            }
        }
        self.state = match relay {
            _ if end => State::Ended,
            _ if !(200..300).contains(&status) => {
                self.state = State::HoldingError(head);
                return ResponseHead::Hold;
            }
            Some((relay, true, asked)) => {
                // The usage event that we asked for may be taken out of a stream: its length is not known.
                if stream && asked && head.value("content-length").is_some() {
                    head.remove("content-length");
                    changed = true;
                }
                State::Relaying(relay)
            }
            Some((relay, false, true)) if stream => {
                head.remove("content-length");
                head.set("content-type", framed);
                changed = true;
                State::Relaying(relay)
            }
            Some((relay, false, _)) => {
                self.state = State::HoldingAnswer(relay, head);
                return ResponseHead::Hold;
            }
            None => State::Passing,
        };
        if changed { ResponseHead::Replace(head) } else { ResponseHead::Pass }
    }

    /// Whether the body must be collected for [`Self::handle_whole_response`].
    #[must_use]
    pub fn is_holding(&self) -> bool {
        matches!(self.state, State::HoldingAnswer(..) | State::HoldingError(_))
    }

    /// A piece of the response's body passes; `end` says that it is the last.
    pub fn handle_response_chunk(&mut self, vm: &mut Vm, chunk: &[u8], end: bool) -> Chunk {
        let State::Relaying(relay) = &mut self.state else {
            if end {
                self.note(vm, |attempt| attempt.ended = true);
            }
            return Chunk::Pass;
        };
        let mut passed = if chunk.is_empty() { Passed::AsReceived } else { relay.push(chunk) };
        let mut failure = None;
        if end {
            match relay.finish() {
                Ok(rest) if rest.is_empty() => {}
                Ok(rest) => {
                    let mut bytes = match passed {
                        Passed::AsReceived => chunk.to_vec(),
                        Passed::Replaced(bytes) => bytes,
                    };
                    bytes.extend_from_slice(&rest);
                    passed = Passed::Replaced(bytes);
                }
                Err(_) => failure = Some(UNREADABLE),
            }
        }
        let observed = relay.observed().clone();
        let failure = failure.or(observed.failed.then_some("provider_stream_failed"));
        self.note(vm, |attempt| {
            attempt.failure = attempt.failure.or(failure);
            attempt.observed = observed;
            attempt.ended = end;
        });
        if end {
            self.state = State::Ended;
        }
        match passed {
            Passed::AsReceived => Chunk::Pass,
            Passed::Replaced(bytes) => Chunk::Replace(bytes),
        }
    }

    /// The body of a response that was held is complete.
    pub fn handle_whole_response(&mut self, vm: &mut Vm, body: &[u8]) -> Whole {
        let client = vm.exchanges.find(self.id).map_or(Format::OpenaiChat, |exchange| exchange.request.format);
        match std::mem::replace(&mut self.state, State::Ended) {
            State::HoldingError(mut head) => {
                self.note(vm, |attempt| attempt.ended = true);
                let upstream = self.upstream_format(vm).unwrap_or(client);
                if head.value("retry-after").is_none()
                    && let Some(seconds) = retry_after_s(upstream, body)
                {
                    head.set("retry-after", seconds.to_string());
                }
                if upstream == client && head.encoding().is_none() && is_error_of(client, body) {
                    return Whole { head, body: None };
                }
                let translated = translate_error(client, upstream, head.status(), body);
                become_json(&mut head);
                Whole { head, body: Some(translated) }
            }
            State::HoldingAnswer(mut relay, mut head) => {
                let mut out = match relay.push(body) {
                    Passed::AsReceived => body.to_vec(),
                    Passed::Replaced(bytes) => bytes,
                };
                let finished = relay.finish();
                let observed = relay.observed().clone();
                let failed = finished.is_err();
                self.note(vm, |attempt| {
                    attempt.ended = true;
                    attempt.observed = observed;
                    attempt.failure = failed.then_some(UNREADABLE);
                });
                match finished {
                    Ok(rest) => {
                        out.extend_from_slice(&rest);
                        become_json(&mut head);
                        if let Some(exchange) = vm.exchanges.find(self.id) {
                            if exchange.request.stream {
                                head.set("content-type", exchange.request.framing.media_type());
                            }
                            show_losses(exchange, &mut head);
                        }
                        Whole { head, body: Some(out) }
                    }
                    Err(error) => {
                        let reply = Reject::Unreadable(error.to_string()).reply(client);
                        self.note(vm, |attempt| attempt.shown = reply.status);
                        become_json(&mut head);
                        head.set(":status", reply.status.to_string());
                        Whole { head, body: Some(reply.body) }
                    }
                }
            }
            _ => Whole { head: Head::default(), body: None },
        }
    }

    /// The attempt is over, whatever its end.
    pub fn handle_done(&mut self, vm: &mut Vm, now: Millis) {
        self.note(vm, |attempt| attempt.over = Some(now));
    }

    fn note(&self, vm: &mut Vm, change: impl FnOnce(&mut Attempt)) {
        let exchange = vm.exchanges.find(self.id).filter(|exchange| exchange.attempts == self.attempt);
        if let Some(attempt) = exchange.and_then(|exchange| exchange.attempt.as_mut()) {
            change(attempt);
        }
    }

    fn upstream_format(&self, vm: &mut Vm) -> Option<Format> {
        vm.exchanges.find(self.id)?.last_step()?.format
    }
}

/// Tells a client that asked for it what the request, and as far as it is known the answer, could not carry.
fn show_losses(exchange: &Exchange, head: &mut Head) {
    let Some(attempt) = exchange.attempt.as_ref().filter(|_| exchange.request.debug) else { return };
    let lists = [&attempt.losses, &attempt.observed.losses];
    let shown: Vec<_> = lists.into_iter().filter(|list| !list.is_empty()).map(ToString::to_string).collect();
    if !shown.is_empty() {
        head.set("x-tollgate-losses", to_header_value(&shown.join("; ")));
    }
}

/// The request of one step, in its format; made by the gate already where it had to know that it can be.
fn encode(exchange: &mut Exchange, step: usize) -> Result<(Step, UpstreamRequest), Reject> {
    let prepared = exchange.take_prepared(step);
    let name = exchange.facts.id.to_string();
    let unsupported = || Reject::UnsupportedOperation(exchange.facts.model.to_string());
    // Only an Envoy whose configuration does not know of subsets leads anywhere else.
    let target = exchange.plan.walked(step).ok_or(Reject::Unreachable(503, NoAnswer::NoCluster))?;
    let translation = exchange.translation(target, &name).ok_or_else(unsupported)?;
    let encoded = match prepared {
        Some(prepared) => prepared,
        None => exchange
            .encode(&translation)
            .map_err(|InvalidRequest { message, param }| Reject::InvalidRequest(message, param))?,
    };
    if exchange.plan.strict && !encoded.losses.is_empty() {
        return Err(Reject::Lossy(encoded.losses));
    }
    Ok((target.clone(), encoded))
}

/// The head of a body that was made here.
fn become_json(head: &mut Head) {
    for name in ["content-length", "content-encoding", "transfer-encoding"] {
        head.remove(name);
    }
    head.set("content-type", "application/json");
}

/// The code of [`Reject::Unreadable`], on the record.
const UNREADABLE: &str = "invalid_provider_response";

/// Longest value of a header that says what happened, in bytes; Envoy refuses heads over 60 KiB.
const MAX_DEBUG_HEADER: usize = 4096;

/// Losses repeat member names, and targets models, that the client chose: only visible ASCII may stand in a header
/// (RFC 9110 §5.5).
fn to_header_value(text: &str) -> String {
    let visible = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
    text.chars().map(visible).take(MAX_DEBUG_HEADER).collect()
}
