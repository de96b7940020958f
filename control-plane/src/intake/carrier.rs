//! Into the store: what was handed over, however it came here.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::{error, info, warn};

use super::entry::Entry;
use crate::{
    metrics::Metrics,
    store::{self, Batch, Store, now_ms},
};

/// Brings batches into the store. Clones share what they know of it.
#[derive(Clone, Debug)]
pub(super) struct Carrier {
    store: Store,
    metrics: Metrics,
    failing_since: Arc<Mutex<Option<i64>>>,
}

/// A part of a batch that the store will never take, and why.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) part: Batch,
    pub(super) error: store::Error,
}

impl Refusal {
    /// The ids of the exchanges in it.
    pub(super) fn exchanges(&self) -> Vec<String> {
        let records = self.part.records.iter().map(|record| record.facts.exchange_id.clone());
        let opened = self.part.opened.iter().map(|(_, exchange)| exchange.facts.exchange_id.clone());
        records.chain(opened).collect()
    }
}

impl Carrier {
    pub(super) fn new(store: Store, metrics: Metrics) -> Self {
        Self { store, metrics, failing_since: Arc::default() }
    }

    /// Since when the store fails, in milliseconds since the Unix epoch.
    pub(super) fn failing_since(&self) -> Option<i64> {
        *self.failing_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be kept of these. What cannot be read is counted, and left out.
    pub(super) fn read<'a>(&self, entries: impl IntoIterator<Item = &'a Entry>) -> Batch {
        let (mut batch, mut malformed) = (Batch::default(), Vec::new());
        entries.into_iter().for_each(|entry| batch.add(entry.read(&mut malformed)));
        for error in malformed {
            self.metrics.malformed.inc();
            warn!(%error, "a usage record cannot be read, now or later: it is dropped");
        }
        batch
    }

    /// Keeps a batch whole, or nothing of it.
    pub(super) async fn keep(&self, batch: &Batch) -> Result<(), store::Error> {
        let kept = self.store.keep(batch).await;
        let mut failing_since = self.failing_since.lock().unwrap_or_else(PoisonError::into_inner);
        match kept {
            Ok(new) => {
                if failing_since.take().is_some() {
                    info!("usage can be stored again");
                }
                new.into_iter().for_each(|record| self.metrics.count(record));
                Ok(())
            }
            Err(failed) => {
                self.metrics.store_errors.inc();
                if !failed.is_of_the_data() && failing_since.is_none() {
                    *failing_since = Some(now_ms());
                    error!(error = %failed, "usage cannot be stored; trying again until it can");
                }
                Err(failed)
            }
        }
    }

    /// Keeps as much of a batch as the store will ever take, and answers the rest, in the smallest parts.
    ///
    /// Fails where the store does; parts of the batch may be kept then, which does not matter to keeping it again.
    pub(super) async fn keep_around_refusals(&self, batch: Batch) -> Result<Vec<Refusal>, store::Error> {
        let (mut parts, mut refused) = (vec![batch], Vec::new());
        while let Some(part) = parts.pop() {
            match self.keep(&part).await {
                Ok(()) => {}
                Err(error) if error.is_of_the_data() => match halves(part) {
                    Ok([first, second]) => parts.extend([second, first]),
                    Err(part) => refused.push(Refusal { part, error }),
                },
                Err(error) => return Err(error),
            }
        }
        Ok(refused)
    }

    /// Keeps as much of a batch as the store will ever take. The rest is lost, counted and logged: there is no spool to set it aside in,
    /// and a VM that was refused would only bring it again, before everything else that it has.
    pub(super) async fn keep_or_lose(&self, batch: Batch) -> Result<(), store::Error> {
        for refusal in self.keep_around_refusals(batch).await? {
            self.metrics.unstorable.inc_by(refusal.part.records.len() as u64);
            let (exchanges, vms) = (refusal.exchanges().join(" "), refusal.part.signs.into_keys().collect::<Vec<_>>());
            let (vm, error) = (vms.join(" "), refusal.error);
            error!(exchange.id = exchanges, vm.id = vm, %error, "the store will never take this, and without a spool it is lost");
        }
        Ok(())
    }
}

/// A batch in two, the first of which comes first; as it is where it cannot be divided.
fn halves(batch: Batch) -> Result<[Batch; 2], Batch> {
    let Batch { mut signs, mut records, mut opened } = batch;
    let mut second = Batch::default();
    match (records.len() + opened.len(), signs.len()) {
        (2.., _) => {
            second.records = records.split_off(records.len().div_ceil(2));
            second.opened = opened.split_off(opened.len() / 2);
        }
        (1, 1..) => (second.records, second.opened) = (std::mem::take(&mut records), std::mem::take(&mut opened)),
        (0, 2..) => {
            let middle = signs.keys().nth(signs.len() / 2).cloned().unwrap_or_default();
            second.signs = signs.split_off(&middle);
        }
        _ => return Err(Batch { signs, records, opened }),
    }
    Ok([Batch { signs, records, opened }, second])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::record::OpenExchange, store::Sign};

    /// A batch of so many of each.
    fn batch(signs: usize, records: usize, opened: usize) -> Batch {
        let sign = Sign { session: 1, heard_at: Some(1), ended_at: None };
        Batch {
            signs: (0..signs).map(|number| (format!("vm-{number}"), sign)).collect(),
            records: (0..records).map(|_| OpenExchange::default().lost(1)).collect(),
            opened: (0..opened).map(|_| (String::new(), OpenExchange::default())).collect(),
        }
    }

    #[test]
    fn halving_ends_with_single_things_and_loses_none() {
        for (signs, records, opened) in
            (0..4).flat_map(|signs| (0..4).flat_map(move |records| (0..4).map(move |opened| (signs, records, opened))))
        {
            let (mut parts, mut smallest) = (vec![batch(signs, records, opened)], Vec::new());
            while let Some(part) = parts.pop() {
                match halves(part) {
                    Ok(two) => parts.extend(two),
                    Err(part) => smallest.push(part),
                }
            }
            let sizes = |part: &Batch| (part.signs.len(), part.records.len(), part.opened.len());
            let sum = smallest.iter().map(sizes).fold((0, 0, 0), |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2));
            assert_eq!(sum, (signs, records, opened));
            assert!(smallest.iter().map(sizes).all(|(signs, records, opened)| signs + records + opened <= 1));
        }
    }
}
