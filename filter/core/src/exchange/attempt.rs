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
    /// The provider's status; 0 until it answered.
    pub status: u16,
    /// The status that passes on; another one than the provider's where its answer is of no use.
    pub shown: u16,
    /// When it answered.
    pub first_byte: Option<Millis>,
    /// What passes its answer on, while it comes.
    relay: Option<Box<Relay>>,
    /// What its answer said, once that is over.
    seen: Observed,
    /// Whether its answer came to its end.
    pub ended: bool,
    /// When the adapter was gone: Envoy tries another, or all is over.
    pub over: Option<Millis>,
    /// What the translation of the request could not carry.
    pub losses: Losses,
    /// Why its answer could not be used.
    pub failure: Option<&'static str>,
}

impl Attempt {
    /// An attempt that is only beginning.
    pub(super) fn begin(step: usize, started: Millis, losses: Losses) -> Self {
        Self {
            step,
            started,
            status: 0,
            shown: 0,
            first_byte: None,
            relay: None,
            seen: Observed::default(),
            ended: false,
            over: None,
            losses,
            failure: None,
        }
    }

    /// Its answer will come through this relay.
    pub(super) fn relay_through(&mut self, relay: Box<Relay>) {
        self.relay = Some(relay);
    }

    /// The relay of its answer; `None` where there is none, or none any more.
    pub(super) fn relay(&mut self) -> Option<&mut Relay> {
        self.relay.as_deref_mut()
    }

    /// What its answer said so far.
    pub(super) fn observed(&self) -> &Observed {
        self.relay.as_deref().map_or(&self.seen, Relay::observed)
    }

    /// It is over: nothing more of its answer will be seen. Only its first end counts.
    pub(super) fn end(&mut self, now: Millis) {
        self.over.get_or_insert(now);
        if let Some(relay) = self.relay.take() {
            self.seen = relay.into_observed();
        }
    }

    /// What its answer came to, with the reason; `None` while that is open.
    pub(super) fn outcome(&self) -> Option<(Outcome, &'static str)> {
        match self.failure {
            Some(failure) => Some((Outcome::ProviderError, failure)),
            None if self.shown >= 400 => Some((Outcome::ProviderError, "provider_error")),
            None if self.is_complete() => Some((Outcome::Success, "")),
            None => None,
        }
    }

    /// Whether all of its answer has passed. Clients read a stream's last event and may close the connection before the body's end is
    /// seen here; what the format calls its end, with the last figures, is one.
    pub(super) fn is_complete(&self) -> bool {
        self.ended || (self.observed().finished && self.observed().terminal)
    }

    /// What it came to where Envoy gave it up.
    pub(super) fn outcome_when_given_up(&self) -> (Outcome, &'static str) {
        self.outcome().unwrap_or(match self.status {
            0 => (Outcome::ProviderError, "no_answer"),
            _ => (Outcome::Interrupted, "interrupted"),
        })
    }
}
