//! What `/metrics` shows, in Prometheus' text format.

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use tollgate_core::words::Format;

use crate::domain::record::{Record, Tokens};

/// Counters of this process. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics {
    records: Family<RecordLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    cost: Family<ModelLabels, Counter>,
    unpriced: Family<ModelLabels, Counter>,
    losses: Family<FormatLabels, Counter>,
    pub(crate) lost: Counter,
    pub(crate) malformed: Counter,
    pub(crate) unstorable: Counter,
    pub(crate) store_errors: Counter,
    pub(crate) refusals: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RecordLabels {
    outcome: &'static str,
    provider: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    provider: String,
    model: String,
    bucket: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ModelLabels {
    provider: String,
    model: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FormatLabels {
    client_format: &'static str,
    provider_format: &'static str,
}

/// What is read when the page is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gauges {
    pub(crate) sessions: usize,
    pub(crate) snapshot_version: u64,
    pub(crate) outbox_records: u64,
    pub(crate) dropped_records: u64,
    // All 0 without a spool.
    pub(crate) spool_entries: u64,
    pub(crate) spool_records: u64,
    pub(crate) spool_bytes: u64,
    pub(crate) spool_max_bytes: u64,
    pub(crate) spool_set_aside: u64,
    pub(crate) store_unavailable_seconds: u64,
}

impl Metrics {
    /// Counts a record. Labels are what was configured: the upstream model, not the name a client made up.
    pub(crate) fn count(&self, record: &Record) {
        let Record { facts, target, ending } = record;
        let (provider, model) = (&target.provider, &target.upstream_model);
        let labels = RecordLabels { outcome: ending.outcome.name(), provider: provider.clone() };
        self.records.get_or_create(&labels).inc();
        let of_model = || ModelLabels { provider: provider.clone(), model: model.clone() };
        if let Some(tokens) = ending.tokens {
            for (bucket, count) in Tokens::NAMES.into_iter().zip(tokens.counts()) {
                // A part of another bucket, which sums over the buckets would count twice.
                if count > 0 && bucket != "reasoning" {
                    let labels = TokenLabels { provider: provider.clone(), model: model.clone(), bucket };
                    self.tokens.get_or_create(&labels).inc_by(count.unsigned_abs());
                }
            }
        }
        if record.unpriced() {
            self.unpriced.get_or_create(&of_model()).inc();
        }
        if let Some(charged) = ending.charged_nanousd {
            self.cost.get_or_create(&of_model()).inc_by(charged.unsigned_abs());
        }
        if ending.loss_count > 0 {
            let labels = FormatLabels {
                client_format: facts.client_format.map_or("", Format::name),
                provider_format: target.format.map_or("", Format::name),
            };
            self.losses.get_or_create(&labels).inc_by(ending.loss_count.unsigned_abs());
        }
    }

    /// The page.
    pub(crate) fn encode(&self, gauges: Gauges) -> Result<String, std::fmt::Error> {
        let mut registry = Registry::with_prefix("tollgate");
        registry.register("usage_records", "Exchanges on record", self.records.clone());
        registry.register_with_unit("usage", "Tokens", Unit::Other("tokens".to_owned()), self.tokens.clone());
        let nano = Unit::Other("nanousd".to_owned());
        registry.register_with_unit("cost", "Known costs, in nano-dollars", nano, self.cost.clone());
        registry.register("unpriced_records", "Exchanges with usage but without a price", self.unpriced.clone());
        registry.register("translation_losses", "Fields that a translation could not carry", self.losses.clone());
        registry.register("lost_exchanges", "Exchanges whose VM was lost", self.lost.clone());
        registry.register("malformed_records", "Records that could not be read", self.malformed.clone());
        registry.register(
            "unstorable_records",
            "Records that the store would never take, lost for want of a spool",
            self.unstorable.clone(),
        );
        registry.register("store_errors", "Failed uses of the store", self.store_errors.clone());
        registry.register("intake_refusals", "Times that nothing was taken from a VM", self.refusals.clone());
        for (name, help, value) in [
            ("sessions", "VMs with a session", gauges.sessions as u64),
            ("snapshot_version", "Version in force", gauges.snapshot_version),
            ("outbox_records", "Records that wait in the VMs", gauges.outbox_records),
            ("outbox_dropped_records", "Records that full outboxes dropped", gauges.dropped_records),
            ("spool_entries", "Entries of the spool, which wait for the store", gauges.spool_entries),
            ("spool_records", "Usage records among them", gauges.spool_records),
            ("spool_bytes", "What they take", gauges.spool_bytes),
            ("spool_max_bytes", "The most that they may take; 0 without a spool", gauges.spool_max_bytes),
            ("spool_set_aside_entries", "Entries of which the store will never take something", gauges.spool_set_aside),
            ("store_unavailable_seconds", "For how long usage cannot be stored", gauges.store_unavailable_seconds),
        ] {
            let gauge = Gauge::<i64>::default();
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            registry.register(name, help, gauge);
        }
        let mut page = String::new();
        encode(&mut page, &registry)?;
        Ok(page)
    }
}
