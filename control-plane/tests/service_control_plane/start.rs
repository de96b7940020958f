//! Starting and stopping.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use tokio::net::TcpListener;
use tollgate_control_plane::{
    operate::server::{Error, Options, Server},
    store::{self, Store},
};
use tollgate_core::words::Secret;

use crate::support::{
    database::Database,
    plane::{Plane, options},
    vm::{Vm, record},
};

on_each_store! {
    a_store_is_migrated_once_and_opened_again,
    a_taken_port_is_named,
    control_planes_may_start_at_once_on_an_empty_database,
    stopping_ends_open_sessions,
    an_empty_token_lets_nobody_in,
    what_is_kept_is_for_its_owner_only,
}

async fn a_store_is_migrated_once_and_opened_again(database: Database) {
    let first = Store::open(&database.url).await.expect("an empty database is migrated");
    first.close().await;
    let plane = Plane::start(&database).await;
    Vm::connect(&plane, "vm-1").await.deliver(1, vec![record(1)]).await;
    let beside = Store::open(&database.url).await.expect("a migrated database is taken as it is");
    beside.ping().await.expect("it answers");
    assert_eq!(plane.records().await.len(), 1);
}

async fn control_planes_may_start_at_once_on_an_empty_database(database: Database) {
    let opening = || {
        let url = database.url.clone();
        tokio::spawn(async move { Store::open(&url).await })
    };
    for opened in [opening(), opening(), opening(), opening()] {
        opened.await.expect("opening does not panic").expect("another that migrates is waited for");
    }
}

async fn a_taken_port_is_named(database: Database) {
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = taken.local_addr().expect("its address");
    for options in [Options { http: address, ..options(&database) }, Options { grpc: address, ..options(&database) }] {
        let error = Server::start(options).await.expect_err("the port is taken");
        assert!(matches!(&error, Error::Bind { .. }), "{error}");
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    }
}

async fn stopping_ends_open_sessions(database: Database) {
    let plane = Plane::start(&database).await;
    let _vm = Vm::connect(&plane, "vm-1").await;
    // Bounded: an open session does not hold it.
    plane.stop().await;
}

async fn an_empty_token_lets_nobody_in(database: Database) {
    let empty = || Secret::new("");
    let without_node = Options { node_token: empty(), ..options(&database) };
    let without_admin = Options { admin_token: empty(), ..options(&database) };
    for (options, named) in [(without_node, "node token"), (without_admin, "admin token")] {
        let error = Server::start(options).await.expect_err("an empty token would be open to all");
        assert!(error.to_string().contains(named), "{error}");
    }
}

/// What everybody may do with the files of a folder, by name.
fn open_to_others(folder: &Path) -> Vec<(String, u32)> {
    let entries = fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry"));
    let files = entries.filter(|entry| entry.file_type().expect("a type").is_file());
    let modes = files.map(|file| {
        let mode = file.metadata().expect("metadata").permissions().mode();
        (file.file_name().to_string_lossy().into_owned(), mode & 0o077)
    });
    modes.collect()
}

/// Both databases, with their logs, were for everybody to read, beside tokens that are not.
async fn what_is_kept_is_for_its_owner_only(database: Database) {
    let plane = Plane::start(&database).await;
    Vm::connect(&plane, "vm-1").await.deliver(1, vec![record(1)]).await;
    plane.settled().await;
    let data = database.data_dir("data");
    let mut files = open_to_others(&data);
    if database.url.starts_with("sqlite") {
        let beside = open_to_others(data.parent().expect("a folder around it"));
        assert!(beside.iter().any(|(name, _)| name == "tollgate.db-wal"), "{beside:?}");
        files.extend(beside);
    }
    for name in ["spool.db", "spool.db-wal", "spool.lock"] {
        assert!(files.iter().any(|(file, _)| file == name), "{name} is not there: {files:?}");
    }
    assert!(files.iter().all(|(_, others)| *others == 0), "{files:?}");
}

#[tokio::test]
async fn a_url_of_no_store_is_refused_without_being_shown() {
    let error = Store::open("mysql://user:hunter2@host/db").await.expect_err("MySQL is no store");
    assert!(matches!(error, store::Error::UnknownUrl(_)));
    assert!(!error.to_string().contains("hunter2"), "{error}");
}
