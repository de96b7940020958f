//! How fast the spool and the store behind it are. Run by hand (docs/adr/0008-spool.md has what came out):
//!
//!     tools/with-postgres cargo nextest run -p tollgate-control-plane --run-ignored only --no-capture spool_pace

use std::time::Instant;

use tollgate_proto::v1::{Opened, up};

use crate::support::{
    database::{Database, on_postgres, on_sqlite},
    plane::{Plane, SHORT_GRACE},
    vm::{Vm, open, record},
};

const VMS: u64 = 8;

#[tokio::test]
#[ignore = "a measurement, not a test"]
async fn on_an_sqlite_store() {
    on_sqlite(measure).await;
}

#[tokio::test]
#[ignore = "a measurement, not a test"]
async fn on_a_postgres_store() {
    on_postgres(measure).await;
}

async fn measure(database: Database) {
    let plane = Plane::start_at(&database, SHORT_GRACE).await;
    let mut vms = Vec::new();
    for number in 0..VMS {
        vms.push(Vm::connect(&plane, &format!("vm-{number}")).await);
    }
    let mut next = 0;
    // An outbox after an outage: full batches, and nothing was named.
    run(&plane, &mut vms, &mut next, 10, 500, false).await;
    // A busy day: a few exchanges at each tick, all of them open in the store before they end.
    run(&plane, &mut vms, &mut next, 60, 12, true).await;
}

/// So many rounds of a batch of so many records from each VM.
async fn run(plane: &Plane, vms: &mut [Vm], next: &mut u64, rounds: u64, batch: u64, named: bool) {
    let began = Instant::now();
    for round in 0..rounds {
        for vm in vms.iter() {
            let numbers = *next..*next + batch;
            *next += batch;
            if named {
                // Those that end in the next round, so that they are open in the store by then.
                let exchanges = numbers.clone().map(|number| open(number + VMS * batch)).collect();
                vm.send(up::Kind::Opened(Opened { exchanges })).await;
            }
            vm.send_records(round + 1, numbers.map(record).collect()).await;
        }
        for vm in vms.iter_mut() {
            vm.acknowledgement().await.expect("an acknowledgement");
        }
    }
    let acknowledged = began.elapsed();
    plane.settled().await;
    let stored = began.elapsed();
    let records = (rounds * VMS * batch) as f64;
    eprintln!(
        "{records} records in batches of {batch}, named {named}: acknowledged {:.0}/s ({:.1} ms a round), stored {:.0}/s",
        records / acknowledged.as_secs_f64(),
        acknowledged.as_secs_f64() * 1_000.0 / rounds as f64,
        records / stored.as_secs_f64(),
    );
}
