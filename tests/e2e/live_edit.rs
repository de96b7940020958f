//! The configuration file is edited while everything runs.

use serde_json::json;
use tollgate_tests::{Answer, Stack, eventually};

use super::ask;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_of_routes_prices_and_providers_are_live() {
    let stack = Stack::start().await;
    let (mut version, _) = stack.api().snapshot().await.expect("a snapshot");
    let mut config = stack.config();
    assert_eq!(stack.chat(ask("gpt-4o", "hello")).await.status, 200);
    assert_eq!(stack.chat(ask("new-model", "hello")).await.status, 404);

    // A route.
    config["models"]["new-model"] = json!({"targets": [{"provider": "second"}]});
    config["models"]["gpt-4o"] = json!({"targets": [{"provider": "second", "model": "moved"}]});
    stack.write_config(&config.to_string());
    version = stack.wait_for_snapshot_after(version).await;
    assert_eq!(stack.chat(ask("new-model", "hello")).await.status, 200);
    assert_eq!(stack.chat(ask("gpt-4o", "hello")).await.status, 200);
    assert_eq!(stack.providers().second.requests()[1].json()["model"], "moved");

    // A price.
    config["prices"]["moved"] = json!({"input": 10, "output": 0});
    stack.write_config(&config.to_string());
    version = stack.wait_for_snapshot_after(version).await;
    assert_eq!(stack.chat(ask("gpt-4o", "hello")).await.status, 200);

    // A provider, so a cluster that Envoy did not have.
    let url = stack.providers().claude.url();
    config["providers"]["fresh"] = json!({"kind": "anthropic", "base_url": format!("{url}/v1"), "api_key": "sk-fresh"});
    config["models"]["fresh"] = json!({"targets": [{"provider": "fresh"}, {"provider": "second", "priority": 1}]});
    stack.write_config(&config.to_string());
    stack.wait_for_snapshot_after(version).await;
    let answer = stack.chat(ask("fresh", "hello")).await;
    assert_eq!((answer.status, answer.content().as_str()), (200, "You said: hello"), "{}", answer.text());
    assert_eq!(stack.providers().claude.requests()[0].header("x-api-key"), Some("sk-fresh"));

    let records = stack.api().wait_for_records(6).await;
    let costs: Vec<_> = records.iter().map(|record| &record["charged_nanousd"]).collect();
    assert_eq!(costs[4], &json!(5 * 10_000), "{records:#?}");
    assert!(costs[3].is_null(), "{records:#?}");
    assert!(records[4]["snapshot_version"].as_u64() > records[3]["snapshot_version"].as_u64());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_edit_keeps_the_old_one_and_says_why() {
    let stack = Stack::start().await;
    let (version, _) = stack.api().snapshot().await.expect("a snapshot");
    let config = stack.config();
    let health = async || {
        let response = reqwest::get(format!("{}/health", stack.api().url())).await.expect("an answer");
        Answer::read(response).await.expect("a body")
    };

    let mut broken = config.clone();
    broken["models"]["gpt-4o"]["targets"][0]["provider"] = json!("opeanai");
    stack.write_config(&broken.to_string());
    let told = eventually(async || Some(health().await).filter(|health| health.text().contains("opeanai")));
    let told = told.await.expect("the reason is in /health");
    assert_eq!((told.status, &told.json()["status"]), (200, &json!("degraded")), "{}", told.text());
    assert!(stack.logs().contains("opeanai"));
    assert_eq!(stack.chat(ask("gpt-4o", "hello")).await.status, 200);

    stack.write_config("models: [this is: not");
    let told = eventually(async || Some(health().await).filter(|health| !health.text().contains("opeanai")));
    assert_eq!(told.await.expect("the new reason is in /health").json()["status"], "degraded");
    assert_eq!(stack.chat(ask("gpt-4o", "hello")).await.status, 200);
    assert_eq!(stack.api().snapshot().await.map(|(version, _)| version), Some(version));

    stack.write_config(&config.to_string());
    let well = eventually(async || Some(health().await).filter(|health| health.json()["status"] == "ok"));
    assert!(well.await.is_some(), "the mended file is accepted");
}
