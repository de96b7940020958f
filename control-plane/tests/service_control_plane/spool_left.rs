//! A spool that is there at the start: what is in it was acknowledged, so it is brought into the store or said to be in the way.

use std::fs;

use serde_json::{Value, json};
use tollgate_control_plane::operate::server::{Pace, Server, Wanted};
use tonic::Code;

use crate::support::{
    database::Database,
    eventually,
    plane::{Plane, wanting},
    vm::{Vm, ids, record},
};

on_each_store! {
    what_is_left_in_a_spool_comes_into_the_store_where_none_is_wanted,
    a_spool_that_cannot_be_written_is_not_passed_over_where_it_holds_something,
    a_folder_where_sqlite_cannot_write_is_one_without_a_spool,
    a_spool_that_cannot_be_read_is_not_passed_over,
    a_spool_of_a_newer_version_is_left_to_it,
    what_is_damaged_in_a_spool_is_set_aside_and_holds_up_nothing,
}

/// Leaves a spool with the record of exchange 1, which the store cannot keep until [`bring_back`].
async fn leave_a_record(database: &Database) {
    let plane = Plane::start(database).await;
    database.tamper("alter table usage_records rename to out_of_reach").await;
    Vm::connect(&plane, "vm-1").await.deliver(1, vec![record(1)]).await;
}

async fn bring_back(database: &Database) {
    database.tamper("alter table out_of_reach rename to usage_records").await;
}

/// Why a control plane does not start.
async fn refusal(database: &Database, wanted: Wanted) -> String {
    Server::start(wanting(database, wanted)).await.expect_err("it does not start").to_string()
}

async fn what_is_left_in_a_spool_comes_into_the_store_where_none_is_wanted(database: Database) {
    leave_a_record(&database).await;
    let plane = Plane::start_with(wanting(&database, Wanted::No), Pace::default()).await;
    let (_, said) = plane.health().await;
    assert_eq!((&said["acknowledged_by"], &said["spool"]["records"]), (&json!("store"), &json!(1)), "{said}");
    let mut vm = Vm::connect(&plane, "vm-1").await;
    vm.send_records(2, vec![record(2)]).await;
    assert_eq!(vm.ended_by().await.code(), Code::Unavailable, "it is not appended to");
    bring_back(&database).await;
    assert_eq!(plane.recorded().await, ids([1]));
    Vm::connect(&plane, "vm-1").await.deliver(2, vec![record(2)]).await;
    assert_eq!(plane.recorded().await, ids([1, 2]));
    plane.stop().await;

    let again = Plane::start_with(wanting(&database, Wanted::No), Pace::default()).await;
    assert_eq!(again.health().await.1["spool"], Value::Null);
    assert_eq!(again.recorded().await, ids([1, 2]));
}

async fn a_spool_that_cannot_be_written_is_not_passed_over_where_it_holds_something(database: Database) {
    leave_a_record(&database).await;
    let lock = database.data_dir("data").join("spool.lock");
    fs::remove_file(&lock).expect("it is there");
    fs::create_dir(&lock).expect("a folder in its place");
    for wanted in [Wanted::No, Wanted::IfPossible] {
        let said = refusal(&database, wanted).await;
        assert!(said.contains("spool.db may hold usage") && said.contains("spool.lock cannot be written"), "{said}");
    }
    fs::remove_dir(&lock).expect("it is empty");
    bring_back(&database).await;
    assert_eq!(Plane::start(&database).await.recorded().await, ids([1]));
}

async fn a_folder_where_sqlite_cannot_write_is_one_without_a_spool(database: Database) {
    fs::create_dir_all(database.data_dir("data").join("spool.db-wal")).expect("a folder in the place of a file");
    let said = refusal(&database, Wanted::Yes).await;
    assert!(said.contains("spool.db cannot be written"), "{said}");
    let plane = Plane::start_with(wanting(&database, Wanted::IfPossible), Pace::default()).await;
    let (_, said) = plane.health().await;
    assert_eq!((&said["acknowledged_by"], &said["spool"]), (&json!("store"), &Value::Null), "{said}");
    Vm::connect(&plane, "vm-1").await.deliver(1, vec![record(1)]).await;
    assert_eq!(plane.recorded().await, ids([1]));
}

async fn a_spool_that_cannot_be_read_is_not_passed_over(database: Database) {
    let folder = database.data_dir("data");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("spool.db"), "no database ".repeat(400)).expect("a file");
    for wanted in [Wanted::Yes, Wanted::IfPossible, Wanted::No] {
        let said = refusal(&database, wanted).await;
        assert!(said.contains("spool.db is no spool, or is damaged: move it away"), "{said}");
    }
}

async fn a_spool_of_a_newer_version_is_left_to_it(database: Database) {
    database.tamper_spool("create table later (number integer); pragma user_version = 1000;").await;
    for wanted in [Wanted::Yes, Wanted::IfPossible] {
        let said = refusal(&database, wanted).await;
        assert!(said.contains("is of a newer version of Tollgate"), "{said}");
    }
}

async fn what_is_damaged_in_a_spool_is_set_aside_and_holds_up_nothing(database: Database) {
    leave_a_record(&database).await;
    database
        .tamper_spool(
            "update entries set said = x'ff' where records > 0; \
             insert into entries (vm_id, session, received_at, records) values ('vm-2', 1, 'zzz', 0)",
        )
        .await;
    bring_back(&database).await;
    let plane = Plane::start(&database).await;
    Vm::connect(&plane, "vm-1").await.deliver(2, vec![record(2)]).await;
    assert_eq!(plane.recorded().await, ids([2]));
    let (_, said) = eventually("an empty spool", async || {
        Some(plane.health().await).filter(|(_, said)| said["spool"]["records"] == 0)
    })
    .await;
    assert_eq!(said["spool"]["set_aside"], 2, "{said}");
    assert!(said["spool"]["bytes"].as_u64() > Some(100), "{said}");
}
