//! The spool: what is acknowledged comes into the store once, whatever dies, and nothing is acknowledged that is not durable.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tollgate_control_plane::operate::server::{Error, Options, Pace, Server, SpoolPlace, Wanted};
use tollgate_proto::v1::{Facts, OpenExchange, Opened, up};
use tonic::Code;

use crate::support::{
    database::Database,
    eventually,
    plane::{Plane, SHORT_GRACE, options},
    vm::{Vm, facts, id, open, record},
};

on_each_store! {
    what_is_acknowledged_while_the_store_is_away_is_stored_when_it_is_back,
    what_is_acknowledged_survives_a_kill_while_the_store_is_away,
    what_was_named_survives_a_kill_of_both_while_the_store_is_away,
    an_end_at_any_moment_loses_nothing_that_was_acknowledged,
    a_full_spool_takes_nothing_until_there_is_room,
    nobody_is_written_off_while_signs_of_life_wait_in_the_spool,
    what_many_hand_over_at_once_is_kept_once,
    two_control_planes_do_not_share_a_spool,
    without_a_folder_to_write_in_there_is_no_spool_unless_it_is_wanted,
    without_a_spool_what_was_named_is_lost_with_its_vm,
}

const SILENCE_SOON: Pace = Pace { heartbeat: Duration::from_millis(200), grace: Duration::from_millis(300) };

/// Takes the store's records out of reach: it answers, and can keep nothing.
async fn take_away(database: &Database) {
    database.tamper("alter table usage_records rename to out_of_reach").await;
}

async fn bring_back(database: &Database) {
    database.tamper("alter table out_of_reach rename to usage_records").await;
}

/// The outcome of each exchange on record, in the order of the exchanges' numbers.
async fn outcomes(plane: &Plane) -> Vec<(String, String)> {
    let text = |record: &Value, member: &str| record[member].as_str().expect("text").to_owned();
    let records = plane.records().await;
    let mut outcomes: Vec<_> =
        records.iter().map(|record| (text(record, "exchange_id"), text(record, "outcome"))).collect();
    outcomes.sort();
    outcomes
}

fn all(numbers: impl IntoIterator<Item = u64>, outcome: &str) -> Vec<(String, String)> {
    numbers.into_iter().map(|number| (id(number), outcome.to_owned())).collect()
}

async fn what_is_acknowledged_while_the_store_is_away_is_stored_when_it_is_back(database: Database) {
    let plane = Plane::start(&database).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    assert_eq!(plane.health().await.1["status"], "ok");
    take_away(&database).await;
    vm.state_open(1, vec![open(1), open(2)]).await;
    vm.deliver(2, vec![record(1), record(3)]).await;
    let (code, said) = eventually("that the store is away", async || {
        Some(plane.health().await).filter(|(_, said)| said["store"] == "failing")
    })
    .await;
    // Traffic flows and usage is taken: nobody should restart it.
    assert_eq!((code, &said["status"]), (StatusCode::OK, &json!("degraded")));
    assert!(said["store_unavailable_since"].is_string(), "{said}");
    assert_eq!((&said["spool"]["records"], &said["refusing"]), (&json!(2), &Value::Null));
    assert!(said["spool"]["bytes"].as_u64() > Some(400), "{said}");
    assert_eq!(plane.metric_now("tollgate_spool_records").await, 2.0);
    // The session goes on, and so do others.
    vm.deliver(3, vec![record(2)]).await;
    Vm::connect(&plane, "vm-2").await.deliver(1, vec![record(4)]).await;

    bring_back(&database).await;
    assert_eq!(outcomes(&plane).await, all(1..=4, "success"));
    assert_eq!(plane.metric("tollgate_usage_records_total").await, 4.0);
    let (code, said) = plane.health().await;
    assert_eq!((code, &said["status"], &said["store_unavailable_since"]), (StatusCode::OK, &json!("ok"), &Value::Null));
}

async fn what_is_acknowledged_survives_a_kill_while_the_store_is_away(database: Database) {
    let plane = Plane::start(&database).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    vm.deliver(1, vec![record(1)]).await;
    take_away(&database).await;
    vm.deliver(2, vec![record(2)]).await;
    drop(plane);
    let again = Plane::start(&database).await;
    assert!(again.metric_now("tollgate_spool_records").await >= 1.0);
    let mut vm = Vm::connect(&again, "vm-1").await;
    vm.deliver(3, vec![record(3)]).await;
    drop(again);
    bring_back(&database).await;
    let last = Plane::start(&database).await;
    assert_eq!(outcomes(&last).await, all(1..=3, "success"));
    assert_eq!(last.get("/api/v1/usage?group_by=team").await["groups"][0]["requests"], 3);
}

async fn what_was_named_survives_a_kill_of_both_while_the_store_is_away(database: Database) {
    let plane = Plane::start_at(&database, SILENCE_SOON).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    take_away(&database).await;
    vm.state_open(1, vec![open(1)]).await;
    vm.name(2, vec![open(2), open(3)]).await;
    vm.deliver(3, vec![record(2)]).await;
    drop(plane);
    drop(vm);
    bring_back(&database).await;
    let again = Plane::start_at(&database, SILENCE_SOON).await;
    let ended = eventually("the losses", async || Some(outcomes(&again).await).filter(|ended| ended.len() == 3)).await;
    let mut expected = all([1, 3], "lost");
    expected.insert(1, (id(2), "success".to_owned()));
    assert_eq!(ended, expected);
    assert_eq!(again.metric("tollgate_lost_exchanges_total").await, 2.0);
}

async fn an_end_at_any_moment_loses_nothing_that_was_acknowledged(database: Database) {
    const BATCHES: u64 = 12;
    let mut acknowledged = 0;
    for round in 0..6 {
        let plane = Plane::start(&database).await;
        let mut vm = Vm::connect(&plane, "vm-1").await;
        for batch in acknowledged..acknowledged + BATCHES {
            let exchanges = vec![open(2 * batch), open(2 * batch + 1)];
            vm.send(up::Kind::Opened(Opened { exchanges })).await;
            vm.send_records(batch + 1, vec![record(2 * batch), record(2 * batch + 1)]).await;
        }
        // With the rest at the one or the other place between the stream and the store.
        for _ in 0..2 * round {
            vm.acknowledgement().await.expect("an acknowledgement");
            acknowledged += 1;
        }
        drop(plane);
    }
    let plane = Plane::start(&database).await;
    let ended = outcomes(&plane).await;
    let count = ended.iter().filter(|(_, outcome)| outcome == "success").count();
    assert!(count as u64 >= 2 * acknowledged, "{count} of {acknowledged} batches");
    assert_eq!(ended[..2 * acknowledged as usize], all(0..2 * acknowledged, "success"));
    // What was not acknowledged comes again, and is there once.
    let mut vm = Vm::connect(&plane, "vm-1").await;
    vm.deliver(1, (2 * acknowledged..2 * (acknowledged + BATCHES)).map(record).collect()).await;
    assert_eq!(outcomes(&plane).await, all(0..2 * (acknowledged + BATCHES), "success"));
}

async fn a_full_spool_takes_nothing_until_there_is_room(database: Database) {
    let spool = SpoolPlace { folder: database.data_dir("data"), max_bytes: 300_000, wanted: Wanted::Yes };
    let plane = Plane::start_with(Options { spool: Some(spool), ..options(&database) }, Pace::default()).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    take_away(&database).await;
    let mut acknowledged = 0;
    let status = loop {
        let mut batch = record(acknowledged + 1);
        batch.reason = "x".repeat(20_000);
        vm.send_records(acknowledged + 1, vec![batch]).await;
        match vm.acknowledgement().await {
            Ok(()) => acknowledged += 1,
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.message().contains("spool"), "{status}");
    assert_eq!(acknowledged, 14);
    let (code, said) = plane.health().await;
    assert_eq!((code, &said["status"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("failing")));
    assert!(said["refusing"].as_str().is_some_and(|why| why.contains("full")), "{said}");
    // Even what would fit: the VM gets its configuration, and keeps its records.
    let mut vm = Vm::connect(&plane, "vm-1").await;
    vm.send_records(15, vec![record(15)]).await;
    assert_eq!(vm.ended_by().await.code(), Code::ResourceExhausted);
    assert!(plane.metric_now("tollgate_intake_refusals_total").await >= 2.0);

    bring_back(&database).await;
    plane.settled().await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    vm.deliver(15, vec![record(15)]).await;
    assert_eq!(outcomes(&plane).await, all(1..=15, "success"));
    assert_eq!(plane.health().await.0, StatusCode::OK);
}

async fn nobody_is_written_off_while_signs_of_life_wait_in_the_spool(database: Database) {
    let plane = Plane::start_at(&database, SILENCE_SOON).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    let untagged = || OpenExchange { facts: Some(Facts { tags: Vec::new(), ..facts(1) }), ..open(1) };
    vm.state_open(1, vec![untagged()]).await;
    plane.settled().await;
    // What has tags cannot be stored, and what comes after it waits. A loss without tags could be.
    database.tamper("alter table usage_tags rename to out_of_reach").await;
    vm.deliver(2, vec![record(2)]).await;
    let mut beats = tokio::time::interval(Duration::from_millis(100));
    for beat in 3..28 {
        beats.tick().await;
        vm.state_open(beat, vec![untagged()]).await;
    }
    assert_eq!(plane.metric_now("tollgate_lost_exchanges_total").await, 0.0);
    database.tamper("alter table out_of_reach rename to usage_tags").await;
    assert_eq!(outcomes(&plane).await, all([2], "success"));
    drop(vm);
    eventually("the loss", async || (outcomes(&plane).await.len() == 2).then_some(())).await;
}

async fn what_many_hand_over_at_once_is_kept_once(database: Database) {
    const VMS: u64 = 12;
    const BATCHES: u64 = 8;
    let plane = Plane::start_at(&database, SHORT_GRACE).await;
    let mut vms = Vec::new();
    for number in 0..VMS {
        vms.push(Vm::connect(&plane, &format!("vm-{number}")).await);
    }
    for batch in 0..BATCHES {
        for (vm, number) in vms.iter().zip(0..) {
            let first = (number * BATCHES + batch) * 10;
            vm.send(up::Kind::Opened(Opened { exchanges: (first..first + 10).map(open).collect() })).await;
            // Of each ten the last stays open.
            vm.send_records(batch + 1, (first..first + 9).map(record).collect()).await;
        }
    }
    for vm in &mut vms {
        for _ in 0..BATCHES {
            vm.acknowledgement().await.expect("every batch is acknowledged");
        }
    }
    drop(vms);
    let total = VMS * BATCHES * 10;
    let outcomes =
        eventually("all of them", async || Some(outcomes(&plane).await).filter(|ended| ended.len() as u64 == total))
            .await;
    for (at, (exchange, outcome)) in outcomes.iter().enumerate() {
        let expected = if at % 10 == 9 { "lost" } else { "success" };
        assert_eq!((exchange, outcome.as_str()), (&id(at as u64), expected));
    }
}

async fn two_control_planes_do_not_share_a_spool(database: Database) {
    let plane = Plane::start(&database).await;
    let error = Server::start(options(&database)).await.expect_err("the first has it");
    assert!(matches!(error, Error::Spool(_)), "{error}");
    assert!(error.to_string().contains("another control plane") && error.to_string().contains("--data-dir"), "{error}");
    plane.stop().await;
    Server::start(options(&database)).await.expect("the first has given it back");
}

async fn without_a_folder_to_write_in_there_is_no_spool_unless_it_is_wanted(database: Database) {
    let file = database.data_dir("file");
    std::fs::write(&file, "").expect("a file");
    let place = |wanted| Some(SpoolPlace { folder: file.join("data"), max_bytes: 64 << 20, wanted });
    let wanted = Options { spool: place(Wanted::Yes), ..options(&database) };
    let error = Server::start(wanted).await.expect_err("there is no such folder");
    assert!(matches!(error, Error::Spool(_)), "{error}");
    let plane =
        Plane::start_with(Options { spool: place(Wanted::IfPossible), ..options(&database) }, Pace::default()).await;
    assert_eq!(plane.health().await.1["spool"], Value::Null);
    Vm::connect(&plane, "vm-1").await.deliver(1, vec![record(1)]).await;
    assert_eq!(outcomes(&plane).await, all([1], "success"));
}

async fn without_a_spool_what_was_named_is_lost_with_its_vm(database: Database) {
    let plane = Plane::start_with(Options { spool: None, ..options(&database) }, SHORT_GRACE).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    vm.state_open(1, vec![open(1)]).await;
    vm.name(2, vec![open(2), open(3)]).await;
    vm.deliver(3, vec![record(3)]).await;
    drop(vm);
    let ended = eventually("the losses", async || Some(outcomes(&plane).await).filter(|ended| ended.len() == 3)).await;
    assert_eq!(ended[..2], all([1, 2], "lost"));
}
