//! One worker of Envoy on a virtual clock: it calls the machines in the order in which the real one was seen to call them
//! (docs/ENVOY.md), and that order stands here and nowhere else in the unit tests.

mod script;

pub(crate) use script::{
    AnswerEnd, CallAnswer, ClientResponse, Leaves, Provider, ProviderAnswer, Script, Seen, UpstreamRequest, head_of,
};

use crate::{
    exchange::{
        Adapter, Admission, CallFailed, Chunk, Ending, Gate, Head, Reply, Response, ResponseHead, Rpc, Take, Verdict,
        Whole,
    },
    vm::{Action, Vm},
    words::{ExchangeId, Millis, Subset},
};

/// A worker with its VM.
#[derive(Debug)]
pub(crate) struct FakeEnvoy {
    pub(crate) vm: Vm,
    pub(crate) now: Millis,
    /// The next exchange's id and seed.
    next: u64,
}

/// How long each thing takes that takes any time: an attempt until its head, a piece of a body.
const STEP_MS: u64 = 10;

impl FakeEnvoy {
    pub(crate) fn new(vm: Vm, now: Millis) -> Self {
        Self { vm, now, next: 1 }
    }

    /// A tick of the root context.
    pub(crate) fn tick(&mut self) -> Vec<Action> {
        self.now = self.now.plus(50);
        self.vm.handle_tick(self.now, 0)
    }

    /// A message from the control plane.
    pub(crate) fn receive(&mut self, message: &[u8]) -> Vec<Action> {
        self.vm.handle_message(message, self.now)
    }

    /// The stream to the control plane breaks.
    pub(crate) fn lose_session(&mut self) -> Vec<Action> {
        self.vm.handle_closed("gone", self.now, 0)
    }

    /// Leads one request from its head to its log.
    pub(crate) fn drive(&mut self, script: Script) -> Seen {
        self.begin(script).finish(self)
    }

    /// Leads one request to the router, or to its answer where it gets no further.
    pub(crate) fn begin(&mut self, script: Script) -> Stream {
        let seed = self.next;
        self.next += 1;
        let gate = Gate::new(ExchangeId::from_random(seed.into()), seed);
        let seen = Seen::default();
        let mut stream = Stream { gate, call: None, script, seen, local_replies: 0, client_is_there: true };
        if let Some(Verdict::Admit(admission)) = stream.request(self) {
            stream.seen.admission = Some(admission);
        }
        stream
    }
}

/// One request under way.
pub(crate) struct Stream {
    gate: Gate,
    /// A call that Envoy has not finished.
    call: Option<(Rpc, CallAnswer)>,
    script: Script,
    seen: Seen,
    local_replies: usize,
    client_is_there: bool,
}

impl Stream {
    /// Leads it from the router to its log.
    pub(crate) fn finish(mut self, envoy: &mut FakeEnvoy) -> Seen {
        if let Some(steps) = self.seen.admission.as_ref().map(steps) {
            self.attempts(envoy, &steps);
        }
        self.log(envoy);
        self.seen
    }

    /// The exchange that was admitted.
    pub(crate) fn exchange(&self) -> ExchangeId {
        self.seen.admission.as_ref().expect("admitted").exchange
    }

    /// The request's way in: what the gate said last.
    fn request(&mut self, envoy: &mut FakeEnvoy) -> Option<Verdict> {
        let Script { head, body, trailers, leaves, cut_short, .. } = self.script.clone();
        let ends_with_head = body.is_empty() && !trailers;
        let mut verdict = self.gate.handle_head(&mut envoy.vm.shared, head, ends_with_head, envoy.now);
        verdict = self.settle(envoy, verdict);
        let mut held = Vec::new();
        let pieces = body.len();
        for (number, piece) in body.into_iter().enumerate() {
            if leaves == Leaves::AfterBody(number) {
                self.client_is_there = false;
                return None;
            }
            if matches!(verdict, Verdict::Reply(_)) {
                return self.replied(envoy, verdict);
            }
            envoy.now = envoy.now.plus(STEP_MS);
            let is_last = number + 1 == pieces;
            if let Some((status, details)) = cut_short.filter(|_| is_last) {
                self.local_reply(envoy, &Reply { status, headers: Vec::new(), body: b"envoy".to_vec() }, details);
                return None;
            }
            held.extend_from_slice(&piece);
            let said = self.gate.handle_body(held.len(), is_last && !trailers);
            verdict = self.take_body(envoy, said, &held);
            verdict = self.settle(envoy, verdict);
        }
        if trailers && !matches!(verdict, Verdict::Reply(_)) {
            let said = self.gate.handle_body(usize::MAX, true);
            verdict = self.take_body(envoy, said, &held);
            verdict = self.settle(envoy, verdict);
        }
        if leaves == Leaves::AfterBody(pieces) {
            self.client_is_there = false;
            return None;
        }
        // Whatever is still asked for is answered, or given up, now.
        if let Some((rpc, answer)) = self.call.take() {
            verdict = self.finish_call(envoy, &rpc, answer);
        }
        self.replied(envoy, verdict)
    }

    fn take_body(&mut self, envoy: &mut FakeEnvoy, verdict: Verdict, held: &[u8]) -> Verdict {
        match verdict {
            Verdict::TakeBody => self.gate.handle_whole_body(&mut envoy.vm.shared, held.to_vec()),
            other => other,
        }
    }

    /// Makes the call that the verdict asks for. One that is answered at once is over before the next piece of the body.
    fn settle(&mut self, envoy: &mut FakeEnvoy, verdict: Verdict) -> Verdict {
        let Verdict::Call(rpc) = verdict else { return verdict };
        let answer = self.script.calls.pop_front().unwrap_or(CallAnswer::Never);
        match answer {
            CallAnswer::After(0, _) | CallAnswer::Twice(_) | CallAnswer::CannotBeMade => {
                self.finish_call(envoy, &rpc, answer)
            }
            later => {
                self.call = Some((rpc, later));
                Verdict::Hold
            }
        }
    }

    fn finish_call(&mut self, envoy: &mut FakeEnvoy, rpc: &Rpc, answer: CallAnswer) -> Verdict {
        self.seen.calls.push(Rpc { message: rpc.message.clone(), ..*rpc });
        let mut give = |stream: &mut Self, reply: Result<&[u8], CallFailed>| {
            stream.gate.handle_reply(&mut envoy.vm.shared, reply, envoy.now)
        };
        match answer {
            CallAnswer::After(ms, message) => {
                envoy.now = envoy.now.plus(ms);
                self.gate.handle_reply(&mut envoy.vm.shared, Ok(&message), envoy.now)
            }
            CallAnswer::Twice(message) => {
                let verdict = give(self, Ok(&message));
                let again = give(self, Ok(&message));
                let expected = if matches!(verdict, Verdict::Admit(_)) { Verdict::Forward } else { Verdict::Hold };
                assert_eq!(again, expected, "the second answer changes nothing");
                verdict
            }
            CallAnswer::Fails | CallAnswer::CannotBeMade => give(self, Err(CallFailed)),
            CallAnswer::Never => {
                envoy.now = envoy.now.plus(u64::try_from(rpc.timeout.as_millis()).unwrap_or(u64::MAX));
                self.gate.handle_reply(&mut envoy.vm.shared, Err(CallFailed), envoy.now)
            }
        }
    }

    /// Sends the gate's own reply, whose head passes the gate again.
    fn replied(&mut self, envoy: &mut FakeEnvoy, verdict: Verdict) -> Option<Verdict> {
        let Verdict::Reply(reply) = verdict else { return Some(verdict) };
        self.send_reply(envoy, &reply);
        None
    }

    /// Envoy takes one reply from a context, and a second is an error that costs the VM.
    fn send_reply(&mut self, envoy: &mut FakeEnvoy, reply: &Reply) {
        self.local_replies += 1;
        assert_eq!(self.local_replies, 1, "a second reply from one context");
        self.local_reply(envoy, reply, "");
    }

    /// A reply of Envoy's own, or one that a filter made, passes the gate.
    fn local_reply(&mut self, envoy: &mut FakeEnvoy, reply: &Reply, details: &str) {
        let mut head = head_of(&[(":status", &reply.status.to_string()), ("content-length", "5")]);
        reply.headers.iter().for_each(|(name, value)| head.set(name, value.as_str()));
        let end = reply.body.is_empty();
        let chunks: Vec<_> = (!end).then(|| reply.body.clone()).into_iter().collect();
        if self.pass_head(envoy, head, details, end) {
            self.pass_body(&chunks);
            self.finish_response();
        }
    }

    /// A response's head passes the gate; whether the response goes on.
    fn pass_head(&mut self, envoy: &mut FakeEnvoy, mut head: Head, details: &str, end: bool) -> bool {
        let shared = &mut envoy.vm.shared;
        let response = match self.gate.handle_response_head(shared, end) {
            Response::Explain => self.gate.handle_local_reply(shared, head.status(), details, end),
            response => response,
        };
        match response {
            Response::Reply(reply) => {
                self.send_reply(envoy, &reply);
                return false;
            }
            Response::Rewrite(reply) => reply.write_over(&mut head),
            Response::Pass => {}
            Response::Explain => panic!("a local reply that was explained is asked about again"),
        }
        self.seen.response = Some(ClientResponse { head, body: Vec::new(), is_whole: false });
        true
    }

    fn pass_body(&mut self, chunks: &[Vec<u8>]) {
        for chunk in chunks {
            let passed = match self.gate.handle_response_body() {
                Chunk::Pass => chunk.clone(),
                Chunk::Replace(bytes) => bytes,
            };
            if let Some(response) = &mut self.seen.response {
                response.body.extend_from_slice(&passed);
            }
        }
    }

    fn finish_response(&mut self) {
        if let Some(response) = &mut self.seen.response {
            response.is_whole = true;
        }
    }

    /// The router: one attempt after the other, until one is good enough or no retry is left.
    fn attempts(&mut self, envoy: &mut FakeEnvoy, steps: &[usize]) {
        for (number, &step) in steps.iter().enumerate() {
            let id = self.seen.admission.as_ref().expect("admitted").exchange;
            let (mut adapter, head) = match Adapter::begin(&mut envoy.vm.shared, id, step, envoy.now) {
                Ok(begun) => begun,
                // An upstream filter's reply is not retried.
                Err(reply) => return self.local_reply(envoy, &reply, ""),
            };
            self.send_upstream(&mut adapter, Head(head.0));
            envoy.now = envoy.now.plus(STEP_MS);
            if self.script.leaves == Leaves::DuringAttempt(number) {
                return self.leave(envoy, &mut adapter);
            }
            let may_retry = number + 1 < steps.len();
            let answer = match self.script.providers.pop_front() {
                Some(Provider::Answers(answer)) => answer,
                Some(Provider::Refuses) | None => {
                    adapter.handle_done(&mut envoy.vm.shared, envoy.now);
                    if may_retry {
                        continue;
                    }
                    let own = Reply { status: 503, headers: Vec::new(), body: b"envoy".to_vec() };
                    return self.local_reply(envoy, &own, "upstream_reset_before_response_started{connection_failure}");
                }
            };
            if !self.answer(envoy, &mut adapter, answer, may_retry) {
                return;
            }
            if self.script.leaves == Leaves::AfterAttempt(number) {
                self.client_is_there = false;
                return;
            }
            envoy.now = envoy.now.plus(STEP_MS);
        }
    }

    fn send_upstream(&mut self, adapter: &mut Adapter, head: Head) {
        let body = match adapter.handle_request_body() {
            Chunk::Pass => self.script.body.concat(),
            Chunk::Replace(bytes) => bytes,
        };
        assert_eq!(head.value("content-length"), Some(body.len().to_string().as_str()), "the length is the body's");
        self.seen.upstream.push(UpstreamRequest { head, body });
    }

    /// A provider's answer passes the adapter, and, unless it is retried, the gate. Whether another attempt is to be made.
    fn answer(
        &mut self,
        envoy: &mut FakeEnvoy,
        adapter: &mut Adapter,
        answer: ProviderAnswer,
        may_retry: bool,
    ) -> bool {
        let ProviderAnswer { head, chunks, end } = answer;
        let ends_with_head = chunks.is_empty() && end == AnswerEnd::Whole;
        let verdict = adapter.handle_response_head(&mut envoy.vm.shared, head.clone(), ends_with_head, envoy.now);
        let (head, held) = match verdict {
            ResponseHead::Pass => (head, None),
            ResponseHead::Replace(head) => (head, None),
            ResponseHead::Hold => match self.held(envoy, adapter, &chunks, end) {
                Some(whole) => (whole.head, Some(whole.body.unwrap_or(chunks.concat()))),
                None => return self.broken(envoy, adapter, may_retry),
            },
        };
        let is_retriable = head.status() >= 500 || head.status() == 429;
        if may_retry && is_retriable {
            adapter.handle_done(&mut envoy.vm.shared, envoy.now);
            return true;
        }
        if ends_with_head {
            // Then the attempt is over before the gate sees the head.
            adapter.handle_done(&mut envoy.vm.shared, envoy.now);
        }
        if !self.pass_head(envoy, head, "via_upstream", ends_with_head) {
            adapter.handle_done(&mut envoy.vm.shared, envoy.now);
            return false;
        }
        match held {
            Some(body) => self.pass_body(&[body]),
            None => {
                for (number, chunk) in chunks.iter().enumerate() {
                    if self.script.leaves == Leaves::AfterChunk(number) {
                        self.leave(envoy, adapter);
                        return false;
                    }
                    envoy.now = envoy.now.plus(STEP_MS);
                    let is_last = number + 1 == chunks.len() && end == AnswerEnd::Whole;
                    self.pass_chunk(envoy, adapter, chunk, is_last);
                }
                if self.script.leaves == Leaves::AfterChunk(chunks.len()) {
                    self.leave(envoy, adapter);
                    return false;
                }
                if end == AnswerEnd::Trailers {
                    assert_eq!(adapter.handle_response_trailers(&mut envoy.vm.shared), Take::Pass);
                }
            }
        }
        if end != AnswerEnd::Broken {
            self.finish_response();
        }
        adapter.handle_done(&mut envoy.vm.shared, envoy.now);
        false
    }

    /// Collects the body of a response whose head is held; `None` where it never ends.
    fn held(&self, envoy: &mut FakeEnvoy, adapter: &mut Adapter, chunks: &[Vec<u8>], end: AnswerEnd) -> Option<Whole> {
        let shared = &mut envoy.vm.shared;
        let mut take = Take::Nothing;
        for number in 0..chunks.len() {
            assert_eq!(take, Take::Nothing, "nothing of a body that is held is taken before its end");
            take = adapter.handle_response_body(number + 1 == chunks.len() && end == AnswerEnd::Whole);
        }
        match end {
            AnswerEnd::Broken => return None,
            AnswerEnd::Trailers => take = adapter.handle_response_trailers(shared),
            AnswerEnd::Whole => {}
        }
        assert_eq!(take, if chunks.is_empty() { Take::Empty } else { Take::Whole });
        Some(adapter.handle_whole_response(shared, &chunks.concat()))
    }

    fn pass_chunk(&mut self, envoy: &mut FakeEnvoy, adapter: &mut Adapter, chunk: &[u8], is_last: bool) {
        assert_eq!(adapter.handle_response_body(is_last), Take::Chunk);
        let passed = match adapter.handle_response_chunk(&mut envoy.vm.shared, chunk, is_last) {
            Chunk::Pass => chunk.to_vec(),
            Chunk::Replace(bytes) => bytes,
        };
        if !passed.is_empty() {
            self.pass_body(&[passed]);
        }
    }

    /// The connection broke while the head was held.
    fn broken(&mut self, envoy: &mut FakeEnvoy, adapter: &mut Adapter, may_retry: bool) -> bool {
        adapter.handle_done(&mut envoy.vm.shared, envoy.now);
        if !may_retry {
            let own = Reply { status: 503, headers: Vec::new(), body: b"envoy".to_vec() };
            self.local_reply(envoy, &own, "upstream_reset_before_response_started{connection_termination}");
        }
        may_retry
    }

    /// The client goes away: the log phase runs before the adapter is gone.
    fn leave(&mut self, envoy: &mut FakeEnvoy, adapter: &mut Adapter) {
        self.client_is_there = false;
        self.log(envoy);
        adapter.handle_done(&mut envoy.vm.shared, envoy.now);
    }

    /// The log phase. Envoy has it once; a second one must find nothing.
    fn log(&mut self, envoy: &mut FakeEnvoy) {
        let shared = &mut envoy.vm.shared;
        let ended = if self.client_is_there { Ending::CutOff } else { Ending::ClientGone };
        let ending = self.gate.wants_ending(shared).then_some(ended);
        if let Some(record) = self.gate.handle_log(shared, ending, envoy.now) {
            assert!(self.seen.record.is_none(), "a second record");
            envoy.vm.keep(Some(record.clone()));
            self.seen.record = Some(record);
        }
    }
}

/// The priorities of the cluster that Envoy tries, in order: those of the subset that the request names, else all, and as many as it may.
fn steps(admission: &Admission) -> Vec<usize> {
    let header = |wanted: &str| admission.set.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str());
    let retries: usize = header("x-envoy-max-retries").map_or(0, |retries| retries.parse().expect("a number"));
    match header(Subset::HEADER) {
        Some(subset) => subset.split('+').take(retries + 1).map(|step| step.parse().expect("a number")).collect(),
        None => (0..=retries).collect(),
    }
}
