//! Attempts that are over, and what they come to.

use std::rc::Rc;

use crate::{
    admit::route::Step,
    canonical::Usage,
    exchange::attempt,
    meter::price::NanoUsd,
    words::{Format, Millis, Outcome, Provenance},
};

/// Most attempts that are told apart on one record; Envoy tries each step of a plan once.
const MAX_LISTED: usize = 16;

/// One try at one target, once it is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// Whom it asked.
    pub provider: Rc<str>,
    /// For which model.
    pub model: Rc<str>,
    /// In which format.
    pub format: Option<Format>,
    /// When it began.
    pub started: Millis,
    /// From its start to the head of the provider's response.
    pub first_byte_ms: Option<u64>,
    /// From its start to its end.
    pub duration_ms: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// The provider's status, 0 where it did not answer.
    pub status: u16,
    /// Why its answer was not used; empty for none.
    pub reason: &'static str,
    /// Tokens; `None` is unknown, which is not zero.
    pub usage: Option<Usage>,
    /// How far the usage can be trusted.
    pub provenance: Provenance,
    /// What it cost, where that can be known.
    pub charged: Option<NanoUsd>,
    /// Which price entry the cost was computed from; `None` is unpriced.
    pub price_version: Option<Rc<str>>,
}

/// Every attempt of an exchange, and what they come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempts {
    /// In order. Beyond 16 only the last one stands here; the sums count all of them.
    pub list: Vec<Attempt>,
    /// How many there were.
    pub count: u32,
    /// The sum of what is known; `None` where nothing is.
    pub usage: Option<Usage>,
    /// `Partial` where that of one attempt is: the sum is too. Otherwise `Reported` where one has figures.
    pub provenance: Provenance,
    charged: Option<NanoUsd>,
    /// Whether something was used that has no price.
    unpriced: bool,
}

impl Attempt {
    /// An attempt that was led to `step`, ended at `end`, and came to this.
    pub(in crate::exchange) fn of(
        attempt: &attempt::Attempt,
        step: Option<&Step>,
        end: Millis,
        (outcome, reason): (Outcome, &'static str),
    ) -> Self {
        let observed = attempt.observed();
        let usage = observed.and_then(|observed| observed.usage);
        let cut_off = matches!(outcome, Outcome::ClientAbort | Outcome::Interrupted)
            || observed.is_some_and(|observed| observed.failed);
        let provenance = match usage {
            Some(_) if observed.is_some_and(|observed| observed.terminal) => Provenance::Reported,
            Some(_) => Provenance::Partial,
            None if cut_off => Provenance::Partial,
            None => Provenance::None,
        };
        let price = step.and_then(|step| step.price.as_ref());
        Self {
            provider: step.map(|step| Rc::clone(&step.provider.name)).unwrap_or_default(),
            model: step.map(|step| Rc::clone(&step.model)).unwrap_or_default(),
            format: step.and_then(|step| step.format),
            started: attempt.started,
            first_byte_ms: attempt.first_byte().map(|at| at.since(attempt.started)),
            duration_ms: end.since(attempt.started),
            outcome,
            status: attempt.status(),
            reason,
            usage,
            provenance,
            charged: usage.and_then(|usage| price.map(|price| price.cost(&usage))),
            price_version: price.map(|price| Rc::clone(&price.version)),
        }
    }

    fn size(&self) -> usize {
        [
            size_of::<Self>(),
            self.provider.len(),
            self.model.len(),
            self.reason.len(),
            self.price_version.as_ref().map_or(0, |version| version.len()),
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
    }
}

impl Attempts {
    /// Adds the attempt that came after the others.
    pub(crate) fn add(&mut self, attempt: Attempt) {
        self.provenance = weaker(self.provenance, attempt.provenance);
        if let Some(used) = attempt.usage {
            self.usage = Some(self.usage.unwrap_or_default().plus(&used));
            self.unpriced |= attempt.charged.is_none();
        }
        if let Some(NanoUsd(cost)) = attempt.charged {
            let NanoUsd(sum) = self.charged.unwrap_or_default();
            self.charged = Some(NanoUsd(sum.saturating_add(cost)));
        }
        self.count = self.count.saturating_add(1);
        if self.list.len() >= MAX_LISTED {
            self.list.pop();
        }
        self.list.push(attempt);
    }

    /// What they cost together. `None` where none of them has a cost, and where one used something that has no price: a part
    /// of the sum would pass for all of it. An attempt whose use is unknown adds nothing.
    #[must_use]
    pub fn charged(&self) -> Option<NanoUsd> {
        self.charged.filter(|_| !self.unpriced)
    }

    /// As [`Record::size`](super::Record::size).
    pub(super) fn size(&self) -> usize {
        self.list.iter().map(Attempt::size).fold(0, usize::saturating_add)
    }
}

/// Of a sum, given what its parts have: nothing is known of an attempt without figures, unless it was cut off.
fn weaker(sum: Provenance, part: Provenance) -> Provenance {
    match (sum, part) {
        (Provenance::Partial, _) | (_, Provenance::Partial) => Provenance::Partial,
        (Provenance::None, part) => part,
        (sum, _) => sum,
    }
}

impl Default for Attempts {
    fn default() -> Self {
        Self { list: Vec::new(), count: 0, usage: None, provenance: Provenance::None, charged: None, unpriced: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(input: Option<u64>, charged: Option<i64>) -> Attempt {
        let usage = input.map(|input| Usage { input, ..Usage::default() });
        let live = attempt::Attempt::begin(0, Millis(0), crate::canonical::Losses::default());
        let attempt = Attempt::of(&live, None, Millis(1), (Outcome::ProviderError, "no_answer"));
        Attempt { usage, charged: charged.map(NanoUsd), ..attempt }
    }

    fn sum(attempts: &[Attempt]) -> Attempts {
        let mut all = Attempts::default();
        attempts.iter().for_each(|attempt| all.add(attempt.clone()));
        all
    }

    #[test]
    fn what_is_unknown_adds_nothing_and_what_has_no_price_hides_the_sum() {
        let charged = |attempts: &[Attempt]| sum(attempts).charged().map(|cost| cost.0);
        assert_eq!(charged(&[]), None);
        assert_eq!(charged(&[attempt(None, None)]), None);
        assert_eq!(charged(&[attempt(None, None), attempt(Some(1), Some(5))]), Some(5));
        assert_eq!(charged(&[attempt(Some(1), Some(5)), attempt(Some(1), Some(6))]), Some(11));
        assert_eq!(charged(&[attempt(Some(1), Some(5)), attempt(Some(1), None)]), None);
    }

    #[test]
    fn sums_saturate() {
        let all = sum(&[attempt(Some(u64::MAX), Some(i64::MAX)), attempt(Some(1), Some(1))]);
        assert_eq!((all.usage.map(|usage| usage.input), all.charged()), (Some(u64::MAX), Some(NanoUsd(i64::MAX))));
    }

    #[test]
    fn a_sum_is_no_better_known_than_its_parts() {
        let reported = Attempt { provenance: Provenance::Reported, ..attempt(Some(1), None) };
        let partial = Attempt { provenance: Provenance::Partial, ..attempt(Some(1), None) };
        let unanswered = Attempt { provenance: Provenance::None, ..attempt(None, None) };
        assert_eq!(sum(&[unanswered.clone(), reported.clone()]).provenance, Provenance::Reported);
        assert_eq!(sum(&[reported.clone(), unanswered]).provenance, Provenance::Reported);
        assert_eq!(sum(&[partial.clone(), reported.clone()]).provenance, Provenance::Partial);
        assert_eq!(sum(&[reported, partial]).provenance, Provenance::Partial);
        assert_eq!(sum(&[attempt(None, None)]).provenance, Provenance::None);
    }

    #[test]
    fn however_many_attempts_there_are_the_list_is_short_and_the_sum_whole() {
        let tries: Vec<_> = (0..100).map(|n| Attempt { started: Millis(n), ..attempt(Some(1), Some(2)) }).collect();
        let all = sum(&tries);
        assert_eq!((all.usage.map(|usage| usage.input), all.charged()), (Some(100), Some(NanoUsd(200))));
        let listed: Vec<_> = all.list.iter().map(|attempt| attempt.started.0).collect();
        assert_eq!((listed.len(), listed[0], listed[14], listed[15]), (MAX_LISTED, 0, 14, 99));
        assert_eq!(all.count, 100);
    }
}
