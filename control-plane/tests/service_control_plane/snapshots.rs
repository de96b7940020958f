//! Snapshots: versions that grow with their content, and what each VM made of them.

use std::collections::HashMap;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use tollgate_control_plane::store::Store;
use tollgate_proto::v1::{Chain, Format, Header, Provider, Route, Snapshot, Target, Translation};

use crate::support::{DEADLINE, database::Database, eventually, plane::Plane, vm::Vm};

on_each_store! {
    the_same_content_keeps_its_version,
    versions_grow_across_a_restart,
    control_planes_agree_on_the_version_of_the_same_content,
    control_planes_that_publish_at_once_agree_too,
    a_session_gets_the_snapshot_in_force_and_each_new_one,
    acknowledgement_and_refusal_are_shown,
    a_rejected_edit_is_shown_until_one_is_in_force,
    what_the_filter_would_refuse_is_not_put_in_force,
    an_edit_that_the_store_holds_up_is_in_force_once_it_works_again,
    models_are_shown_with_prices_and_without_credentials,
}

fn snapshot(model: &str) -> Snapshot {
    let target = Target { provider: "openai".to_owned(), model: "gpt-4o-2024-08-06".to_owned(), ..Target::default() };
    let header = Header { name: "authorization".to_owned(), value: "Bearer sk-of-the-provider".to_owned() };
    let provider = Provider {
        name: "openai".to_owned(),
        formats: vec![Format::OpenaiChat.into()],
        headers: vec![header],
        cluster: "chain/openai".to_owned(),
        ..Provider::default()
    };
    let route = Route {
        model: model.to_owned(),
        targets: vec![target],
        translation: Translation::Lenient.into(),
        chains: vec![Chain { targets: vec![0], cluster: "chain/openai".to_owned(), weight: 1 }],
        ..Route::default()
    };
    Snapshot {
        version: 0,
        providers: vec![provider],
        routes: vec![route],
        aliases: (0..20).map(|number| (format!("alias-{number}"), model.to_owned())).collect::<HashMap<_, _>>(),
        max_body_bytes: 1 << 20,
    }
}

async fn the_same_content_keeps_its_version(database: Database) {
    let plane = Plane::start(&database).await;
    let first = plane.publish(snapshot("gpt-4o"), Vec::new()).await;
    assert!(first >= 1);
    // What the caller says the version is does not matter, nor does the order of the aliases, which differs by map.
    let again = Snapshot { version: 99, ..snapshot("gpt-4o") };
    assert_eq!(plane.publish(again, Vec::new()).await, first);
    let second = plane.publish(snapshot("gpt-5"), Vec::new()).await;
    assert!(second > first);
    assert!(plane.publish(snapshot("gpt-4o"), Vec::new()).await > second, "going back is a change too");
}

async fn versions_grow_across_a_restart(database: Database) {
    let plane = Plane::start(&database).await;
    let first = plane.publish(snapshot("gpt-4o"), Vec::new()).await;
    plane.stop().await;
    let again = Plane::start(&database).await;
    assert_eq!(again.publish(snapshot("gpt-4o"), Vec::new()).await, first);
    assert!(again.publish(snapshot("gpt-5"), Vec::new()).await > first);
}

async fn control_planes_agree_on_the_version_of_the_same_content(database: Database) {
    let (one, other) = (Plane::start(&database).await, Plane::start_beside(&database).await);
    let version = one.publish(snapshot("gpt-4o"), Vec::new()).await;
    assert_eq!(other.publish(snapshot("gpt-4o"), Vec::new()).await, version);
}

async fn control_planes_that_publish_at_once_agree_too(database: Database) {
    let store = Store::open(&database.url).await.expect("the store opens");
    for content in ["one", "two", "three"] {
        let publishing: Vec<_> = (0..6)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.version_of(content).await.expect("the store works") })
            })
            .collect();
        let mut versions = Vec::new();
        for version in publishing {
            versions.push(version.await.expect("publishing does not panic"));
        }
        versions.dedup();
        assert_eq!(versions.len(), 1, "{content}: {versions:?}");
    }
}

async fn a_session_gets_the_snapshot_in_force_and_each_new_one(database: Database) {
    let plane = Plane::start(&database).await;
    let mut early = Vm::connect(&plane, "vm-1").await;
    let first = plane.publish(snapshot("gpt-4o"), Vec::new()).await;
    assert_eq!(early.snapshot().await, Snapshot { version: first, ..snapshot("gpt-4o") });
    let mut late = Vm::connect(&plane, "vm-2").await;
    assert_eq!(late.snapshot().await.version, first);
    let second = plane.publish(snapshot("gpt-5"), Vec::new()).await;
    assert_eq!(early.snapshot().await.version, second);
    assert_eq!(late.snapshot().await.routes, snapshot("gpt-5").routes);
}

async fn acknowledgement_and_refusal_are_shown(database: Database) {
    let plane = Plane::start(&database).await;
    let mut good = Vm::connect(&plane, "vm-good").await;
    // Of an Envoy whose bootstrap was rendered before there was a second provider.
    let mut poor = Vm::connect_to(&plane, "vm-poor", Some(vec!["chain/openai".to_owned()])).await;
    let first = plane.publish(snapshot("gpt-4o"), Vec::new()).await;
    assert_eq!((good.snapshot().await.version, poor.snapshot().await.version), (first, first));
    let wait = plane.publisher().acknowledged(first, 2);
    tokio::time::timeout(DEADLINE, wait).await.expect("both VMs run on the first");

    let mut moved = snapshot("gpt-5");
    moved.providers[0].cluster = "chain/elsewhere".to_owned();
    let second = plane.publish(moved, Vec::new()).await;
    assert_eq!((good.snapshot().await.version, poor.snapshot().await.version), (second, second));
    let vms = eventually("the refusal", async || {
        let vms = plane.get("/api/v1/snapshot").await["vms"].take();
        (vms[1]["refused"].is_object() && vms[0]["version"] == second).then_some(vms)
    })
    .await;
    assert_eq!((&vms[0]["id"], &vms[0]["refused"]), (&Value::from("vm-good"), &Value::Null));
    assert_eq!((&vms[1]["id"], &vms[1]["version"]), (&Value::from("vm-poor"), &Value::from(first)));
    assert_eq!(vms[1]["refused"]["version"], second);
    let reason = vms[1]["refused"]["reason"].as_str().expect("a reason");
    assert!(reason.contains("chain/elsewhere"), "{reason}");

    let wait = plane.publisher().acknowledged(second, 1);
    tokio::time::timeout(DEADLINE, wait).await.expect("a VM runs on the second");
    drop((good, poor));
    eventually("the VMs' leaving", async || (plane.metric("tollgate_sessions").await == 0.0).then_some(())).await;
}

async fn a_rejected_edit_is_shown_until_one_is_in_force(database: Database) {
    let plane = Plane::start(&database).await;
    let version = plane.publish(snapshot("gpt-4o"), Vec::new()).await;
    plane.publisher().reject("tollgate.yaml:7: unknown provider `opnai`".to_owned());
    let response = plane.anonymous(Method::GET, "/health").send().await.expect("the HTTP API answers");
    assert_eq!(response.status(), StatusCode::OK, "traffic flows");
    let health: Value = response.json().await.expect("health is JSON");
    assert_eq!((&health["status"], &health["snapshot_version"]), (&Value::from("degraded"), &Value::from(version)));
    assert_eq!(health["config_error"], "tollgate.yaml:7: unknown provider `opnai`");

    plane.publish(snapshot("gpt-4o"), Vec::new()).await;
    let health = plane.get("/health").await;
    assert_eq!((&health["status"], &health["config_error"]), (&Value::from("ok"), &Value::Null));
}

async fn what_the_filter_would_refuse_is_not_put_in_force(database: Database) {
    let plane = Plane::start(&database).await;
    let version = plane.publish(snapshot("gpt-4o"), Vec::new()).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    assert_eq!(vm.snapshot().await.version, version);
    let mut undrawable = snapshot("gpt-5");
    undrawable.routes[0].chains[0].weight = 0;
    let refused = plane.try_publish(undrawable, Vec::new()).await.expect_err("no chain can be drawn").to_string();
    assert!(refused.contains("would refuse") && refused.contains("gpt-5"), "{refused}");
    let health = plane.get("/health").await;
    assert_eq!((&health["status"], &health["snapshot_version"]), (&Value::from("degraded"), &Value::from(version)));
    assert_eq!(health["config_error"], Value::from(refused));

    let next = plane.publish(snapshot("gpt-6"), Vec::new()).await;
    assert_eq!(vm.snapshot().await.version, next, "the one between was never sent");
    assert_eq!(plane.get("/health").await["config_error"], Value::Null);
}

/// A store that was away for one edit kept it out of force until the next edit or a restart, and `/health` quoted the database.
async fn an_edit_that_the_store_holds_up_is_in_force_once_it_works_again(database: Database) {
    let plane = Plane::start(&database).await;
    let folder = database.data_dir("config");
    std::fs::create_dir(&folder).expect("it is not there yet");
    let config = folder.join("tollgate.yaml");
    let edit = |model: &str| {
        let text = format!(
            "providers: {{openai: {{kind: openai, api_key: sk-of-the-provider}}}}\n\
             models: {{{model}: {{targets: [{{provider: openai}}]}}}}\n"
        );
        std::fs::write(&config, text).expect("the folder is there");
    };
    plane.follow(&config);
    edit("gpt-4o");
    let mut vm = Vm::connect(&plane, "vm-1").await;
    let first = vm.snapshot().await.version;

    database.tamper("alter table snapshots rename to snapshots_away").await;
    edit("gpt-5");
    let health = eventually("that it is held up", async || {
        let (_, health) = plane.try_get("/health").await;
        (!health["config_error"].is_null()).then_some(health)
    })
    .await;
    assert_eq!(health["config_error"], "the store failed: the edit is in force once it works again");
    assert_eq!((&health["status"], &health["snapshot_version"]), (&Value::from("degraded"), &Value::from(first)));

    database.tamper("alter table snapshots_away rename to snapshots").await;
    let next = vm.snapshot().await;
    assert!(next.version > first && next.routes[0].model == "gpt-5", "{}", next.version);
    let health = plane.get("/health").await;
    assert_eq!((&health["status"], &health["config_error"]), (&Value::from("ok"), &Value::Null));
}

async fn models_are_shown_with_prices_and_without_credentials(database: Database) {
    let plane = Plane::start(&database).await;
    assert_eq!(plane.get("/api/v1/models").await["models"], Value::Array(Vec::new()));
    plane
        .publish_file(
            "
providers: {openai: {kind: openai, api_key: sk-of-the-provider}}
models:
  gpt-4o: {targets: [{provider: openai, model: gpt-4o-2024-08-06, weight: 7}]}
  gpt-*: {translation: strict, targets: [{provider: openai}]}
aliases: {alias-3: gpt-4o}
prices: {gpt-4o: {input: 2.50, output: 10, cache_read: 1.25}}
",
        )
        .await;
    let answer = plane.get("/api/v1/models").await;
    let model = &answer["models"][0];
    assert_eq!((&model["name"], &answer["aliases"]["alias-3"]), (&Value::from("gpt-4o"), &Value::from("gpt-4o")));
    let target = &model["targets"][0];
    assert_eq!((&target["provider"], &target["model"]), (&Value::from("openai"), &Value::from("gpt-4o-2024-08-06")));
    assert_eq!((&target["weight"], &target["priority"]), (&Value::from(7), &Value::from(0)));
    let price = &target["price"];
    assert_eq!((&price["input"], &price["output"]), (&Value::from("2.5"), &Value::from("10")));
    assert_eq!((&price["cache_read"], &price["audio_in"]), (&Value::from("1.25"), &Value::Null));
    let pattern = &answer["models"][1];
    assert_eq!((&pattern["translation"], &pattern["targets"][0]["price"]), (&Value::from("strict"), &Value::Null));
    for path in ["/api/v1/models", "/api/v1/snapshot", "/health"] {
        assert!(!plane.get(path).await.to_string().contains("sk-of-the-provider"), "{path} shows a credential");
    }
}
