//! What one VM has open, as people see it.

use std::collections::HashSet;

use tollgate_core::words::ExchangeId;
use tollgate_proto::v1::{OpenExchange, UsageRecord};

/// The most exchanges that are remembered of one VM: more of them are not counted.
const MOST: usize = 100_000;

/// What a VM has open, by the ids of the exchanges. Only for its number: what is lost with the VM is the store's to know.
#[derive(Default)]
pub(super) struct Open {
    now: HashSet<ExchangeId>,
    /// What has come of a list that goes on.
    listed: HashSet<ExchangeId>,
}

impl Open {
    pub(super) fn len(&self) -> usize {
        self.now.len()
    }

    pub(super) fn opened(&mut self, exchanges: &[OpenExchange]) {
        add(&mut self.now, exchanges);
    }

    /// A part of the whole list, which goes on or ends.
    pub(super) fn listed(&mut self, exchanges: &[OpenExchange], more: bool) {
        add(&mut self.listed, exchanges);
        if !more {
            self.now = std::mem::take(&mut self.listed);
        }
    }

    pub(super) fn ended(&mut self, records: &[UsageRecord]) {
        for facts in records.iter().filter_map(|record| record.facts.as_ref()) {
            if let Some(id) = ExchangeId::parse(facts.exchange_id.as_bytes()) {
                self.now.remove(&id);
            }
        }
    }
}

fn add(ids: &mut HashSet<ExchangeId>, exchanges: &[OpenExchange]) {
    let facts = exchanges.iter().filter_map(|exchange| exchange.facts.as_ref());
    let added = facts.filter_map(|facts| ExchangeId::parse(facts.exchange_id.as_bytes()));
    let room = MOST.saturating_sub(ids.len());
    ids.extend(added.take(room));
}

#[cfg(test)]
mod tests {
    use tollgate_proto::v1::Facts;

    use super::*;

    fn named(exchange_id: String) -> OpenExchange {
        let facts = Facts { exchange_id, ..Facts::default() };
        OpenExchange { facts: Some(facts), ..OpenExchange::default() }
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let mut open = Open::default();
        for part in 0..5 {
            let exchanges: Vec<_> =
                (0..30_000).map(|number| named(format!("{:032x}", part * 30_000 + number))).collect();
            open.opened(&exchanges);
            open.listed(&exchanges, true);
            assert!(open.now.len() <= MOST && open.listed.len() <= MOST);
        }
        open.listed(&[], false);
        assert_eq!((open.len(), open.listed.len()), (MOST, 0));
    }

    #[test]
    fn what_is_no_id_is_not_remembered() {
        let mut open = Open::default();
        open.opened(&[named("x".repeat(1 << 20)), OpenExchange::default(), named(format!("{:032x}", 7))]);
        assert_eq!(open.len(), 1);
        let facts = Some(Facts { exchange_id: format!("{:032x}", 7), ..Facts::default() });
        open.ended(&[UsageRecord { facts, ..UsageRecord::default() }]);
        assert_eq!(open.len(), 0);
    }
}
