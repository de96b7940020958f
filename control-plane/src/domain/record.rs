//! Usage records.

/// One exchange, once it has ended. What the fields mean is said where the filter makes them: `proto/tollgate/v1/usage.proto`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in the protocol")]
pub struct Record {
    pub exchange_id: String,
    pub started_at: i64,
    pub duration_ms: i64,
    pub first_byte_ms: Option<i64>,
    pub key_id: String,
    pub key_name: String,
    pub team: String,
    pub user: String,
    pub model: String,
    pub provider: String,
    pub upstream_model: String,
    pub operation: String,
    pub stream: bool,
    pub outcome: String,
    pub status: i64,
    pub reason: String,
    pub attempts: i64,
    pub provenance: String,
    pub tokens: Option<Tokens>,
    pub cost_nanousd: Option<i64>,
    pub price_version: String,
    pub losses: i64,
    pub snapshot_version: i64,
    pub client_format: String,
    pub provider_format: String,
}

/// Disjoint buckets, except that `reasoning` is a part of `output`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// An exchange that has been open for a while and has no record yet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in the protocol")]
pub struct OpenExchange {
    pub exchange_id: String,
    pub started_at: i64,
    pub key_id: String,
    pub key_name: String,
    pub team: String,
    pub user: String,
    pub model: String,
    pub provider: String,
    pub upstream_model: String,
    pub operation: String,
    pub stream: bool,
}

/// The outcome of an exchange whose VM is gone.
pub const LOST: &str = "lost";

/// How exchanges end.
pub const OUTCOMES: [&str; 6] = ["success", "provider_error", "client_abort", "refused", "interrupted", LOST];

impl OpenExchange {
    /// The record of an exchange whose VM is gone: what it used is not known, which is not zero.
    #[must_use]
    pub fn lost(self, now: i64) -> Record {
        Record {
            exchange_id: self.exchange_id,
            started_at: self.started_at,
            duration_ms: now.saturating_sub(self.started_at).max(0),
            first_byte_ms: None,
            key_id: self.key_id,
            key_name: self.key_name,
            team: self.team,
            user: self.user,
            model: self.model,
            provider: self.provider,
            upstream_model: self.upstream_model,
            operation: self.operation,
            stream: self.stream,
            outcome: LOST.to_owned(),
            status: 0,
            reason: "vm_lost".to_owned(),
            attempts: 0,
            provenance: "none".to_owned(),
            tokens: None,
            cost_nanousd: None,
            price_version: String::new(),
            losses: 0,
            snapshot_version: 0,
            client_format: String::new(),
            provider_format: String::new(),
        }
    }
}
