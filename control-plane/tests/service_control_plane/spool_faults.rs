//! Faults of what the spool stands between: a store that cannot be reached or will not take something, and a spool that is gone.

use std::net::SocketAddr;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tollgate_control_plane::operate::server::{Options, Pace};
use tonic::Code;

use crate::support::{
    database::{Database, on_postgres, on_sqlite},
    eventually,
    plane::{Plane, options},
    vm::{Vm, id, record, with_facts},
};

on_each_store! {
    what_the_store_will_never_take_is_set_aside_and_holds_up_nothing,
    a_spool_that_was_removed_acknowledges_nothing,
}

async fn ids(plane: &Plane) -> Vec<Value> {
    let mut ids: Vec<_> = plane.records().await.into_iter().map(|mut record| record["exchange_id"].take()).collect();
    ids.sort_by_key(ToString::to_string);
    ids
}

fn all(numbers: impl IntoIterator<Item = u64>) -> Vec<Value> {
    numbers.into_iter().map(|number| Value::from(id(number))).collect()
}

async fn what_the_store_will_never_take_is_set_aside_and_holds_up_nothing(database: Database) {
    let sqlite = database.url.starts_with("sqlite");
    let plane = Plane::start(&database).await;
    database
        .tamper(if sqlite {
            "create trigger poison before insert on usage_records when new.model = 'poison' \
             begin select raise(abort, 'poison'); end"
        } else {
            "alter table usage_records add constraint poison check (model <> 'poison')"
        })
        .await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    let poison = |number| with_facts(record(number), |facts| facts.model = "poison".to_owned());
    vm.deliver(1, vec![record(1), poison(2), record(3), poison(4), record(5)]).await;
    vm.deliver(2, vec![record(6)]).await;
    assert_eq!(ids(&plane).await, all([1, 3, 5, 6]));
    assert_eq!(plane.metric("tollgate_spool_set_aside_entries").await, 1.0);
    plane.stop().await;

    database
        .tamper(if sqlite { "drop trigger poison" } else { "alter table usage_records drop constraint poison" })
        .await;
    let again = Plane::start(&database).await;
    assert_eq!(ids(&again).await, all(1..=6));
    assert_eq!(again.metric("tollgate_spool_set_aside_entries").await, 0.0);
    assert_eq!(again.get("/api/v1/usage?group_by=team").await["groups"][0]["requests"], 6);
}

async fn a_spool_that_was_removed_acknowledges_nothing(database: Database) {
    let plane = Plane::start(&database).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    vm.deliver(1, vec![record(1)]).await;
    plane.settled().await;
    std::fs::remove_file(database.data_dir("data").join("spool.db")).expect("it is there");
    vm.send_records(2, vec![record(2)]).await;
    let status = vm.ended_by().await;
    assert_eq!(status.code(), Code::Unavailable);
    let health = plane.anonymous(reqwest::Method::GET, "/health").send().await.expect("the HTTP API answers");
    assert_eq!(health.status(), 503);
    let said = health.text().await.expect("text");
    assert!(said.contains("the control plane's log says why") && !said.contains("spool.db"), "{said}");
    drop(plane);
    let again = Plane::start(&database).await;
    Vm::connect(&again, "vm-1").await.deliver(2, vec![record(2)]).await;
    assert_eq!(ids(&again).await, all([1, 2]));
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
        assert_eq!(ids(&again).await, all(1..=3));
        wire.cut().await;
        Vm::connect(&again, "vm-1").await.deliver(4, vec![record(4)]).await;
        wire.mend().await;
        assert_eq!(ids(&again).await, all(1..=4));
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
        assert_eq!(ids(&plane).await, all([1]));
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
        assert_eq!(ids(&again).await, all([2, 3]), "only what the file had is gone with it");
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
        assert_eq!(ids(&plane).await, all([11]));
        database.tamper("drop trigger full").await;
        vm.deliver(12, vec![large(12)]).await;
        assert_eq!(ids(&plane).await, all([11, 12]));
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
        assert_eq!(ids(&plane).await, all(1..=5));
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
