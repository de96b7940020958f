//! From the spool into the store, in order.

use std::{sync::Arc, time::Duration};

use tracing::{error, info};

use super::{
    carrier::{Carrier, Refusal},
    spool::{Error, Numbered, Spool},
};

/// First pause after a failure; doubles up to the longest.
const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Brings entries into the store, and removes them from the spool when it has them. An entry that the store will never take is kept
/// apart, so that those behind it come through.
pub(super) async fn run(spool: Arc<Spool>, carrier: Carrier) {
    // What the store has is not brought again, also where the spool cannot be made smaller.
    let mut after = 0;
    let mut trying = Trying::default();
    loop {
        let entries = match spool.next(after).await {
            Ok(entries) => entries,
            Err(error) => {
                trying.failed(&error).await;
                continue;
            }
        };
        let last = entries.last().map_or(after, |(number, _)| *number);
        let refused = bring(&carrier, &entries).await;
        while !refused.is_empty() {
            match spool.set_aside(&refused).await {
                Ok(()) => break,
                Err(error) => trying.failed(&error).await,
            }
        }
        for (number, reason) in &refused {
            error!(entry = number, error = reason, "the store will never take this of the spool; it is set aside");
        }
        after = last;
        match spool.remove(last).await {
            Ok(()) => trying.worked(),
            Err(error) => trying.failed(&error).await,
        }
    }
}

/// Brings these into the store, however long that takes. Answers the numbers of those of which something is refused, with the reason.
async fn bring(carrier: &Carrier, entries: &[Numbered]) -> Vec<(i64, String)> {
    let batch = carrier.read(entries.iter().filter_map(|(_, entry)| entry.as_ref()));
    let mut pause = MIN_PAUSE;
    let refused = loop {
        // A batch is rarely refused, so it need not be copied before.
        let kept = match carrier.keep(&batch).await {
            Ok(()) => Ok(Vec::new()),
            Err(error) if error.is_of_the_data() => carrier.keep_around_refusals(batch.clone()).await,
            Err(error) => Err(error),
        };
        match kept {
            Ok(refused) => break refused,
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause = (pause * 2).min(MAX_PAUSE);
    };
    let damaged = entries.iter().filter(|(_, entry)| entry.is_none());
    let mut apart: Vec<_> = damaged.map(|(number, _)| (*number, "damaged".to_owned())).collect();
    for (number, entry) in entries {
        let concerned = |(part, _): &&Refusal| {
            let records = part.records.iter().map(|record| record.facts.exchange_id.clone());
            let opened = part.opened.iter().map(|(_, exchange)| exchange.facts.exchange_id.clone());
            let exchanges: Vec<_> = records.chain(opened).collect();
            let vms: Vec<_> = part.signs.keys().cloned().collect();
            entry.as_ref().is_some_and(|entry| entry.concerns(&exchanges, &vms))
        };
        if let Some((_, error)) = refused.iter().find(concerned) {
            apart.push((*number, error.to_string()));
        }
    }
    apart
}

/// Failures of the spool itself, of which the first and the end are logged.
#[derive(Debug, Default)]
struct Trying {
    pause: Option<Duration>,
}

impl Trying {
    async fn failed(&mut self, error: &Error) {
        if self.pause.is_none() {
            error!(%error, "the spool cannot be emptied; trying again until it can");
        }
        let pause = self.pause.map_or(MIN_PAUSE, |pause| (pause * 2).min(MAX_PAUSE));
        self.pause = Some(pause);
        tokio::time::sleep(pause).await;
    }

    fn worked(&mut self) {
        if self.pause.take().is_some() {
            info!("the spool can be emptied again");
        }
    }
}
