//! From the spool into the store, in order.

use std::{sync::Arc, time::Duration};

use tracing::{error, info};

use super::{
    Shared,
    carrier::{Carrier, Refusal},
    spool::{Error, Kept, Spool},
};

/// First pause after a failure; doubles up to the longest.
const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Brings entries into the store, and removes them from the spool when it has them. An entry that the store will never take is kept
/// apart, so that those behind it come through.
pub(super) async fn run(spool: Arc<Spool>, shared: Arc<Shared>) {
    // What the store has is not brought again while it cannot be removed, but after a restart, which changes nothing.
    let mut after = 0;
    let mut trying = Trying { shared: &shared, pause: None };
    loop {
        // What could not be removed is tried again also where nothing more comes.
        let next = match trying.pause {
            None => spool.next(after).await,
            Some(pause) => tokio::time::timeout(pause, spool.next(after)).await.unwrap_or(Ok(Vec::new())),
        };
        let entries = match next {
            Ok(entries) => entries,
            Err(error) => {
                trying.failed(&error);
                trying.wait().await;
                continue;
            }
        };
        let last = entries.last().map_or(after, |kept| kept.number);
        let refused = bring(&shared.carrier, &entries).await;
        while !refused.is_empty()
            && let Err(error) = spool.set_aside(&refused).await
        {
            trying.failed(&error);
            trying.wait().await;
        }
        for (number, reason) in &refused {
            error!(entry = number, error = reason, "the store will never take this of the spool; it is set aside");
        }
        after = last;
        match spool.remove(last).await {
            Ok(()) => trying.worked(),
            Err(error) => trying.failed(&error),
        }
    }
}

/// Brings these into the store, however long that takes. Answers the numbers of those of which something is refused, with the reason.
async fn bring(carrier: &Carrier, entries: &[Kept]) -> Vec<(i64, String)> {
    if entries.is_empty() {
        return Vec::new();
    }
    let batch = carrier.read(entries.iter().filter_map(|kept| kept.entry.as_ref()));
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
    let mut apart = Vec::new();
    for Kept { number, entry } in entries {
        let Some(entry) = entry else {
            apart.push((*number, "damaged".to_owned()));
            continue;
        };
        let concerned = |refusal: &&Refusal| {
            let vms: Vec<_> = refusal.part.signs.keys().cloned().collect();
            entry.concerns(&refusal.exchanges(), &vms)
        };
        if let Some(refusal) = refused.iter().find(concerned) {
            apart.push((*number, refusal.error.to_string()));
        }
    }
    apart
}

/// Failures of the spool itself, of which the first and the end are logged.
struct Trying<'a> {
    shared: &'a Shared,
    pause: Option<Duration>,
}

impl Trying<'_> {
    fn failed(&mut self, error: &Error) {
        if self.pause.is_none() {
            error!(%error, "the spool cannot be emptied; trying again until it can");
            self.shared.emptying_fails(true);
        }
        self.pause = Some(self.pause.map_or(MIN_PAUSE, |pause| (pause * 2).min(MAX_PAUSE)));
    }

    async fn wait(&self) {
        tokio::time::sleep(self.pause.unwrap_or(MIN_PAUSE)).await;
    }

    fn worked(&mut self) {
        if self.pause.take().is_some() {
            info!("the spool can be emptied again");
            self.shared.emptying_fails(false);
        }
    }
}
