//! The way out: whose answer reaches the client, and what takes the place of Envoy's own.

use super::{Gate, Refusal, State};
use crate::{
    exchange::{Chunk, Reject, Reply, Shared, reject::NoAnswer},
    translate::translate_error,
};

/// What reaches the client of an exchange.
#[derive(Debug)]
pub(super) enum Answer {
    /// Nothing yet.
    Nothing,
    /// A provider's answer has begun to pass.
    Provider,
    /// No provider's: what we say in the place of Envoy's words.
    Local(Local),
}

/// Why no provider's answer reaches the client, and what does.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) status: u16,
    pub(super) code: &'static str,
    standin: Standin,
}

/// A reply of ours that takes the place of an answer that passes.
#[derive(Debug)]
pub(super) struct Standin {
    reply: Reply,
    /// Whether the body of the answer that passes is still to be replaced.
    is_body_due: bool,
}

impl Standin {
    pub(super) fn new(reply: Reply) -> Self {
        Self { reply, is_body_due: false }
    }

    /// An answer's head passes: what it becomes. It may be the host's own copy of this reply, passing once more.
    fn for_head(&mut self) -> Response {
        self.is_body_due = true;
        Response::Rewrite(self.reply.clone())
    }

    /// The same where the answer has no body that could be replaced: another answer is to be sent.
    fn or_reply(&mut self, end: bool) -> Response {
        if end { Response::Reply(self.reply.clone()) } else { self.for_head() }
    }

    fn for_body(&mut self) -> Chunk {
        match std::mem::take(&mut self.is_body_due) {
            true => Chunk::Replace(self.reply.body.clone()),
            false => Chunk::Pass,
        }
    }
}

/// What becomes of a response's head.
#[derive(Debug, PartialEq, Eq)]
pub enum Response {
    /// It passes as it is.
    Pass,
    /// Envoy made it itself: [`Gate::handle_local_reply`] must be told what it says.
    Explain,
    /// It has no body to write into: answer with this instead. The head of that answer passes by again.
    Reply(Reply),
    /// Its status and headers become these; its body will be what [`Gate::handle_response_body`] says.
    Rewrite(Reply),
}

impl Gate {
    /// The head of a response passes. `end` says that it has no body.
    pub fn handle_response_head(&mut self, shared: &mut Shared, end: bool) -> Response {
        match &mut self.state {
            State::Admitted(Answer::Local(local)) => local.standin.for_head(),
            State::Answered { standin: Some(standin), .. } => standin.for_head(),
            State::Admitted(answer) => {
                let last = shared.exchanges.find(self.id).and_then(|exchange| exchange.attempts.last());
                let Some(passing) = last.and_then(|attempt| attempt.passing(end)) else { return Response::Explain };
                if end && passing.shown >= 400 {
                    // An error without a body tells a client nothing.
                    let (status, code) = (passing.shown, passing.failure.unwrap_or("provider_error"));
                    let mut reply = Reply::json(status, translate_error(self.format, self.format, status, b""));
                    reply.headers.extend(passing.retry_after.clone().map(|after| ("retry-after", after)));
                    let mut standin = Standin::new(if self.debug { reply.naming(self.id) } else { reply });
                    let response = standin.or_reply(end);
                    *answer = Answer::Local(Local { status, code, standin });
                    return response;
                }
                *answer = Answer::Provider;
                Response::Pass
            }
            State::AwaitingHead | State::Collecting(..) | State::ResolvingKey(..) => Response::Explain,
            State::Answered { standin: None, .. } | State::Logged => Response::Pass,
        }
    }

    /// Envoy answers in a provider's place, with this status and these `response.code_details`. Call it after
    /// [`Response::Explain`], with the same `end`.
    pub fn handle_local_reply(&mut self, shared: &mut Shared, status: u16, details: &str, end: bool) -> Response {
        let (max_body, refused) = match &self.state {
            State::Collecting(pending, _) | State::ResolvingKey(pending, _) => (pending.max_body, None),
            State::Admitted(_) => (0, shared.exchanges.find(self.id).and_then(|exchange| exchange.refused.take())),
            State::AwaitingHead | State::Answered { .. } | State::Logged => (0, None),
        };
        let reject = match status {
            413 => Reject::TooLarge(max_body),
            _ => refused.unwrap_or_else(|| Reject::Unreachable(status, NoAnswer::from_details(details))),
        };
        let code = reject.code();
        let mut standin = Standin::new(self.reply(reject.reply(self.format)));
        let response = standin.or_reply(end);
        self.state = match std::mem::replace(&mut self.state, State::Logged) {
            State::Admitted(_) => State::Admitted(Answer::Local(Local { status, code, standin })),
            State::Collecting(pending, _) | State::ResolvingKey(pending, _) => {
                let refusal = Some(Refusal { facts: pending.facts, status, code });
                State::Answered { refusal, standin: Some(standin) }
            }
            State::AwaitingHead => State::Answered { refusal: None, standin: Some(standin) },
            other @ (State::Answered { .. } | State::Logged) => other,
        };
        response
    }

    /// A piece of a response's body passes.
    pub fn handle_response_body(&mut self) -> Chunk {
        match &mut self.state {
            State::Admitted(Answer::Local(local)) => local.standin.for_body(),
            State::Answered { standin: Some(standin), .. } => standin.for_body(),
            _ => Chunk::Pass,
        }
    }
}
