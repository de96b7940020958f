//! Usage records: what was known of an exchange from its beginning, and how it ended.

use serde::{Deserialize, Serialize};
use tollgate_core::words::{EstimateMethod, Format, LossKind, Operation, Outcome, Provenance};

/// One exchange, once it has ended. What the fields mean is said where the filter makes them: `proto/tollgate/v1/usage.proto`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in the protocol")]
pub struct Record {
    pub facts: Facts,
    /// Of the last attempt.
    pub target: Target,
    pub ending: Ending,
}

/// What is known of an exchange from its beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in the protocol")]
pub struct Facts {
    pub exchange_id: String,
    pub started_at: i64,
    pub key_id: String,
    pub key_name: String,
    pub team: String,
    pub user: String,
    pub model: String,
    pub route: String,
    pub operation: Option<Operation>,
    pub stream: bool,
    pub client_format: Option<Format>,
    pub end_user: String,
    pub session_id: String,
    pub tags: Vec<String>,
    pub client_address: String,
    pub traceparent: String,
    pub snapshot_version: i64,
}

/// What served an exchange; empty where nothing was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in the protocol")]
pub struct Target {
    pub provider: String,
    pub upstream_model: String,
    pub format: Option<Format>,
    /// Empty when the model has no price.
    pub price_version: String,
}

/// How an exchange ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in the protocol")]
pub struct Ending {
    pub duration_ms: i64,
    pub first_byte_ms: Option<i64>,
    pub outcome: Outcome,
    pub status: i64,
    pub reason: String,
    pub attempts: Vec<Attempt>,
    /// More than there are `attempts` where only some are known.
    pub attempt_count: i64,
    pub tokens: Option<Tokens>,
    pub provenance: Provenance,
    pub charged_nanousd: Option<i64>,
    pub estimate: Option<Estimate>,
    pub losses: Vec<Loss>,
    pub loss_count: i64,
}

/// One try at one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "documented in the protocol")]
pub struct Attempt {
    pub provider: String,
    pub upstream_model: String,
    pub provider_format: Option<Format>,
    pub started_at: i64,
    pub first_byte_ms: Option<i64>,
    pub duration_ms: i64,
    /// `None` where it is not known.
    pub outcome: Option<Outcome>,
    pub status: i64,
    pub reason: String,
    pub tokens: Option<Tokens>,
    pub provenance: Provenance,
    pub charged_nanousd: Option<i64>,
    pub price_version: String,
}

/// Disjoint buckets, except that `reasoning` is a part of `output`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "documented in the protocol")]
pub struct Tokens {
    pub input: i64,
    pub cache_read: i64,
    pub cache_write_5m: i64,
    pub cache_write_1h: i64,
    pub output: i64,
    pub reasoning: i64,
    pub audio_in: i64,
    pub audio_out: i64,
}

/// A guess at what an exchange used, and how it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in the protocol")]
pub struct Estimate {
    pub tokens: Option<Tokens>,
    pub cost_nanousd: Option<i64>,
    pub method: EstimateMethod,
}

/// Something that the other side's format cannot say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "documented in the protocol")]
pub struct Loss {
    pub path: String,
    pub reason: String,
    pub kind: LossKind,
}

/// An exchange that has been open for a while and has no record yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenExchange {
    /// What is known of it.
    pub facts: Facts,
    /// Of the last attempt so far, or the first that is planned.
    pub target: Target,
}

impl Record {
    /// Whether something was used that has no price, so that what it is charged with is not known.
    #[must_use]
    pub fn unpriced(&self) -> bool {
        self.ending.tokens.is_some() && self.ending.charged_nanousd.is_none()
    }

    /// Why what it is charged with is known, or is not: never silently zero.
    #[must_use]
    pub fn cost_status(&self) -> &'static str {
        match self.ending.charged_nanousd {
            Some(_) => "priced",
            None if self.unpriced() => "unpriced",
            None if self.ending.attempt_count == 0 && self.ending.outcome == Outcome::Refused => "none",
            None => "unknown",
        }
    }
}

impl OpenExchange {
    /// The record of an exchange whose VM is gone: what it used is not known, which is not zero.
    #[must_use]
    pub fn lost(self, now: i64) -> Record {
        let ending = Ending {
            duration_ms: now.saturating_sub(self.facts.started_at).max(0),
            first_byte_ms: None,
            outcome: Outcome::Lost,
            status: 0,
            reason: "vm_lost".to_owned(),
            attempts: Vec::new(),
            attempt_count: 0,
            tokens: None,
            provenance: Provenance::None,
            charged_nanousd: None,
            estimate: None,
            losses: Vec::new(),
            loss_count: 0,
        };
        Record { facts: self.facts, target: self.target, ending }
    }
}

impl Tokens {
    /// The names of the buckets.
    pub const NAMES: [&str; 8] =
        ["input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning", "audio_in", "audio_out"];

    /// The buckets, in the order of [`Self::NAMES`].
    #[must_use]
    pub fn counts(&self) -> [i64; 8] {
        let Self { input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, audio_in, audio_out } = *self;
        [input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, audio_in, audio_out]
    }

    /// From the buckets, in the order of [`Self::NAMES`].
    #[must_use]
    pub fn of(counts: [i64; 8]) -> Self {
        let [input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, audio_in, audio_out] = counts;
        Self { input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, audio_in, audio_out }
    }
}
