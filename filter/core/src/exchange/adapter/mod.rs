//! The machine in the upstream chain: builds the request of one attempt, and watches or translates its answer.
//!
//! The states are here; the head that a provider gets is built in `outgoing`.

use super::{
    Head, Reject, Reply,
    attempt::{Answered, Attempt},
    forwarding,
    reject::NoAnswer,
    table::{Exchange, Shared},
};
use crate::{
    admit::route::Step,
    translate::{
        InvalidRequest, Passed, Relay, ResponseError, ResponseKind, STREAM_MEDIA_TYPES, UpstreamBody, UpstreamRequest,
        is_error_of, retry_after_s, translate_error,
    },
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
/// The host calls [`begin`](Self::begin) with the request's head and [`handle_request_body`](Self::handle_request_body) with its body;
/// then [`handle_response_head`](Self::handle_response_head) once, for each piece of the body [`handle_response_body`](Self::handle_response_body) and
/// after trailers [`handle_response_trailers`](Self::handle_response_trailers), which say what to do with it; in the end, at any moment,
/// [`handle_done`](Self::handle_done).
#[derive(Debug)]
pub struct Adapter {
    id: ExchangeId,
    /// Which attempt of the exchange this is.
    attempt: usize,
    body: Option<UpstreamBody>,
    state: State,
    /// Whether a piece of the response's body has come: a host cannot write to a body that is not there.
    has_response_body: bool,
}

#[derive(Debug)]
enum State {
    AwaitingResponse,
    Relaying,
    HoldingAnswer(Head),
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

/// What the host must do with a response's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// Hold what is there: more is to come.
    Nothing,
    /// Give this piece to [`Adapter::handle_response_chunk`].
    Chunk,
    /// Give all that was held to [`Adapter::handle_whole_response`].
    Whole,
    /// Call [`Adapter::handle_whole_response`] with nothing: there is no body.
    Empty,
    /// Let it pass.
    Pass,
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
    pub fn has_one_step(shared: &mut Shared, id: ExchangeId) -> bool {
        shared.exchanges.find(id).is_some_and(|exchange| exchange.plan.steps.len() == 1)
    }

    /// The attempt begins: Envoy leads it to `step` of the exchange's plan. The time is part of what is signed.
    ///
    /// # Errors
    /// What to answer instead, where this step cannot serve the exchange. Envoy tries no other after that.
    pub fn begin(shared: &mut Shared, id: ExchangeId, step: usize, now: Millis) -> Result<(Self, UpstreamHead), Reply> {
        let Some(exchange) = shared.exchanges.find(id) else {
            return Err(Reject::NoExchange.reply(Format::OpenaiChat));
        };
        let client = exchange.request.format;
        let (target, encoded) = match encode(exchange, step) {
            Ok(encoded) => encoded,
            Err(reject) => {
                // Where a provider has failed already, its failure is what the client must hear of: trying again may help.
                let reject = if !exchange.attempts.is_empty() { Reject::NoFallback(Box::new(reject)) } else { reject };
                exchange.refused = Some(reject.clone());
                return Err(reject.reply(client));
            }
        };
        let head = outgoing::head(&exchange.request, &target, target.format.unwrap_or(client), &encoded, now);
        let UpstreamRequest { body, losses, .. } = encoded;
        let attempt = exchange.begin_attempt(Attempt::begin(step, now, losses));
        if exchange.has_no_attempts_left() {
            shared.exchanges.release_body(id);
        }
        let adapter = Self { id, attempt, body: Some(body), state: State::AwaitingResponse, has_response_body: false };
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
    pub fn handle_response_head(&mut self, shared: &mut Shared, head: Head, end: bool, now: Millis) -> ResponseHead {
        let id = self.id;
        let Some(exchange) = shared.exchanges.find(id) else {
            self.state = State::Passing;
            return ResponseHead::Pass;
        };
        let status = head.status();
        let mut head = head;
        let mut changed = forwarding::clean(&mut head, exchange.request.format);
        let name = id.to_string();
        let target = exchange.attempts.get(self.attempt).and_then(|attempt| exchange.plan.steps.get(attempt.step));
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
        show_losses(exchange, self.attempt, &mut head);
        let stream = STREAM_MEDIA_TYPES.iter().any(|media_type| head.is_media_type(media_type));
        let framed = exchange.request.framing.media_type();
        let kind = if stream { ResponseKind::Stream } else { ResponseKind::Whole };
        let translation = target.and_then(|target| exchange.translation(target, &name));
        let relay = translation
            .filter(|_| !end && (200..300).contains(&status))
            .map(|found| (Box::new(Relay::new(&found, kind)), found.upstream == found.client));
        let asked = exchange.request.stream;
        // A redirect is no answer, and where it leads is not the client's business; nor is an answer without a body.
        let is_unusable = status < 400 && (end || !(200..300).contains(&status));
        if is_unusable {
            head.remove("location");
            head.set(":status", "502");
            changed = true;
        }
        let lane = relay.as_ref().map(|(_, is_identity)| *is_identity);
        let mut answer = Answered::begin(status, now, relay.map(|(relay, _)| relay));
        answer.ended = end;
        answer.is_bodiless = end;
        answer.retry_after = head.value("retry-after").filter(|_| end).map(str::to_owned);
        if is_unusable {
            answer.shown = 502;
            answer.failure = Some(UNREADABLE);
        }
        if let Some(attempt) = exchange.attempts.get_mut(self.attempt) {
            attempt.answer = Some(answer);
        }
        self.state = match lane {
            _ if end => State::Ended,
            _ if !(200..300).contains(&status) => {
                self.state = State::HoldingError(head);
                return ResponseHead::Hold;
            }
            Some(true) => {
                // The usage event that we asked for may be taken out of a stream: its length is not known.
                if stream && asked && head.value("content-length").is_some() {
                    head.remove("content-length");
                    changed = true;
                }
                State::Relaying
            }
            Some(false) if stream && asked => {
                head.remove("content-length");
                head.set("content-type", framed);
                changed = true;
                State::Relaying
            }
            Some(false) => {
                self.state = State::HoldingAnswer(head);
                return ResponseHead::Hold;
            }
            None => State::Passing,
        };
        if changed { ResponseHead::Replace(head) } else { ResponseHead::Pass }
    }

    /// A piece of the response's body passes; `end` says that it is the last.
    pub fn handle_response_body(&mut self, end: bool) -> Take {
        self.has_response_body = true;
        match (&self.state, end) {
            (State::HoldingAnswer(_) | State::HoldingError(_), false) => Take::Nothing,
            (State::HoldingAnswer(_) | State::HoldingError(_), true) => Take::Whole,
            _ => Take::Chunk,
        }
    }

    /// The response ends with trailers, which is an end of its body that no piece was told.
    pub fn handle_response_trailers(&mut self, shared: &mut Shared) -> Take {
        if matches!(self.state, State::HoldingAnswer(_) | State::HoldingError(_)) {
            return if self.has_response_body { Take::Whole } else { Take::Empty };
        }
        // A host takes no more of a body by now, so that what is still to be sent is lost: then the answer was not passed on whole.
        if let Chunk::Replace(rest) = self.handle_response_chunk(shared, &[], true)
            && !rest.is_empty()
            && let Some(answer) = self.answer(shared)
        {
            answer.failure = answer.failure.or(Some(UNREADABLE));
        }
        Take::Pass
    }

    /// The piece that passes, after [`Take::Chunk`]; `end` says that it is the last.
    pub fn handle_response_chunk(&mut self, shared: &mut Shared, chunk: &[u8], end: bool) -> Chunk {
        let Some(answer) = self.answer(shared) else { return Chunk::Pass };
        answer.ended |= end;
        let Some(relay) = answer.relay().filter(|_| matches!(self.state, State::Relaying)) else { return Chunk::Pass };
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
            self.state = State::Ended;
        }
        let failure = failure.or(relay.observed().failed.then_some("provider_stream_failed"));
        answer.failure = answer.failure.or(failure);
        match passed {
            Passed::AsReceived => Chunk::Pass,
            Passed::Replaced(bytes) => Chunk::Replace(bytes),
        }
    }

    /// The body of a response that was held, whole, after [`Take::Whole`] or [`Take::Empty`].
    pub fn handle_whole_response(&mut self, shared: &mut Shared, body: &[u8]) -> Whole {
        let state = std::mem::replace(&mut self.state, State::Ended);
        if let Some(answer) = self.answer(shared) {
            answer.ended = true;
        }
        let whole = match state {
            State::HoldingError(head) => self.whole_error(shared, head, body),
            State::HoldingAnswer(head) => self.whole_answer(shared, head, body),
            _ => Whole { head: Head::default(), body: None },
        };
        Whole { body: whole.body.filter(|_| self.has_response_body), ..whole }
    }

    fn whole_error(&self, shared: &mut Shared, mut head: Head, body: &[u8]) -> Whole {
        let (client, upstream) = self.formats(shared);
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

    fn whole_answer(&self, shared: &mut Shared, mut head: Head, body: &[u8]) -> Whole {
        let (client, _) = self.formats(shared);
        let relayed =
            self.answer(shared).and_then(Answered::relay).map_or(Err(ResponseError::NoTranslation), |relay| {
                let mut out = match relay.push(body) {
                    Passed::AsReceived => body.to_vec(),
                    Passed::Replaced(bytes) => bytes,
                };
                out.extend_from_slice(&relay.finish()?);
                relay.failure().cloned().map_or(Ok(out), Err)
            });
        become_json(&mut head);
        match relayed {
            Ok(out) => {
                if let Some(exchange) = shared.exchanges.find(self.id) {
                    if exchange.request.stream {
                        head.set("content-type", exchange.request.framing.media_type());
                    }
                    show_losses(exchange, self.attempt, &mut head);
                }
                Whole { head, body: Some(out) }
            }
            Err(error) => {
                let reply = Reject::Unreadable(error.to_string()).reply(client);
                if let Some(answer) = self.answer(shared) {
                    answer.failure = Some(UNREADABLE);
                    answer.shown = reply.status;
                }
                head.set(":status", reply.status.to_string());
                Whole { head, body: Some(reply.body) }
            }
        }
    }

    /// The attempt is over, whatever its end.
    pub fn handle_done(&mut self, shared: &mut Shared, now: Millis) {
        if let Some(attempt) = self.attempt(shared) {
            attempt.end(now);
        }
    }

    /// The attempt that this adapter makes, while its exchange is open and it is not over: what comes later changes nothing.
    fn attempt<'s>(&self, shared: &'s mut Shared) -> Option<&'s mut Attempt> {
        let attempt = shared.exchanges.find(self.id)?.attempts.get_mut(self.attempt)?;
        attempt.over.is_none().then_some(attempt)
    }

    /// What the provider answered to it.
    fn answer<'s>(&self, shared: &'s mut Shared) -> Option<&'s mut Answered> {
        self.attempt(shared)?.answer.as_mut()
    }

    /// What the client and the provider of this attempt speak.
    fn formats(&self, shared: &mut Shared) -> (Format, Format) {
        let Some(exchange) = shared.exchanges.find(self.id) else { return (Format::OpenaiChat, Format::OpenaiChat) };
        let client = exchange.request.format;
        let step = exchange.attempts.get(self.attempt).and_then(|attempt| exchange.plan.steps.get(attempt.step));
        (client, step.and_then(|step| step.format).unwrap_or(client))
    }
}

/// Tells a client that asked for it what the request, and as far as it is known the answer, could not carry.
fn show_losses(exchange: &Exchange, attempt: usize, head: &mut Head) {
    let Some(attempt) = exchange.attempts.get(attempt).filter(|_| exchange.request.debug) else { return };
    let answered = attempt.observed().map(|observed| &observed.losses);
    let shown: Vec<_> = [Some(&attempt.losses), answered]
        .into_iter()
        .flatten()
        .filter(|list| !list.is_empty())
        .map(ToString::to_string)
        .collect();
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
    if exchange.has_no_attempts_left() {
        // Envoy was told to make no more; the body may be gone.
        return Err(Reject::Unreachable(503, NoAnswer::NoHealthyProvider));
    }
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
