//! Closed loop: every connection sends its next request when it has its answer. What comes through is the most there
//! is.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::{Call, Connection, Tally};
use crate::error::Error;

/// Drives all connections for `counted`. Whoever calls has warmed the side up.
pub(crate) async fn saturate(
    connections: Vec<Connection>,
    call: &Call,
    counted: Duration,
) -> Result<(Tally, Vec<Connection>), Error> {
    let mut tasks = JoinSet::new();
    let started = Instant::now();
    let end = started + counted;
    for mut connection in connections {
        let call = call.clone();
        tasks.spawn(async move {
            let mut tally = Tally::new();
            loop {
                let sent = Instant::now();
                if sent >= end {
                    return (tally, connection);
                }
                let outcome = connection.exchange(&call, None).await;
                if outcome.is_err() {
                    // A side that refuses at once must not turn this loop into a busy one.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                tally.add(sent, outcome);
            }
        });
    }
    let mut total = Tally::new();
    let mut connections = Vec::new();
    while let Some(done) = super::open::next_within(&mut tasks, end + PATIENCE).await? {
        total.merge(done.0);
        connections.push(done.1);
    }
    total.counted = started.elapsed();
    Ok((total, connections))
}

/// How long after its end a round may take to come home.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
