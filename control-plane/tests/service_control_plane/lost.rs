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
    a_vm_that_never_returns_after_a_restart_is_gone,
    a_vm_that_comes_back_in_time_loses_nothing,
    a_vm_may_come_back_to_another_control_plane,
    the_truth_replaces_what_was_lost,
    an_exchange_on_record_is_never_lost,
    what_leaves_the_list_without_a_record_is_lost_with_its_vm,
    what_was_named_a_moment_ago_is_lost_with_its_vm,
    the_late_end_of_an_old_session_does_not_end_the_new_one,
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
    let heard = |session| Sign { session, heard_at: Some(1), ended_at: None };
    let ended = |session| Sign { session, heard_at: None, ended_at: Some(2) };
    let keep = async |sign, opened| {
        let batch = Batch { signs: [("vm-1".to_owned(), sign)].into(), opened, ..Batch::default() };
        store.keep(&batch).await.expect("the store works");
    };
    let exchange = OpenExchange { facts: Facts { exchange_id: id(1), ..Facts::default() }, ..OpenExchange::default() };
    keep(heard(1), Vec::new()).await;
    keep(heard(2), vec![("vm-1".to_owned(), exchange)]).await;
    // Another control plane notices only now that the first session's connection is dead.
    keep(ended(1), Vec::new()).await;
    assert_eq!(store.write_off(i64::MIN, i64::MAX).await.expect("the store works"), 0);
    keep(ended(2), Vec::new()).await;
    assert_eq!(store.write_off(i64::MIN, i64::MAX).await.expect("the store works"), 1);
}
