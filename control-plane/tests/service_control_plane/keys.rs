//! Keys: made, resolved, revoked, and every session told, whichever control plane it is on.

use prost::Message as _;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tollgate_control_plane::{
    domain::key::{BootstrapKey, Source},
    store::Store,
};
use tollgate_core::admit::KeyRefusal;
use tollgate_core::admit::keys::{Known, Resolution, decode_resolution, encode_resolve};
use tollgate_core::words::{KeyDigest, Millis, Secret};
use tollgate_proto::v1::{
    Principal, ResolveRequest, Snapshot,
    resolve_response::{Kind, Refusal},
};
use tonic::Code;

use crate::support::{
    database::Database,
    plane::{NODE_TOKEN, Plane},
    vm::{Vm, resolve},
};

on_each_store! {
    a_key_made_on_one_control_plane_is_told_to_sessions_on_another,
    a_revoked_key_is_pushed_and_refused,
    the_filter_reads_what_it_is_told_of_a_key,
    an_unknown_key_is_refused_for_a_short_time,
    a_digest_of_the_wrong_length_is_an_error,
    a_key_is_shown_once_and_kept_as_a_digest,
    keys_of_the_file_follow_the_file,
    bad_requests_for_keys_are_named,
    no_change_is_passed_over_while_many_are_made,
}

async fn make_key(plane: &Plane, wanted: Value) -> (String, Vec<u8>, Value) {
    let response =
        plane.request(Method::POST, "/api/v1/keys").json(&wanted).send().await.expect("the HTTP API answers");
    assert_eq!(response.status(), StatusCode::CREATED);
    let made: Value = response.json().await.expect("the answer is JSON");
    let key = made["key"].as_str().expect("the key itself").to_owned();
    let digest = digest(&key);
    (key, digest, made)
}

fn digest(key: &str) -> Vec<u8> {
    KeyDigest::of(key.as_bytes()).as_bytes().to_vec()
}

async fn answer(plane: &Plane, digest: &[u8]) -> (Kind, u32) {
    let answer = resolve(plane, digest, Some(NODE_TOKEN)).await.expect("the question is answered");
    (answer.kind.expect("one answer or the other"), answer.ttl_ms)
}

async fn refusal(plane: &Plane, digest: &[u8]) -> Refusal {
    match answer(plane, digest).await.0 {
        Kind::Refusal(refusal) => Refusal::try_from(refusal).expect("a refusal that we know"),
        Kind::Principal(principal) => panic!("{} is good", principal.key_id),
    }
}

async fn revoke(plane: &Plane, id: &str) -> StatusCode {
    let response = plane.request(Method::DELETE, &format!("/api/v1/keys/{id}")).send().await;
    response.expect("the HTTP API answers").status()
}

async fn a_key_made_on_one_control_plane_is_told_to_sessions_on_another(database: Database) {
    let (one, other) = (Plane::start(&database).await, Plane::start_beside(&database).await);
    let mut vm = Vm::connect(&other, "vm-1").await;
    let wanted = json!({"name": "ci", "team": "red", "user": "ann", "models": ["gpt-*"]});
    let (_, digest, made) = make_key(&one, wanted).await;
    // A VM that was refused this key before must ask again.
    vm.told_of(&digest).await;
    let (kind, ttl_ms) = answer(&other, &digest).await;
    let expected = Principal {
        key_id: made["id"].as_str().expect("an id").to_owned(),
        name: "ci".to_owned(),
        team: "red".to_owned(),
        user: "ann".to_owned(),
        models: vec!["gpt-*".to_owned()],
    };
    assert_eq!(kind, Kind::Principal(expected));
    assert_eq!(ttl_ms, 300_000);
}

async fn a_revoked_key_is_pushed_and_refused(database: Database) {
    let (one, other) = (Plane::start(&database).await, Plane::start_beside(&database).await);
    let (mut near, mut far) = (Vm::connect(&one, "vm-1").await, Vm::connect(&other, "vm-2").await);
    let (_, digest, made) = make_key(&one, json!({"name": "ci"})).await;
    let id = made["id"].as_str().expect("an id");
    // The news of its making comes first.
    near.told_of(&digest).await;
    far.told_of(&digest).await;

    assert_eq!(revoke(&one, id).await, StatusCode::NO_CONTENT);
    near.told_of(&digest).await;
    far.told_of(&digest).await;
    assert_eq!(refusal(&other, &digest).await, Refusal::Revoked);
    let listed = one.get("/api/v1/keys").await;
    assert!(listed["keys"][0]["revoked_at"].is_string(), "{listed}");
    // Revoking it again is no error, and no news.
    assert_eq!(revoke(&other, id).await, StatusCode::NO_CONTENT);
    assert_eq!(revoke(&one, "key_ffffffffffffffff").await, StatusCode::NOT_FOUND);
}

async fn the_filter_reads_what_it_is_told_of_a_key(database: Database) {
    let plane = Plane::start(&database).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    let (key, digest, made) = make_key(&plane, json!({"name": "ci", "team": "red", "models": ["gpt-*"]})).await;
    let digest_of_filter = KeyDigest::of(key.as_bytes());
    assert_eq!(vm.shared().keys.look_up(&digest_of_filter, true, NOW), Known::Ask(None));
    let learnt = ask_as_the_filter(&plane, &digest_of_filter).await;
    let Resolution::Good(principal, 300_000) = &learnt else { panic!("{learnt:?}") };
    assert_eq!((&*principal.name, &*principal.team), ("ci", "red"));
    assert!(principal.may_use("gpt-4o") && !principal.may_use("claude"));
    vm.told_of(&digest).await;
    vm.shared().keys.learn(digest_of_filter, &learnt, NOW);
    assert_eq!(vm.shared().keys.look_up(&digest_of_filter, true, NOW), Known::Good(principal.clone()));

    revoke(&plane, made["id"].as_str().expect("an id")).await;
    vm.told_of(&digest).await;
    assert_eq!(vm.shared().keys.look_up(&digest_of_filter, true, NOW), Known::Ask(None), "the push reached it");
    let refused = ask_as_the_filter(&plane, &digest_of_filter).await;
    assert_eq!(refused, Resolution::Refused(KeyRefusal::Revoked, 30_000));
}

/// Asks with the filter's own question and reads the answer as the filter does.
async fn ask_as_the_filter(plane: &Plane, digest: &KeyDigest) -> Resolution {
    let question = ResolveRequest::decode(encode_resolve(digest).as_slice()).expect("the protocol's question");
    let answer = resolve(plane, &question.digest, Some(NODE_TOKEN)).await.expect("the question is answered");
    decode_resolution(&answer.encode_to_vec())
}

const NOW: Millis = Millis(1_700_000_000_000);

async fn an_unknown_key_is_refused_for_a_short_time(database: Database) {
    let plane = Plane::start(&database).await;
    let (kind, ttl_ms) = answer(&plane, &[7; 32]).await;
    assert_eq!(kind, Kind::Refusal(Refusal::Unknown.into()));
    assert_eq!(ttl_ms, 30_000);
}

async fn a_digest_of_the_wrong_length_is_an_error(database: Database) {
    let plane = Plane::start(&database).await;
    let refused = resolve(&plane, &[7; 31], Some(NODE_TOKEN)).await.expect_err("31 bytes are no digest");
    assert_eq!(refused.code(), Code::InvalidArgument);
}

async fn a_key_is_shown_once_and_kept_as_a_digest(database: Database) {
    let plane = Plane::start(&database).await;
    let (key, ..) = make_key(&plane, json!({"name": "one"})).await;
    let (other, ..) = make_key(&plane, json!({"name": "one"})).await;
    assert!(key.starts_with("sk-tg-") && key.len() > 40, "a long key with the prefix");
    assert_ne!(key, other);
    let listed = plane.get("/api/v1/keys").await;
    assert_eq!(listed["keys"].as_array().map(Vec::len), Some(2));
    assert!(!listed.to_string().contains(&key[10..]), "the list shows the key");
    assert_eq!(listed["keys"][0]["models"], json!(["*"]));
    plane.stop().await;
}

async fn keys_of_the_file_follow_the_file(database: Database) {
    let plane = Plane::start(&database).await;
    let stated = |team: &str| BootstrapKey {
        name: "demo".to_owned(),
        key: Secret::new("sk-demo-of-the-file"),
        team: Some(team.to_owned()),
        user: None,
        models: vec!["*".to_owned()],
    };
    let digest = digest("sk-demo-of-the-file");
    plane.publish(Snapshot::default(), vec![stated("red")]).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    let Kind::Principal(principal) = answer(&plane, &digest).await.0 else { panic!("a key of the file is good") };
    assert_eq!(principal.team, "red");
    assert_eq!(revoke(&plane, &principal.key_id).await, StatusCode::CONFLICT);

    plane.publish(Snapshot::default(), vec![stated("blue")]).await;
    vm.told_of(&digest).await;
    let Kind::Principal(changed) = answer(&plane, &digest).await.0 else { panic!("a changed key is good") };
    assert_eq!((changed.key_id, changed.team.as_str()), (principal.key_id, "blue"));

    plane.publish(Snapshot::default(), Vec::new()).await;
    vm.told_of(&digest).await;
    assert_eq!(refusal(&plane, &digest).await, Refusal::Revoked);

    plane.publish(Snapshot::default(), vec![stated("blue")]).await;
    vm.told_of(&digest).await;
    assert!(matches!(answer(&plane, &digest).await.0, Kind::Principal(_)), "a key that is back in the file is good");
}

async fn bad_requests_for_keys_are_named(database: Database) {
    let plane = Plane::start(&database).await;
    for (wanted, named) in [
        (json!({}), "name"),
        (json!({"name": "  "}), "name"),
        (json!({"name": "ci", "models": []}), "models"),
        (json!({"name": "ci", "teem": "red"}), "teem"),
    ] {
        let response = plane.request(Method::POST, "/api/v1/keys").json(&wanted).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{wanted}");
        let body: Value = response.json().await.expect("the answer is JSON");
        assert!(body["error"]["message"].as_str().is_some_and(|message| message.contains(named)), "{wanted}: {body}");
    }
    assert_eq!(plane.get("/api/v1/keys").await["keys"], json!([]));
}

async fn no_change_is_passed_over_while_many_are_made(database: Database) {
    const KEYS: usize = 200;
    let store = Store::open(&database.url).await.expect("the store opens");
    let makers: Vec<_> = (0..KEYS)
        .map(|number| {
            let (store, key) = (store.clone(), Secret::new(format!("sk-{number}")));
            let stated = BootstrapKey { name: "one".to_owned(), key, team: None, user: None, models: Vec::new() };
            tokio::spawn(async move { store.add_key(&stated, Source::Api).await.expect("the store works") })
        })
        .collect();
    // Reads as a control plane does: from the last number that it saw, which must leave nothing behind.
    let (mut last, mut seen) = (0, 0);
    while !makers.iter().all(JoinHandle::is_finished) {
        let (newest, digests) = store.key_changes_since(last).await.expect("the store works");
        (last, seen) = (newest, seen + digests.len());
    }
    let (_, rest) = store.key_changes_since(last).await.expect("the store works");
    assert_eq!(seen + rest.len(), KEYS);
}
