//! One try at one target while it is under way, and how it becomes a part of the record.

use crate::{
    canonical::Losses,
    translate::{Observed, Relay},
    words::{Millis, Outcome},
};

/// One try at one target. It owns the relay of its answer, so that what was seen of it is on record whatever its end.
#[derive(Debug)]
pub struct Attempt {
    /// Which step of the plan.
    pub step: usize,
    /// When it began.
    pub started: Millis,
    /// What the translation of the request could not carry.
    pub losses: Losses,
    /// What the provider answered, once its head is here.
    pub answer: Option<Answered>,
    /// When the adapter was gone: Envoy tries another, or all is over.
    pub over: Option<Millis>,
}

/// A provider's answer, from its head on.
#[derive(Debug)]
pub struct Answered {
    /// The provider's status.
    pub status: u16,
    /// The status that passes on; another one than the provider's where the answer is of no use.
    pub shown: u16,
    /// When its head came.
    pub at: Millis,
    /// Whether it came to its end.
    pub ended: bool,
    /// Whether it ended with its head.
    pub is_bodiless: bool,
    /// When to try again, as the head of an answer without a body says.
    pub retry_after: Option<String>,
    /// Why it could not be used.
    pub failure: Option<&'static str>,
    body: Body,
}

/// What is known of an answer's body.
#[derive(Debug)]
enum Body {
    /// It passes through this.
    Relayed(Box<Relay>),
    /// What was seen of it; nothing, where nobody looked.
    Seen(Observed),
}

impl Attempt {
    /// An attempt that is only beginning.
    pub(super) fn begin(step: usize, started: Millis, losses: Losses) -> Self {
        Self { step, started, losses, answer: None, over: None }
    }

    /// Its answer, where the head that passes to the client now can be its own; `end` says that it has no body. Of an answer that ends
    /// with its head, Envoy ends the attempt before the gate sees it; its own words have bodies.
    pub(super) fn passing(&self, end: bool) -> Option<&Answered> {
        self.answer.as_ref().filter(|answer| self.over.is_none() || (end && answer.is_bodiless))
    }

    /// The provider's status; 0 where it did not answer.
    pub(super) fn status(&self) -> u16 {
        self.answer.as_ref().map_or(0, |answer| answer.status)
    }

    /// The status that passed on; 0 for none.
    pub(super) fn shown(&self) -> u16 {
        self.answer.as_ref().map_or(0, |answer| answer.shown)
    }

    /// When it was answered.
    pub(super) fn first_byte(&self) -> Option<Millis> {
        self.answer.as_ref().map(|answer| answer.at)
    }

    /// What its answer said so far.
    pub(super) fn observed(&self) -> Option<&Observed> {
        self.answer.as_ref().map(Answered::observed)
    }

    /// It is over: nothing more of its answer will be seen. Only its first end counts.
    pub(super) fn end(&mut self, now: Millis) {
        self.over.get_or_insert(now);
        if let Some(answer) = self.answer.take() {
            let body = match answer.body {
                Body::Relayed(relay) => Body::Seen(relay.into_observed()),
                seen @ Body::Seen(_) => seen,
            };
            self.answer = Some(Answered { body, ..answer });
        }
    }

    /// What its answer came to, with the reason; `None` while that is open.
    pub(super) fn outcome(&self) -> Option<(Outcome, &'static str)> {
        let answer = self.answer.as_ref()?;
        match answer.failure {
            Some(failure) => Some((Outcome::ProviderError, failure)),
            None if answer.shown >= 400 => Some((Outcome::ProviderError, "provider_error")),
            None if answer.is_complete() => Some((Outcome::Success, "")),
            None => None,
        }
    }

    /// The same, where that is settled whatever follows: the answer is complete, or has failed.
    pub(super) fn settled(&self) -> Option<(Outcome, &'static str)> {
        self.outcome()
            .filter(|_| self.answer.as_ref().is_some_and(|answer| answer.is_complete() || answer.failure.is_some()))
    }

    /// What it came to where Envoy gave it up.
    pub(super) fn outcome_when_given_up(&self) -> (Outcome, &'static str) {
        self.outcome().unwrap_or(match self.answer {
            None => (Outcome::ProviderError, "no_answer"),
            Some(_) => (Outcome::Interrupted, "interrupted"),
        })
    }
}

impl Answered {
    /// An answer whose head has just come, with this status, and which passes through this relay, if through any.
    pub(super) fn begin(status: u16, at: Millis, relay: Option<Box<Relay>>) -> Self {
        let body = relay.map_or_else(|| Body::Seen(Observed::default()), Body::Relayed);
        Self { status, shown: status, at, ended: false, is_bodiless: false, retry_after: None, failure: None, body }
    }

    /// The relay of its body; `None` where there is none, or none any more.
    pub(super) fn relay(&mut self) -> Option<&mut Relay> {
        match &mut self.body {
            Body::Relayed(relay) => Some(relay),
            Body::Seen(_) => None,
        }
    }

    fn observed(&self) -> &Observed {
        match &self.body {
            Body::Relayed(relay) => relay.observed(),
            Body::Seen(observed) => observed,
        }
    }

    /// Whether all of it has passed. Clients read a stream's last event and may close the connection before the body's end is
    /// seen here; what the format calls its end, with the last figures, is one.
    fn is_complete(&self) -> bool {
        self.ended || (self.observed().finished && self.observed().terminal)
    }
}
