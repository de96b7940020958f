//! Usage records on their way to the control plane: kept until it says that they are committed.
//!
//! A VM's memory never shrinks, so what is kept here is bounded by number and by bytes.

use std::collections::VecDeque;

use crate::{exchange::record::Record, words::Outcome};

/// Most records that are kept.
pub const CAPACITY: usize = 20_000;
/// Most bytes of records that are kept, by [`Record::size`]. A usual record is under 1 KiB, so that the number counts first; one
/// whose client says all that may be said of itself and whose translations lose much is 20 KiB.
pub const MAX_BYTES: usize = 32 << 20;
/// Most records in one message.
const BATCH: usize = 500;
/// Most bytes of records in one message: far below gRPC's usual 4 MiB.
const BATCH_BYTES: usize = 1 << 20;

/// Records in order, numbered from 1. Those that were sent stay until they are acknowledged, and are sent again in the
/// next session; the control plane knows each by its exchange's id, so a replay changes nothing.
#[derive(Debug, Default)]
pub struct Outbox {
    records: VecDeque<Record>,
    /// The sizes of all of them together.
    bytes: usize,
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
        let share = if record.outcome == Outcome::Refused { 2 } else { 1 };
        let bytes = self.bytes.saturating_add(record.size());
        if self.records.len() >= CAPACITY / share || bytes > MAX_BYTES / share {
            self.dropped = self.dropped.saturating_add(1);
        } else {
            self.bytes = bytes;
            self.records.push_back(record);
        }
    }

    /// The next records to send, and the number of the last of them; `None` when all are on their way.
    pub fn next_batch(&mut self) -> Option<(u64, Vec<&Record>)> {
        let mut bytes: usize = 0;
        let fits = |record: &&Record| {
            bytes = bytes.saturating_add(record.size());
            bytes <= BATCH_BYTES
        };
        // No record is as large as a batch, so that one always fits.
        let batch: Vec<_> = self.records.iter().skip(self.sent).take(BATCH).take_while(fits).collect();
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
        let freed = self.records.drain(..count).map(|record| record.size()).fold(0, usize::saturating_add);
        self.bytes = self.bytes.saturating_sub(freed);
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
    use crate::{
        exchange::record::{Attempts, End, Facts, LossList},
        words::{ExchangeId, Millis, Outcome},
    };

    fn record(n: u128) -> Record {
        let facts = Facts::new(ExchangeId::from_random(n), Millis(0));
        let end = End { at: Millis(1), first_byte: None, outcome: Outcome::Success, status: 200, reason: "" };
        Record::new(facts.into(), &end, Attempts::default(), LossList::default())
    }

    fn large(n: u128, bytes: usize) -> Record {
        let mut large = record(n);
        large.facts.end_user = "x".repeat(bytes).into();
        large
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
        assert_eq!((sequence, batch[0].facts.id), (3, ExchangeId::from_random(3)));
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
    #[test]
    fn large_records_fill_the_outbox_by_their_bytes_and_leave_room_when_they_go() {
        let mut outbox = Outbox::default();
        let fit = MAX_BYTES / large(0, 100_000).size();
        (0..fit as u128 + 3).for_each(|n| outbox.push(large(n, 100_000)));
        assert_eq!((outbox.len(), outbox.dropped()), (fit, 3));
        outbox.push(Record { outcome: Outcome::Refused, ..record(0) });
        assert_eq!(outbox.dropped(), 4, "refusals have half of it");
        while let Some((sequence, batch)) = outbox.next_batch() {
            assert!(batch.iter().map(|record| record.size()).sum::<usize>() <= BATCH_BYTES);
            outbox.acknowledge(sequence);
        }
        assert_eq!((outbox.len(), outbox.bytes), (0, 0));
    }
}
