//! Exchanges whose VM is gone: on record as lost, once, and never where the truth is known.

use std::time::Duration;

use serde_json::Value;
use tollgate_control_plane::{
    domain::record::{Facts, OpenExchange},
    operate::server::Pace,
    store::{Batch, Sign, Store},
};
use tonic::Code;

use crate::support::{
    database::Database,
    eventually,
    plane::{Plane, SHORT_GRACE},
    vm::{Vm, id, open, record},
};

on_each_store! {
    what_a_vm_had_open_is_lost_when_it_does_not_come_back,
    a_list_of_open_exchanges_in_parts_is_one_list,
    two_control_planes_write_off_an_exchange_once,
    a_vm_that_is_silent_is_gone,
    a_clock_that_was_ahead_hides_no_loss,
    a_vm_that_never_returns_after_a_restart_is_gone,
    a_vm_that_comes_back_in_time_loses_nothing,
    a_vm_may_come_back_to_another_control_plane,
    the_truth_replaces_what_was_lost,
    an_exchange_on_record_is_never_lost,
    what_leaves_the_list_without_a_record_is_lost_with_its_vm,
    what_was_named_a_moment_ago_is_lost_with_its_vm,
    the_late_end_of_an_old_session_does_not_end_the_new_one,
    what_is_brought_late_of_an_old_session_does_not_end_the_new_one,
    the_last_of_several_ends_in_one_batch_counts,
    batches_that_begin_and_end_the_same_vms_do_not_lock_each_other_out,
    a_vm_that_cannot_be_written_off_is_told_of_beside_those_that_are,
}

const SILENCE_SOON: Pace = Pace { heartbeat: Duration::from_millis(200), grace: Duration::from_millis(300) };

/// Waits until an exchange is on record as lost.
async fn until_lost(plane: &Plane, number: u64) -> Value {
    eventually("the loss", async || {
        plane
            .records()
            .await
            .into_iter()
            .find(|record| record["exchange_id"] == id(number) && record["outcome"] == "lost")
    })
    .await
}

/// Loses an exchange of another VM and waits until that is on record: whatever else was due by now has been dealt with.
async fn lose_a_marker(plane: &Plane, number: u64) {
    let mut marker = Vm::connect(plane, &format!("marker-{number}")).await;
    marker.state_open(1, vec![open(number)]).await;
    drop(marker);
    until_lost(plane, number).await;
}

async fn outcomes(plane: &Plane, number: u64) -> Vec<Value> {
    let records = plane.records().await.into_iter();
    records.filter(|record| record["exchange_id"] == id(number)).map(|mut record| record["outcome"].take()).collect()
}

async fn what_a_vm_had_open_is_lost_when_it_does_not_come_back(database: Database) {
    let plane = Plane::start_at(&database, SHORT_GRACE).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    vm.state_open(1, vec![open(1), open(2)]).await;
    drop(vm);
    let lost = until_lost(&plane, 1).await;
    until_lost(&plane, 2).await;
    assert_eq!((&lost["model"], &lost["team"]), (&Value::from("gpt-4o"), &Value::from("red")));
    assert_eq!((&lost["key_id"], &lost["key_name"]), (&Value::from("key_0000000000000001"), &Value::from("dev")));
    assert_eq!((&lost["provenance"], &lost["status"]), (&Value::from("none"), &Value::from(0)));
    assert!(lost["input"].is_null() && lost["charged_nanousd"].is_null(), "a loss is not free of charge: {lost}");
    assert_eq!(plane.records().await.len(), 2);
}

async fn a_list_of_open_exchanges_in_parts_is_one_list(database: Database) {
    let plane = Plane::start_at(&database, SHORT_GRACE).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    vm.state_open_in_parts(1, vec![vec![open(1)], vec![open(2)], vec![open(3)]]).await;
    assert_eq!(plane.get("/api/v1/snapshot").await["vms"][0]["open_exchanges"], 3);
    drop(vm);
    until_lost(&plane, 1).await;
    until_lost(&plane, 2).await;
    until_lost(&plane, 3).await;
}

async fn two_control_planes_write_off_an_exchange_once(database: Database) {
    let (one, other) =
        (Plane::start_at(&database, SHORT_GRACE).await, Plane::start_beside_at(&database, SHORT_GRACE).await);
    let mut vm = Vm::connect(&one, "vm-1").await;
    vm.state_open(1, vec![open(1)]).await;
    drop(vm);
    until_lost(&one, 1).await;
    lose_a_marker(&one, 2).await;
    lose_a_marker(&other, 3).await;
    let written_off = eventually("the count of all three losses", async || {
        let sum =
            one.metric("tollgate_lost_exchanges_total").await + other.metric("tollgate_lost_exchanges_total").await;
        (sum >= 3.0).then_some(sum)
    })
    .await;
    assert_eq!(written_off, 3.0);
    assert_eq!(outcomes(&other, 1).await, ["lost"]);
}

async fn a_clock_that_was_ahead_hides_no_loss(database: Database) {
    let plane = Plane::start_at(&database, SHORT_GRACE).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    vm.state_open(1, vec![open(1)]).await;
    plane.settled().await;
    database.tamper("update vms set heard_at = heard_at + 3600000").await;
    drop(vm);
    until_lost(&plane, 1).await;
}

async fn a_vm_that_is_silent_is_gone(database: Database) {
    let plane = Plane::start_at(&database, SILENCE_SOON).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    vm.state_open(1, vec![open(1)]).await;
    // The stream stays open, as that of a VM that trapped does.
    assert_eq!(vm.ended_by().await.code(), Code::DeadlineExceeded);
    until_lost(&plane, 1).await;
}

async fn a_vm_that_never_returns_after_a_restart_is_gone(database: Database) {
    let plane = Plane::start_at(&database, SILENCE_SOON).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    vm.state_open(1, vec![open(1)]).await;
    drop(plane);
    drop(vm);
    let again = Plane::start_at(&database, SILENCE_SOON).await;
    until_lost(&again, 1).await;
    assert_eq!(again.records().await.len(), 1);
}

async fn a_vm_that_comes_back_in_time_loses_nothing(database: Database) {
    let plane = Plane::start_at(&database, SHORT_GRACE).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    vm.state_open(1, vec![open(1)]).await;
    drop(vm);
    let mut back = Vm::connect(&plane, "vm-1").await;
    lose_a_marker(&plane, 2).await;
    lose_a_marker(&plane, 3).await;
    assert!(outcomes(&plane, 1).await.is_empty());
    back.deliver(1, vec![record(1)]).await;
    assert_eq!(outcomes(&plane, 1).await, ["success"]);
}

async fn a_vm_may_come_back_to_another_control_plane(database: Database) {
    let (one, other) =
        (Plane::start_at(&database, SHORT_GRACE).await, Plane::start_beside_at(&database, SHORT_GRACE).await);
    let mut vm = Vm::connect(&one, "vm-1").await;
    vm.state_open(1, vec![open(1)]).await;
    drop(vm);
    let mut back = Vm::connect(&other, "vm-1").await;
    back.state_open(1, vec![open(1)]).await;
    lose_a_marker(&one, 2).await;
    lose_a_marker(&other, 3).await;
    assert!(outcomes(&one, 1).await.is_empty());
}

async fn the_truth_replaces_what_was_lost(database: Database) {
    let plane = Plane::start_at(&database, SHORT_GRACE).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    vm.state_open(1, vec![open(1)]).await;
    drop(vm);
    until_lost(&plane, 1).await;
    let mut back = Vm::connect(&plane, "vm-1").await;
    back.deliver(1, vec![record(1)]).await;
    let records = plane.records().await;
    assert_eq!(records.len(), 1);
    assert_eq!(
        (&records[0]["outcome"], &records[0]["charged_nanousd"]),
        (&Value::from("success"), &Value::from(2_500))
    );
}

async fn an_exchange_on_record_is_never_lost(database: Database) {
    let plane = Plane::start_at(&database, SHORT_GRACE).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    vm.state_open(1, vec![open(1)]).await;
    vm.deliver(2, vec![record(1)]).await;
    // An old list that arrives late.
    vm.state_open(3, vec![open(1)]).await;
    drop(vm);
    lose_a_marker(&plane, 2).await;
    lose_a_marker(&plane, 3).await;
    assert_eq!(outcomes(&plane, 1).await, ["success"]);
    assert_eq!(plane.metric("tollgate_lost_exchanges_total").await, 2.0);
}

async fn what_leaves_the_list_without_a_record_is_lost_with_its_vm(database: Database) {
    let plane = Plane::start_at(&database, SHORT_GRACE).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    vm.state_open(1, vec![open(1), open(2), open(3)]).await;
    // It has ended, and its record waits in the VM's outbox, which goes with the VM.
    vm.state_open(2, vec![open(2)]).await;
    vm.deliver(3, vec![record(3)]).await;
    drop(vm);
    until_lost(&plane, 1).await;
    until_lost(&plane, 2).await;
    assert_eq!(outcomes(&plane, 3).await, ["success"]);
}

async fn what_was_named_a_moment_ago_is_lost_with_its_vm(database: Database) {
    let plane = Plane::start_at(&database, SHORT_GRACE).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    vm.state_open(1, vec![open(1)]).await;
    vm.name(2, vec![open(2), open(3)]).await;
    vm.deliver(3, vec![record(3)]).await;
    vm.name(4, vec![open(4)]).await;
    assert_eq!(plane.get("/api/v1/snapshot").await["vms"][0]["open_exchanges"], 3);
    drop(vm);
    for number in [1, 2, 4] {
        until_lost(&plane, number).await;
    }
    assert_eq!(outcomes(&plane, 3).await, ["success"]);
    assert_eq!(plane.records().await.len(), 4);
}

async fn the_late_end_of_an_old_session_does_not_end_the_new_one(database: Database) {
    let store = Store::open(&database.url).await.expect("the store opens");
    store.keep(&signs([("vm-1", heard(1, 1))])).await.expect("the store works");
    store.keep(&with_open(signs([("vm-1", heard(2, 1))]))).await.expect("the store works");
    // Another control plane notices only now that the first session's connection is dead.
    store.keep(&signs([("vm-1", ended(1, 2))])).await.expect("the store works");
    assert_eq!(store.write_off(i64::MIN, i64::MAX).await.lost, 0);
    store.keep(&signs([("vm-1", ended(2, 2))])).await.expect("the store works");
    assert_eq!(store.write_off(i64::MIN, i64::MAX).await.lost, 1);
}

const fn heard(session: i64, at: i64) -> Sign {
    Sign { session, heard_at: Some(at), ended_at: None }
}

const fn ended(session: i64, at: i64) -> Sign {
    Sign { session, heard_at: None, ended_at: Some(at) }
}

/// What was heard of some VMs, one after the other.
fn signs<'a>(signs: impl IntoIterator<Item = (&'a str, Sign)>) -> Batch {
    let mut batch = Batch::default();
    for (vm_id, sign) in signs {
        batch.add(Batch { signs: [(vm_id.to_owned(), sign)].into(), ..Batch::default() });
    }
    batch
}

/// Names exchange 1 as one of `vm-1`.
fn with_open(mut batch: Batch) -> Batch {
    let exchange = OpenExchange { facts: Facts { exchange_id: id(1), ..Facts::default() }, ..OpenExchange::default() };
    batch.opened.push(("vm-1".to_owned(), exchange));
    batch
}

async fn what_is_brought_late_of_an_old_session_does_not_end_the_new_one(database: Database) {
    let store = Store::open(&database.url).await.expect("the store opens");
    store.keep(&with_open(signs([("vm-1", heard(2, 100))]))).await.expect("the store works");
    // Another control plane has these in its spool, from before the VM came here.
    store.keep(&signs([("vm-1", heard(1, 50))])).await.expect("the store works");
    store.keep(&signs([("vm-1", ended(1, 60))])).await.expect("the store works");
    store.keep(&signs([("vm-1", heard(1, 50)), ("vm-1", ended(1, 60))])).await.expect("the store works");
    assert_eq!(store.write_off(i64::MIN, i64::MAX).await.lost, 0);
    store.keep(&signs([("vm-1", ended(2, 90))])).await.expect("the store works");
    assert_eq!(store.write_off(i64::MIN, 100).await.lost, 0, "it was heard of after that");
    assert_eq!(store.write_off(i64::MIN, 101).await.lost, 1);
}

async fn the_last_of_several_ends_in_one_batch_counts(database: Database) {
    let store = Store::open(&database.url).await.expect("the store opens");
    store.keep(&with_open(signs([("vm-1", heard(2, 1))]))).await.expect("the store works");
    store.keep(&signs([("vm-1", ended(1, 2)), ("vm-1", ended(2, 3))])).await.expect("the store works");
    assert_eq!(store.write_off(i64::MIN, i64::MAX).await.lost, 1);
}

async fn batches_that_begin_and_end_the_same_vms_do_not_lock_each_other_out(database: Database) {
    let stores = [Store::open(&database.url).await, Store::open(&database.url).await];
    let [one, other] = stores.map(|store| store.expect("the store opens"));
    one.keep(&signs([("vm-a", heard(1, 1)), ("vm-b", heard(2, 1))])).await.expect("the store works");
    let alternate = async |store: Store, begins: &str, ends: &str, session| {
        for at in 2..150 {
            let batch = signs([(begins, heard(3 - session, at)), (ends, ended(session, at))]);
            store.keep(&batch).await.expect("nobody is in the way for good");
        }
    };
    tokio::join!(alternate(one, "vm-b", "vm-a", 1), alternate(other, "vm-a", "vm-b", 2));
}

async fn a_vm_that_cannot_be_written_off_is_told_of_beside_those_that_are(database: Database) {
    let store = Store::open(&database.url).await.expect("the store opens");
    let mut batch = with_open(signs([("vm-1", heard(1, 1)), ("vm-2", heard(2, 1))]));
    let facts = Facts { exchange_id: id(2), model: "poison".to_owned(), ..Facts::default() };
    batch.opened.push(("vm-2".to_owned(), OpenExchange { facts, ..OpenExchange::default() }));
    store.keep(&batch).await.expect("the store works");
    database.refuse_poison().await;
    let written_off = store.write_off(i64::MAX, i64::MIN).await;
    assert_eq!(written_off.lost, 1);
    assert!(written_off.failed.is_some_and(|error| error.to_string().contains("poison")));
}
