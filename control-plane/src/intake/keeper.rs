//! What makes durable what sessions hand over, that of several sessions in one transaction.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tracing::{error, info};

use super::{Refused, Shared, carrier::Carrier, entry::Entry, spool::Spool};
use crate::store::now_ms;

/// What the keeper is asked to do.
#[derive(Debug)]
pub(super) enum Job {
    /// Make an entry durable, then answer.
    Keep(Entry, oneshot::Sender<Result<(), Refused>>),
    /// Answer once all that was asked before is done.
    Fence(oneshot::Sender<()>),
}

/// Where entries become durable.
#[derive(Debug)]
pub(super) enum Sink {
    Spool(Arc<Spool>),
    Store(Carrier),
}

/// Most entries, and about the most bytes, of one transaction.
const GROUP: usize = 1_000;
const GROUP_BYTES: usize = 8 << 20;

/// Runs until nobody can ask any more.
pub(super) async fn run(mut jobs: mpsc::Receiver<Job>, sink: Sink, shared: Arc<Shared>) {
    while let Some(job) = jobs.recv().await {
        let (mut entries, mut answers, mut fences, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), 0);
        let mut next = Some(job);
        while let Some(job) = next {
            match job {
                Job::Keep(entry, answer) => {
                    bytes += entry.size();
                    entries.push(entry);
                    answers.push(answer);
                }
                Job::Fence(answer) => fences.push(answer),
            }
            let room = entries.len() < GROUP && bytes < GROUP_BYTES;
            next = if room { jobs.try_recv().ok() } else { None };
        }
        let outcomes = sink.keep(&entries).await;
        note(&outcomes, &shared);
        // An error of these means that the session is gone, which has been told nothing then.
        for (answer, outcome) in answers.into_iter().zip(outcomes) {
            let _ = answer.send(outcome);
        }
        for answer in fences {
            let _ = answer.send(());
        }
    }
}

impl Sink {
    /// What came of each entry.
    async fn keep(&self, entries: &[Entry]) -> Vec<Result<(), Refused>> {
        match self {
            Self::Spool(_) | Self::Store(_) if entries.is_empty() => Vec::new(),
            Self::Spool(spool) => match spool.append(entries).await {
                Ok(kept) => (0..entries.len()).map(|at| if at < kept { Ok(()) } else { Err(Refused::Full) }).collect(),
                Err(error) => {
                    let said: Arc<str> = error.to_string().into();
                    entries.iter().map(|_| Err(Refused::Spool(said.clone()))).collect()
                }
            },
            Self::Store(carrier) => {
                let batch = carrier.read(entries);
                let kept = match carrier.keep(&batch).await {
                    Err(error) if error.is_of_the_data() => carrier.keep_or_lose(batch).await,
                    kept => kept,
                };
                entries.iter().map(|_| if kept.is_ok() { Ok(()) } else { Err(Refused::Store) }).collect()
            }
        }
    }
}

/// Counts refusals, and logs the first of several and the end of them.
fn note(outcomes: &[Result<(), Refused>], shared: &Shared) {
    let mut refusing = shared.refusing();
    for outcome in outcomes {
        match outcome {
            Ok(()) => {
                if refusing.take().is_some() {
                    info!("what VMs hand over is taken again");
                }
            }
            Err(refused) => {
                shared.metrics.refusals.inc();
                shared.refused_at(now_ms());
                if refusing.replace(refused.clone()).is_none() {
                    error!(error = %refused, "what VMs hand over cannot be taken; they keep their records and try again");
                }
            }
        }
    }
}
