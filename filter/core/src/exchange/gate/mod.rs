//! The machine before the router: admits a request or refuses it, and leaves its one record at the end.
//!
//! The states are here; what moves them on the way in is `request`, on the way out `response`; the decision about a complete request
//! is `admission`, what the gate answers itself `models`, what becomes of an exchange `ending`.

use std::{rc::Rc, time::Duration};

use super::{Reply, Shared, record::Record};
use crate::admit::Principal;
use crate::words::{ExchangeId, Format, Millis, Outcome};

mod admission;
mod ending;
mod models;
mod request;
mod response;

pub use admission::{Admission, EXCHANGE_HEADER};
pub use ending::Ending;
pub use response::Response;

use ending::{Refusal, close};
use request::{KeyQuestion, Pending};
use response::{Answer, Standin};

/// The filter before the router: nothing reaches a provider that it has not admitted.
///
/// ```text
///                 head, key known             body at its end
///   AwaitingHead ─────────────────► Collecting ──────────────► Admitted { Nothing ─► Provider
///        │  │                           ▲   │                     │             └──► Local   }
///        │  │ key unknown: Call         │   │                     │
///        │  └────────► ResolvingKey ────┘   │                     │ log: the record
///        │                  │   good        │                     ▼
///        └── refused ───────┴───────────────┴─► Answered ── log ► Logged
///            or answered by the gate or Envoy
/// ```
///
/// The order in which the host calls:
///
/// 1. [`handle_head`](Self::handle_head), once;
/// 2. for each piece of the body [`handle_body`](Self::handle_body), and [`handle_whole_body`](Self::handle_whole_body) whenever the
///    answer is [`Verdict::TakeBody`]. Trailers are an end of body;
/// 3. [`handle_reply`](Self::handle_reply), once for each [`Verdict::Call`], between any of the others. An answer that comes twice, or
///    after its request has been answered, changes nothing;
/// 4. [`handle_response_head`](Self::handle_response_head) whenever a response's head passes: a reply of our own may pass after another,
///    [`handle_local_reply`](Self::handle_local_reply) if that asks for it, [`handle_response_body`](Self::handle_response_body) for
///    each piece;
/// 5. [`handle_log`](Self::handle_log), once, whatever happened.
///
/// A client may go away between any two of them; then only the last is called.
#[derive(Debug)]
pub struct Gate {
    id: ExchangeId,
    seed: u64,
    /// What the gate's own replies are in: the client's format, as soon as its head tells.
    format: Format,
    /// Whether they name the exchange: the client asked what was decided.
    debug: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    AwaitingHead,
    /// The key is good; the body arrives.
    Collecting(Box<Pending>, Rc<Principal>),
    /// The control plane was asked about the key; the body arrives meanwhile.
    ResolvingKey(Box<Pending>, KeyQuestion),
    /// In the table; what reaches the client meanwhile.
    Admitted(Answer),
    /// The client was answered without an exchange.
    Answered {
        /// `None` where nothing was refused: health and model lists.
        refusal: Option<Refusal>,
        /// What must take the place of an answer of Envoy's own that overtakes or carries ours.
        standin: Option<Standin>,
    },
    Logged,
}

/// What the host must do with the request.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Hold it; more is to come.
    Hold,
    /// Pass it on as it is: it was admitted before.
    Forward,
    /// Hold it, and give all of the body to [`Gate::handle_whole_body`].
    TakeBody,
    /// Hold it, and ask the control plane.
    Call(Rpc),
    /// Pass it on like this.
    Admit(Admission),
    /// Answer it like this; nothing of it is passed on.
    Reply(Reply),
}

/// A question to the control plane: one unary gRPC call. Its answer goes to [`Gate::handle_reply`].
#[derive(Debug, PartialEq, Eq)]
pub struct Rpc {
    /// The gRPC service, with its package.
    pub service: &'static str,
    /// The method of the service.
    pub method: &'static str,
    /// The encoded question.
    pub message: Vec<u8>,
    /// How long the answer may take.
    pub timeout: Duration,
}

/// A call that brought no answer: it could not be made, was not answered in time, or was answered with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallFailed;

impl Gate {
    /// A gate for one stream. The id and the seed are the host's random bits.
    #[must_use]
    pub fn new(id: ExchangeId, seed: u64) -> Self {
        Self { id, seed, format: Format::OpenaiChat, debug: false, state: State::AwaitingHead }
    }

    /// A reply of our own to an exchange, with its name where that was asked for.
    fn reply(&self, reply: Reply) -> Reply {
        if self.debug { reply.naming(self.id) } else { reply }
    }

    /// Whether [`Self::handle_log`] must be told how Envoy ended the exchange.
    pub fn wants_ending(&self, shared: &mut Shared) -> bool {
        match &self.state {
            State::Admitted(Answer::Nothing) | State::Collecting(..) | State::ResolvingKey(..) => true,
            State::Admitted(Answer::Provider) => {
                let last = shared.exchanges.find(self.id).and_then(|exchange| exchange.attempts.last());
                last.and_then(|attempt| attempt.answer.as_ref()).is_some_and(|answer| !answer.ended)
            }
            State::Admitted(Answer::Local(_)) | State::Answered { .. } | State::AwaitingHead | State::Logged => false,
        }
    }

    /// The exchange is over, whatever its end: its one record. `None` for what is no exchange, and after the first time.
    #[must_use = "every exchange leaves one record: give it to `Vm::keep`"]
    pub fn handle_log(&mut self, shared: &mut Shared, ending: Option<Ending>, now: Millis) -> Option<Record> {
        match std::mem::replace(&mut self.state, State::Logged) {
            State::Admitted(answer) => {
                shared.exchanges.remove(self.id).map(|exchange| close(exchange, &answer, ending, now))
            }
            State::Answered { refusal, .. } => Some(refusal?.record(Outcome::Refused, now)),
            State::Collecting(pending, _) | State::ResolvingKey(pending, _) => {
                let (outcome, code) = match ending {
                    Some(Ending::CutOff) => (Outcome::Interrupted, "interrupted"),
                    Some(Ending::ClientGone) | None => (Outcome::ClientAbort, "client_gone"),
                };
                Some(Refusal { facts: pending.facts, status: 0, code }.record(outcome, now))
            }
            State::AwaitingHead | State::Logged => None,
        }
    }
}
