//! Keys come and go while everything runs.

use serde_json::json;
use tollgate_tests::{Answer, Stack, eventually};

use super::ask;

/// The status of a call with this key, over a connection of its own.
async fn status(stack: &Stack, key: &str) -> u16 {
    let request = reqwest::Client::new().post(stack.url("/v1/chat/completions")).bearer_auth(key);
    request.json(&ask("gpt-4o", "hello")).send().await.expect("an answer").status().as_u16()
}

/// Waits until a key gets this status from both workers: from twenty connections in a row.
async fn wait_for_status(stack: &Stack, key: &str, expected: u16) {
    let all = eventually(async || {
        for _ in 0..20 {
            if status(stack, key).await != expected {
                return None;
            }
        }
        Some(())
    });
    assert!(all.await.is_some(), "{expected} does not come everywhere");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_made_and_revoked_through_the_api_are_live() {
    let stack = Stack::start().await;
    let made = stack.api().create_key(json!({"name": "made", "team": "t", "models": ["gpt-*"]})).await;
    let key = made["key"].as_str().expect("a key").to_owned();
    wait_for_status(&stack, &key, 200).await;

    let request =
        reqwest::Client::new().post(stack.url("/v1/chat/completions")).bearer_auth(&key).json(&ask("claude", "x"));
    Answer::read(request.send().await.expect("an answer"))
        .await
        .expect("a body")
        .expect_error(403, "model_not_allowed");

    let listed = stack.api().get("/api/v1/keys").await.text();
    assert!(listed.contains("\"made\"") && !listed.contains(&key), "{listed}");

    stack.api().revoke_key(made["id"].as_str().expect("an id")).await;
    wait_for_status(&stack, &key, 401).await;
    let request =
        reqwest::Client::new().post(stack.url("/v1/chat/completions")).bearer_auth(&key).json(&ask("gpt-4o", "x"));
    Answer::read(request.send().await.expect("an answer")).await.expect("a body").expect_error(401, "revoked_api_key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_made_and_revoked_by_command_are_live() {
    let stack = Stack::start().await;
    let printed = stack.tollgate(&["keys", "create", "by-command", "--team", "t"]).await;
    let field = |name: &str| {
        let line =
            printed.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name}: {printed}"));
        line.trim().to_owned()
    };
    let (id, key) = (field("id"), field("key"));
    wait_for_status(&stack, &key, 200).await;
    assert!(stack.tollgate(&["keys", "list"]).await.contains("by-command"));
    stack.tollgate(&["keys", "revoke", &id]).await;
    wait_for_status(&stack, &key, 401).await;
}
