//! One thing that a session handed over.

use prost::Message;
use tollgate_proto::v1::{OpenExchanges, Opened, Up, UsageBatch, up};

use super::wire;
use crate::store::{Batch, Sign};

/// What a VM said, or the end of its session.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) vm_id: String,
    pub(super) session: i64,
    /// Milliseconds since the Unix epoch.
    pub(super) received_at: i64,
    /// `None` at the end of the session.
    pub(super) said: Option<Up>,
}

impl Entry {
    /// About how much memory it takes, in bytes.
    pub(super) fn size(&self) -> usize {
        self.said.as_ref().map_or(0, Message::encoded_len)
    }

    /// How many usage records are in it.
    pub(super) fn records(&self) -> usize {
        match self.kind() {
            Some(up::Kind::Usage(UsageBatch { records, .. })) => records.len(),
            _ => 0,
        }
    }

    /// Whether it says something of one of these exchanges, or comes from one of these VMs.
    pub(super) fn concerns(&self, exchanges: &[String], vms: &[String]) -> bool {
        let named = |facts: &Option<tollgate_proto::v1::Facts>| {
            facts.as_ref().is_some_and(|facts| exchanges.contains(&facts.exchange_id))
        };
        let exchange = match self.kind() {
            Some(up::Kind::Usage(batch)) => batch.records.iter().any(|record| named(&record.facts)),
            Some(up::Kind::Opened(Opened { exchanges }) | up::Kind::OpenExchanges(OpenExchanges { exchanges, .. })) => {
                exchanges.iter().any(|exchange| named(&exchange.facts))
            }
            _ => false,
        };
        exchange || vms.contains(&self.vm_id)
    }

    /// What of it is to be kept. What cannot be read, now or later, is left out, and the reasons are added to `malformed`.
    pub(super) fn read(&self, malformed: &mut Vec<wire::InvalidRecord>) -> Batch {
        let Self { vm_id, session, received_at, .. } = self;
        let mut batch = Batch::default();
        let sign = match self.said {
            // Whatever a VM says shows that it lives.
            Some(_) => Sign { session: *session, heard_at: Some(*received_at), ended_at: None },
            None => Sign { session: *session, heard_at: None, ended_at: Some(*received_at) },
        };
        batch.signs.insert(vm_id.clone(), sign);
        match self.kind() {
            Some(up::Kind::Usage(said)) => {
                for record in &said.records {
                    match wire::record(record.clone()) {
                        Ok(record) => batch.records.push(record),
                        Err(error) => malformed.push(error),
                    }
                }
            }
            Some(up::Kind::Opened(Opened { exchanges }) | up::Kind::OpenExchanges(OpenExchanges { exchanges, .. })) => {
                // One that cannot be read has a record that cannot be read either, and is counted then.
                let readable = exchanges.iter().filter_map(|exchange| wire::open_exchange(exchange.clone()).ok());
                batch.opened.extend(readable.map(|exchange| (vm_id.clone(), exchange)));
            }
            _ => {}
        }
        batch
    }

    fn kind(&self) -> Option<&up::Kind> {
        self.said.as_ref()?.kind.as_ref()
    }
}
