//! Faults of what the spool stands between: a store that cannot be reached or will not take something, and a spool that is gone.

use std::net::SocketAddr;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tollgate_control_plane::operate::server::{Options, Pace, SpoolPlace, Wanted};
use tollgate_proto::v1::UsageRecord;
use tonic::Code;

use crate::support::{
    database::{Database, on_postgres, on_sqlite},
    eventually,
    plane::{Plane, SHORT_GRACE, options},
    vm::{Vm, ids, open, record, with_facts},
};

on_each_store! {
    what_the_store_will_never_take_is_set_aside_and_holds_up_nothing,
    a_spool_that_was_removed_acknowledges_nothing,
    what_is_acknowledged_after_a_full_disk_is_in_the_spool,
    a_spool_that_cannot_be_emptied_is_told_of_and_tried_again,
    what_the_store_will_never_take_is_lost_without_a_spool_and_holds_up_nothing,
    a_store_that_does_not_answer_is_noticed_without_traffic,
    without_a_spool_health_says_that_nothing_is_taken_and_why,
}

async fn what_the_store_will_never_take_is_set_aside_and_holds_up_nothing(database: Database) {
    let plane = Plane::start(&database).await;
    database.refuse_poison().await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    let poison = |number| with_facts(record(number), |facts| facts.model = "poison".to_owned());
    vm.deliver(1, vec![record(1), poison(2), record(3), poison(4), record(5)]).await;
    vm.deliver(2, vec![record(6)]).await;
    assert_eq!(plane.recorded().await, ids([1, 3, 5, 6]));
    assert_eq!(plane.metric("tollgate_spool_set_aside_entries").await, 1.0);
    plane.stop().await;

    database.take_poison().await;
    let again = Plane::start(&database).await;
    assert_eq!(again.recorded().await, ids(1..=6));
    assert_eq!(again.metric("tollgate_spool_set_aside_entries").await, 0.0);
    assert_eq!(again.get("/api/v1/usage?group_by=team").await["groups"][0]["requests"], 6);
}

async fn a_spool_that_was_removed_acknowledges_nothing(database: Database) {
    for (file, number) in [("spool.db", 1), ("spool.db-wal", 3)] {
        let plane = Plane::start(&database).await;
        let mut vm = Vm::connect(&plane, "vm-1").await;
        vm.deliver(1, vec![record(number)]).await;
        plane.settled().await;
        std::fs::remove_file(database.data_dir("data").join(file)).expect("it is there");
        vm.send_records(2, vec![record(number + 1)]).await;
        let status = vm.ended_by().await;
        assert_eq!(status.code(), Code::Unavailable);
        let (code, said) = plane.health().await;
        assert_eq!(code, 503);
        let said = said["refusing"].as_str().expect("a reason");
        assert!(said.contains("the control plane's log says why") && !said.contains("spool.db"), "{said}");
        drop(plane);
        let again = Plane::start(&database).await;
        Vm::connect(&again, "vm-1").await.deliver(2, vec![record(number + 1)]).await;
        assert_eq!(again.recorded().await, ids(1..=number + 1));
        again.stop().await;
    }
}

/// A full disk once left a connection on which every later commit was none.
async fn what_is_acknowledged_after_a_full_disk_is_in_the_spool(database: Database) {
    let spool = SpoolPlace { folder: database.data_dir("data"), max_bytes: 300_000, wanted: Wanted::Yes };
    let plane = Plane::start_with(Options { spool: Some(spool), ..options(&database) }, Pace::default()).await;
    let large = |number| UsageRecord { reason: "x".repeat(20_000), ..record(number) };
    let mut vm = Vm::connect(&plane, "vm-1").await;
    database.tamper("alter table usage_records rename to out_of_reach").await;
    vm.deliver(1, vec![large(1)]).await;
    for round in 0..2 {
        // As large as the file may become, which SQLite answers as it does a full disk.
        database.tamper_spool("create table ballast as select zeroblob(8000000) as filler").await;
        for _ in 0..2 {
            let mut refused = Vm::connect(&plane, "vm-1").await;
            refused.send_records(2, vec![large(9)]).await;
            assert_eq!(refused.ended_by().await.code(), Code::Unavailable);
        }
        database.tamper_spool("drop table ballast").await;
        let mut vm = Vm::connect(&plane, "vm-1").await;
        vm.deliver(3, vec![large(2 * round + 2)]).await;
        vm.deliver(4, vec![large(2 * round + 3)]).await;
        assert_eq!(database.spooled().await, 2 * i64::try_from(round).expect("a small number") + 3);
    }
    drop(plane);
    database.tamper("alter table out_of_reach rename to usage_records").await;
    assert_eq!(Plane::start(&database).await.recorded().await, ids(1..=5));
}

async fn a_spool_that_cannot_be_emptied_is_told_of_and_tried_again(database: Database) {
    let plane = Plane::start(&database).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    plane.settled().await;
    database
        .tamper_spool("create trigger stays before delete on entries begin select raise(abort, 'stays'); end")
        .await;
    vm.deliver(1, vec![record(1)]).await;
    let (code, said) = eventually("that it is stuck", async || {
        Some(plane.health().await).filter(|(_, said)| said["spool"]["error"].is_string())
    })
    .await;
    // What is handed over is taken, so nobody should restart it.
    assert_eq!((code.as_u16(), &said["status"]), (200, &Value::from("degraded")), "{said}");
    eventually("the record in the store", async || {
        (plane.try_get("/api/v1/usage").await.1["records"].as_array()?.len() == 1).then_some(())
    })
    .await;
    database.tamper_spool("drop trigger stays").await;
    // Although nothing more comes.
    plane.settled().await;
    eventually("that it is well", async || (plane.health().await.1["status"] == "ok").then_some(())).await;
    assert_eq!(plane.metric_now("tollgate_usage_records_total").await, 1.0, "it was brought once");
}

async fn what_the_store_will_never_take_is_lost_without_a_spool_and_holds_up_nothing(database: Database) {
    let plane = Plane::start_with(Options { spool: None, ..options(&database) }, SHORT_GRACE).await;
    database.refuse_poison().await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    let poison = with_facts(record(2), |facts| facts.model = "poison".to_owned());
    vm.deliver(1, vec![record(1), poison, record(3)]).await;
    vm.deliver(2, vec![record(4)]).await;
    assert_eq!(plane.recorded().await, ids([1, 3, 4]));
    assert_eq!(plane.metric_now("tollgate_unstorable_records_total").await, 1.0);
    assert_eq!(plane.metric_now("tollgate_intake_refusals_total").await, 0.0);
    // The losses of others are still written down.
    vm.state_open(3, vec![open(5)]).await;
    drop(vm);
    eventually("the loss", async || (plane.recorded().await == ids([1, 3, 4, 5])).then_some(())).await;
}

async fn a_store_that_does_not_answer_is_noticed_without_traffic(database: Database) {
    let plane = Plane::start(&database).await;
    assert_eq!(plane.health().await.1["store_unavailable_since"], Value::Null);
    database.tamper("alter table key_changes rename to out_of_reach").await;
    let (code, said) = eventually("that the store is away", async || {
        Some(plane.health().await).filter(|(_, said)| said["store"] == "failing")
    })
    .await;
    assert_eq!((code.as_u16(), &said["status"]), (200, &Value::from("degraded")), "{said}");
    assert!(said["store_unavailable_since"].is_string(), "{said}");
    database.tamper("alter table out_of_reach rename to key_changes").await;
    eventually("that it is back", async || {
        (plane.health().await.1["store_unavailable_since"] == Value::Null).then_some(())
    })
    .await;
}

async fn without_a_spool_health_says_that_nothing_is_taken_and_why(database: Database) {
    let plane = Plane::start_with(Options { spool: None, ..options(&database) }, Pace::default()).await;
    let mut stays = Vm::connect(&plane, "vm-1").await;
    let mut other = Vm::connect(&plane, "vm-2").await;
    stays.deliver(1, vec![record(1)]).await;
    assert_eq!(plane.health().await.1["refusing"], Value::Null);
    database.tamper("alter table vms rename to out_of_reach").await;
    other.send_records(1, vec![record(2)]).await;
    assert_eq!(other.ended_by().await.code(), Code::Unavailable);
    let (code, said) = plane.health().await;
    assert_eq!((code.as_u16(), &said["status"], &said["store"]), (503, &"failing".into(), &"failing".into()), "{said}");
    assert_eq!((&said["refusing"], &said["acknowledged_by"]), (&"the store failed".into(), &"store".into()), "{said}");
    database.tamper("alter table out_of_reach rename to vms").await;
    stays.deliver(2, vec![record(2)]).await;
    let (code, said) = plane.health().await;
    assert_eq!((code.as_u16(), &said["refusing"]), (200, &Value::Null), "{said}");
}

/// What stands between a control plane and its PostgreSQL, and can be cut.
struct Wire {
    address: SocketAddr,
    server: String,
    running: Option<JoinHandle<()>>,
}

impl Wire {
    async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let running = Some(tokio::spawn(Self::pass(listener, server.to_owned())));
        Self { address, server: server.to_owned(), running }
    }

    async fn pass(listener: TcpListener, server: String) {
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let (mut near, _) = listener.accept().await.expect("a connection");
            let mut far = TcpStream::connect(&server).await.expect("the server answers");
            connections.spawn(async move { copy_bidirectional(&mut near, &mut far).await });
        }
    }

    async fn cut(&mut self) {
        let running = self.running.take().expect("it is whole");
        running.abort();
        let _ = running.await;
    }

    async fn mend(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("the port is free again");
        self.running = Some(tokio::spawn(Self::pass(listener, self.server.clone())));
    }
}

#[tokio::test]
async fn a_postgres_that_cannot_be_reached_is_waited_for() {
    on_postgres(async |database| {
        let (before, after) = database.url.rsplit_once('@').expect("a user");
        let (server, path) = after.split_once('/').expect("a database");
        let mut wire = Wire::to(server).await;
        let through = || Options { store_url: format!("{before}@{}/{path}", wire.address), ..options(&database) };
        let (options, same) = (through(), through());
        let plane = Plane::start_with(options, Pace::default()).await;
        let mut vm = Vm::connect(&plane, "vm-1").await;
        vm.deliver(1, vec![record(1)]).await;
        plane.settled().await;
        wire.cut().await;
        vm.deliver(2, vec![record(2)]).await;
        vm.deliver(3, vec![record(3)]).await;
        drop(plane);
        wire.mend().await;
        let again = Plane::start_with(same, Pace::default()).await;
        assert_eq!(again.recorded().await, ids(1..=3));
        wire.cut().await;
        Vm::connect(&again, "vm-1").await.deliver(4, vec![record(4)]).await;
        wire.mend().await;
        assert_eq!(again.recorded().await, ids(1..=4));
    })
    .await;
}

#[tokio::test]
async fn a_sqlite_file_that_somebody_locks_is_waited_for() {
    on_sqlite(async |database: Database| {
        let plane = Plane::start(&database).await;
        let mut vm = Vm::connect(&plane, "vm-1").await;
        let lock = database.lock().await;
        vm.deliver(1, vec![record(1)]).await;
        assert_eq!(plane.metric_now("tollgate_spool_records").await, 1.0);
        drop(lock);
        assert_eq!(plane.recorded().await, ids([1]));
    })
    .await;
}

#[tokio::test]
async fn a_sqlite_file_that_was_removed_gets_nothing_from_the_spool() {
    on_sqlite(async |database: Database| {
        let plane = Plane::start(&database).await;
        let mut vm = Vm::connect(&plane, "vm-1").await;
        vm.deliver(1, vec![record(1)]).await;
        plane.settled().await;
        std::fs::remove_file(database.url.trim_start_matches("sqlite://")).expect("it is there");
        vm.deliver(2, vec![record(2)]).await;
        vm.deliver(3, vec![record(3)]).await;
        eventually("that it is noticed", async || {
            (plane.metric_now("tollgate_store_errors_total").await > 0.0).then_some(())
        })
        .await;
        drop(plane);
        let again = Plane::start(&database).await;
        assert_eq!(again.recorded().await, ids([2, 3]), "only what the file had is gone with it");
    })
    .await;
}

/// SQLite rolls a transaction back by itself where the disk is full, as it does for a trigger that says so. A connection that this had
/// happened to never began another, and after a full disk nothing came into the store until the control plane was started again.
#[tokio::test]
async fn a_sqlite_file_that_rolled_back_by_itself_is_used_again_without_a_restart() {
    on_sqlite(async |database: Database| {
        let plane = Plane::start(&database).await;
        database
            .tamper(
                "create trigger full before insert on usage_records when new.model = 'large' \
                 begin select raise(rollback, 'full'); end",
            )
            .await;
        let mut vm = Vm::connect(&plane, "vm-1").await;
        let large = |number| with_facts(record(number), |facts| facts.model = "large".to_owned());
        for number in 1..=10 {
            vm.deliver(number, vec![large(number)]).await;
        }
        vm.deliver(11, vec![record(11)]).await;
        assert_eq!(plane.recorded().await, ids([11]));
        database.tamper("drop trigger full").await;
        vm.deliver(12, vec![large(12)]).await;
        assert_eq!(plane.recorded().await, ids([11, 12]));
    })
    .await;
}

/// A file that may not be written is opened to be read only, and stayed so for that connection.
#[tokio::test]
async fn a_sqlite_file_that_could_only_be_read_is_written_again_without_a_restart() {
    on_sqlite(async |database: Database| {
        let plane = Plane::start(&database).await;
        let mut vm = Vm::connect(&plane, "vm-1").await;
        vm.deliver(1, vec![record(1)]).await;
        plane.settled().await;
        let before = plane.metric_now("tollgate_store_errors_total").await;
        let read_only = database.read_only();
        // So many at a time that some of them need a new connection.
        let reads = (0..32).map(|_| plane.request(Method::GET, "/api/v1/usage?limit=1000").send());
        reads.collect::<tokio::task::JoinSet<_>>().join_all().await;
        for number in 2..=5 {
            vm.deliver(number, vec![record(number)]).await;
        }
        if read_only.is_enforced() {
            eventually("that it cannot be written", async || {
                (plane.metric_now("tollgate_store_errors_total").await > before).then_some(())
            })
            .await;
        }
        drop(read_only);
        assert_eq!(plane.recorded().await, ids(1..=5));
    })
    .await;
}

#[tokio::test]
async fn a_key_is_not_promised_by_a_sqlite_file_that_was_removed() {
    for removed in ["", "-wal"] {
        on_sqlite(async move |database: Database| {
            let plane = Plane::start(&database).await;
            let file = database.url.trim_start_matches("sqlite://").to_owned();
            std::fs::remove_file(file + removed).expect("it is there");
            let making = plane.request(Method::POST, "/api/v1/keys").json(&json!({"name": "ada", "models": ["*"]}));
            let status = making.send().await.expect("the HTTP API answers").status();
            assert!(status.is_server_error(), "{removed}: {status}");
            let (_, health) = plane.try_get("/health").await;
            assert_eq!(health["store"], "failing", "{removed}: {health}");
        })
        .await;
    }
}
