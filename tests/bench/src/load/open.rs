//! Open loop: requests leave on a schedule, whether or not answers come, and time counts from the schedule. So a side
//! that stalls cannot hide it by being asked less.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{Mutex, mpsc},
    task::JoinSet,
};

use super::{Call, Connection, Tally, closed::PATIENCE};
use crate::error::Error;

/// Sends `rate` requests per second for `counted`, evenly spaced; one that finds no free connection waits for one.
pub(crate) async fn at_rate(
    connections: Vec<Connection>,
    call: &Call,
    rate: f64,
    counted: Duration,
) -> Result<(Tally, Vec<Connection>), Error> {
    let (departures, queue) = mpsc::unbounded_channel();
    let queue = Arc::new(Mutex::new(queue));
    let started = Instant::now();
    // A thread, because the runtime's timer knows only milliseconds.
    let pacer = std::thread::spawn(move || {
        let due = (0u32..).map(|i| Duration::from_secs_f64(f64::from(i) / rate)).take_while(|after| *after < counted);
        for departure in due.map(|after| started + after) {
            std::thread::sleep(departure.saturating_duration_since(Instant::now()));
            if departures.send(departure).is_err() {
                return;
            }
        }
    });
    let mut tasks = JoinSet::new();
    for mut connection in connections {
        let (call, queue) = (call.clone(), Arc::clone(&queue));
        tasks.spawn(async move {
            let mut tally = Tally::new();
            loop {
                let Some(departure) = queue.lock().await.recv().await else { return (tally, connection) };
                let outcome = connection.exchange(&call, None).await;
                tally.add(departure, outcome);
            }
        });
    }
    let mut total = Tally::new();
    let mut connections = Vec::new();
    while let Some(done) = next_within(&mut tasks, started + counted + PATIENCE).await? {
        total.merge(done.0);
        connections.push(done.1);
    }
    total.counted = started.elapsed();
    pacer.join().map_err(|_| Error::Stuck)?;
    Ok((total, connections))
}

/// The next task that ends, or [`Error::Stuck`] when none has by `deadline`.
pub(super) async fn next_within<T: 'static>(tasks: &mut JoinSet<T>, deadline: Instant) -> Result<Option<T>, Error> {
    match tokio::time::timeout_at(deadline.into(), tasks.join_next()).await {
        Ok(joined) => joined.transpose().map_err(|_| Error::Stuck),
        Err(_) => Err(Error::Stuck),
    }
}
