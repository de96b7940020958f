//! What one VM can make the control plane keep: ids, texts and lists have bounds, whatever the size of a message.

use reqwest::Method;
use tollgate_proto::v1::{Attempt, Hello, SnapshotAck, UsageRecord, up};
use tonic::Code;

use crate::support::{
    database::Database,
    eventually,
    plane::{NODE_TOKEN, Plane},
    vm::{Vm, record},
};

on_each_store! {
    an_id_of_a_vm_has_a_bound,
    what_is_only_shown_is_cut,
    attempts_of_a_record_have_a_bound,
}

fn hello(vm_id: &str) -> Hello {
    Hello { vm_id: vm_id.to_owned(), node_id: "node-1".to_owned(), ..Hello::default() }
}

/// An id of 3.5 MB was taken, and the spool's bound did not count it.
async fn an_id_of_a_vm_has_a_bound(database: Database) {
    let plane = Plane::start(&database).await;
    for bad in ["", "a\0b", "a b", "é", &"x".repeat(65), &"x".repeat(3 << 20)] {
        let mut vm = Vm::open(&plane, Some(NODE_TOKEN)).await.expect("the session opens");
        vm.send(up::Kind::Hello(hello(bad))).await;
        let status = vm.ended_by().await;
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert!(status.message().contains("1 to 64 printable ASCII characters"), "{status}");
    }
    assert_eq!(plane.metric("tollgate_sessions").await, 0.0);
    let mut longest = Vm::open(&plane, Some(NODE_TOKEN)).await.expect("the session opens");
    longest.send(up::Kind::Hello(hello(&"x".repeat(64)))).await;
    longest.deliver(1, vec![record(1)]).await;
    assert_eq!(plane.records().await.len(), 1);
}

async fn what_is_only_shown_is_cut(database: Database) {
    let plane = Plane::start(&database).await;
    let long = "é".repeat(1 << 20);
    let mut vm = Vm::open(&plane, Some(NODE_TOKEN)).await.expect("the session opens");
    vm.send(up::Kind::Hello(Hello { node_id: long.clone(), ..hello("vm-1") })).await;
    vm.send(up::Kind::SnapshotAck(SnapshotAck { version: 1, refusal: long, in_force_version: 0 })).await;
    vm.deliver(1, Vec::new()).await;
    let vms = eventually("the refusal", async || {
        let vms = plane.get("/api/v1/snapshot").await["vms"].take();
        vms[0]["refused"].is_object().then_some(vms)
    })
    .await;
    for shown in [&vms[0]["node_id"], &vms[0]["refused"]["reason"]] {
        assert_eq!(shown.as_str().map(str::len), Some(1_024), "{shown}");
    }
    let health = plane.anonymous(Method::GET, "/health").send().await.expect("the HTTP API answers");
    assert!(health.status().is_success());
}

/// A million empty attempts in one record became a row of 292 MB.
async fn attempts_of_a_record_have_a_bound(database: Database) {
    let plane = Plane::start(&database).await;
    let with = |number, attempts| UsageRecord { attempts: vec![Attempt::default(); attempts], ..record(number) };
    let mut vm = Vm::connect(&plane, "vm-1").await;
    vm.send_records(1, vec![record(1), with(2, 65)]).await;
    let status = vm.ended_by().await;
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.message().contains("64 attempts in one usage record at most, not 65"), "{status}");
    let mut again = Vm::connect(&plane, "vm-1").await;
    again.deliver(1, vec![record(1), with(3, 64)]).await;
    assert_eq!(plane.records().await.len(), 2);
}
