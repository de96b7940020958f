//! What sessions hand over, kept in one transaction.

use std::collections::{BTreeMap, HashSet};

use super::{
    Error, Store,
    records::{once_each, write_records},
    sessions::{Sign, insert_open, note_signs},
};
use crate::domain::record::{OpenExchange, Record};

/// What came of some sessions, to be kept together or not at all.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The last that was heard of each VM, by its id.
    pub signs: BTreeMap<String, Sign>,
    /// Exchanges that ended.
    pub records: Vec<Record>,
    /// Exchanges that are open, each with the id of its VM.
    pub opened: Vec<(String, OpenExchange)>,
}

impl Batch {
    /// Adds what came later.
    pub fn add(&mut self, later: Self) {
        let Self { signs, records, opened } = later;
        for (vm_id, sign) in signs {
            match self.signs.get_mut(&vm_id) {
                Some(earlier) if sign.heard_at.is_none() && earlier.session == sign.session => {
                    earlier.ended_at = sign.ended_at;
                }
                // The end of a session that the VM was heard of in another one after is no end of the VM.
                Some(earlier) if sign.heard_at.is_none() && earlier.heard_at.is_some() => {}
                _ => drop(self.signs.insert(vm_id, sign)),
            }
        }
        self.records.extend(records);
        self.opened.extend(opened);
    }
}

impl Store {
    /// Commits a batch. Answers the records that changed something.
    ///
    /// A record whose exchange is on record already changes nothing, unless what is there says that the exchange was lost: then
    /// the VM came back after all, and the truth takes its place. An open exchange stays open until it has a record, and one that
    /// has a record already is not open. So a batch that is kept again changes nothing.
    ///
    /// # Errors
    /// When the store fails; nothing of the batch is kept then.
    pub async fn keep<'a>(&self, batch: &'a Batch) -> Result<Vec<&'a Record>, Error> {
        self.attempt(self.keep_whole(batch)).await
    }

    async fn keep_whole<'a>(&self, batch: &'a Batch) -> Result<Vec<&'a Record>, Error> {
        let Batch { signs, records, opened } = batch;
        // In the order of their ids, so that two control planes that have some in common wait for each other in one direction.
        let sorted = once_each(records);
        let dimensions = if sorted.is_empty() { Default::default() } else { self.dimensions_of(&sorted).await? };
        let mut transaction = self.begin().await?;
        // First of all, as where a VM is written off: whoever has a VM's row decides what becomes of its exchanges.
        note_signs(&mut transaction, self.dialect, signs).await?;
        let new = if sorted.is_empty() {
            HashSet::new()
        } else {
            write_records(&mut transaction, self.dialect, &sorted, &dimensions).await?
        };
        insert_open(&mut transaction, self.dialect, still_open(opened, &sorted)).await?;
        self.commit(transaction).await?;
        Ok(sorted.into_iter().filter(|record| new.contains(record.facts.exchange_id.as_str())).collect())
    }
}

/// Those of these that have no record among these.
fn still_open<'a>(opened: &'a [(String, OpenExchange)], records: &[&Record]) -> Vec<&'a (String, OpenExchange)> {
    let ended: HashSet<&str> = records.iter().map(|record| record.facts.exchange_id.as_str()).collect();
    opened.iter().filter(|(_, exchange)| !ended.contains(exchange.facts.exchange_id.as_str())).collect()
}
