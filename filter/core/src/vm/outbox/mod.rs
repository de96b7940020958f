//! Usage records on their way to the control plane: kept until it says that they are committed.

use std::collections::VecDeque;

use crate::{meter::Record, words::Outcome};

/// Most records that are kept. A record is about 300 bytes here, so a full outbox is about 6 MB.
pub const CAPACITY: usize = 20_000;
/// Most records in one message: far below gRPC's usual 4 MiB.
const BATCH: usize = 500;

/// Records in order, numbered from 1. Those that were sent stay until they are acknowledged, and are sent again in the
/// next session; the control plane knows each by its exchange's id, so a replay changes nothing.
#[derive(Debug, Default)]
pub struct Outbox {
    records: VecDeque<Record>,
    /// How many have ever been acknowledged: the number of the first kept record, less one.
    acknowledged: u64,
    /// How many of the kept ones were sent in this session.
    sent: usize,
    dropped: u64,
}

impl Outbox {
    /// Adds a record; when the outbox is full it is counted and dropped. Refusals cost nothing and anyone can cause them, so
    /// they leave half of the room to what was used.
    pub fn push(&mut self, record: Record) {
        let room = if record.outcome == Outcome::Refused { CAPACITY / 2 } else { CAPACITY };
        if self.records.len() >= room {
            self.dropped = self.dropped.saturating_add(1);
        } else {
            self.records.push_back(record);
        }
    }

    /// The next records to send, and the number of the last of them; `None` when all are on their way.
    pub fn next_batch(&mut self) -> Option<(u64, Vec<&Record>)> {
        let batch: Vec<_> = self.records.iter().skip(self.sent).take(BATCH).collect();
        if batch.is_empty() {
            return None;
        }
        self.sent = self.sent.saturating_add(batch.len());
        Some((self.acknowledged.saturating_add(self.sent as u64), batch))
    }

    /// The control plane has committed everything up to and including `sequence`. Older acknowledgements, and those of
    /// what was never sent, change nothing.
    pub fn acknowledge(&mut self, sequence: u64) {
        let count = usize::try_from(sequence.saturating_sub(self.acknowledged)).unwrap_or(usize::MAX).min(self.sent);
        self.records.drain(..count);
        self.sent = self.sent.saturating_sub(count);
        self.acknowledged = self.acknowledged.saturating_add(count as u64);
    }

    /// The session is over: what was not acknowledged will be sent again.
    pub fn rewind(&mut self) {
        self.sent = 0;
    }

    /// How many records are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// How many records were dropped since the VM started because the outbox was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{ExchangeId, Millis, Outcome, Provenance};

    fn record(n: u128) -> Record {
        Record {
            id: ExchangeId::from_random(n),
            started: Millis(0),
            duration_ms: 0,
            first_byte_ms: None,
            principal: None,
            model: "m".into(),
            target: None,
            operation: None,
            client_format: None,
            provider_format: None,
            stream: false,
            outcome: Outcome::Success,
            status: 200,
            reason: "".into(),
            attempts: 1,
            usage: None,
            provenance: Provenance::None,
            cost: None,
            price_version: None,
            losses: 0,
            snapshot_version: 1,
        }
    }

    fn filled(count: u128) -> Outbox {
        let mut outbox = Outbox::default();
        (1..=count).for_each(|n| outbox.push(record(n)));
        outbox
    }

    #[test]
    fn a_record_leaves_only_when_it_is_acknowledged() {
        let mut outbox = filled(3);
        assert_eq!(outbox.next_batch().map(|(sequence, batch)| (sequence, batch.len())), Some((3, 3)));
        assert!(outbox.next_batch().is_none());
        outbox.acknowledge(2);
        assert_eq!(outbox.len(), 1);
        outbox.rewind();
        let (sequence, batch) = outbox.next_batch().unwrap();
        assert_eq!((sequence, batch[0].id), (3, ExchangeId::from_random(3)));
    }

    #[test]
    fn acknowledgements_of_the_past_and_of_what_was_never_sent_change_nothing() {
        let mut outbox = filled(3);
        outbox.acknowledge(3);
        assert_eq!(outbox.len(), 3);
        outbox.next_batch();
        outbox.acknowledge(2);
        outbox.acknowledge(1);
        assert_eq!(outbox.len(), 1);
    }

    #[test]
    fn a_full_outbox_counts_what_it_drops() {
        let outbox = filled(CAPACITY as u128 + 2);
        assert_eq!((outbox.len(), outbox.dropped()), (CAPACITY, 2));
    }

    #[test]
    fn refusals_do_not_push_out_what_was_used() {
        let mut outbox = Outbox::default();
        for n in 0..CAPACITY as u128 {
            outbox.push(Record { outcome: Outcome::Refused, ..record(n) });
        }
        assert_eq!(outbox.len(), CAPACITY / 2);
        outbox.push(record(0));
        assert_eq!(outbox.len(), CAPACITY / 2 + 1);
    }

    #[test]
    fn a_backlog_goes_out_in_batches() {
        let mut outbox = filled(BATCH as u128 + 1);
        assert_eq!(outbox.next_batch().map(|(sequence, _)| sequence), Some(BATCH as u64));
        assert_eq!(outbox.next_batch().map(|(sequence, _)| sequence), Some(BATCH as u64 + 1));
    }
}
