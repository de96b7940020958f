//! A VM dies with exchanges open: each is on record as `lost`, once.

use mock_llm::script::Script;
use reqwest::Method;
use serde_json::{Value, json};
use tollgate_tests::{DEV_KEY, Setup, Stack, eventually};

use super::{ask, ask_streaming};

/// Waits until the control plane knows of so many open exchanges.
async fn wait_until_reported(stack: &Stack, count: usize) {
    let found = eventually(async || (stack.api().open_exchanges().await? == count).then_some(()));
    assert!(found.await.is_some(), "{count} open exchanges are not reported");
}

fn of_outcome<'a>(records: &'a [Value], outcome: &str) -> Vec<&'a Value> {
    records.iter().filter(|record| record["outcome"] == outcome).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_envoy_leaves_one_lost_record_for_each_open_stream() {
    let mut stack = Stack::start().await;
    let openai = &stack.providers().openai;
    assert_eq!(stack.chat(ask("gpt-4o", "done before")).await.status, 200);
    openai.script(Script::held_after("g", 2));
    let open = stack.send_chat(ask_streaming("gpt-4o", "never ends")).await;
    openai.wait_until_held("g", 1).await;
    wait_until_reported(&stack, 1).await;
    stack.api().wait_for_records(1).await;
    stack.envoy.take().expect("it runs").kill().await;
    drop(open);

    let records = stack.api().wait_for_records(2).await;
    let lost = of_outcome(&records, "lost");
    assert_eq!(lost.len(), 1, "{records:#?}");
    assert_eq!((&lost[0]["model"], &lost[0]["team"]), (&json!("gpt-4o"), &json!("platform")), "{:#}", lost[0]);
    assert!(lost[0]["input"].is_null(), "{:#}", lost[0]);

    // A new Envoy serves, and nothing is counted again.
    stack.start_envoy();
    stack.ready().await;
    assert_eq!(stack.chat(ask("gpt-4o", "again")).await.status, 200);
    stack.api().wait_for_records(3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trap_costs_one_vm_and_what_it_had_open_is_lost() {
    let stack = Setup::prepare(|_| ()).await.with_faults().started().await;
    let openai = &stack.providers().openai;
    openai.script(Script::held_after("g", 2));
    // One connection, so one worker, for the stream and for the trap.
    let client = reqwest::Client::builder().http2_prior_knowledge().build().expect("a client");
    let post = || client.request(Method::POST, stack.url("/v1/chat/completions")).bearer_auth(DEV_KEY);
    let mut open = post().json(&ask_streaming("gpt-4o", "never ends")).send().await.expect("an answer");
    assert!(open.chunk().await.expect("a piece").is_some());
    openai.wait_until_held("g", 1).await;
    wait_until_reported(&stack, 1).await;

    let trapped = post().header("x-tollgate-fault", "trap").json(&ask("gpt-4o", "boom")).send().await;
    assert!(trapped.is_err() || trapped.is_ok_and(|answer| answer.status().as_u16() >= 500));
    assert_eq!(openai.requests().len(), 1, "the request at fault reached the provider");

    // Other requests work, on the worker at fault too.
    let works = eventually(async || {
        for _ in 0..10 {
            let answer = post().json(&ask("gpt-4o", "hello")).send().await.ok()?;
            if answer.status() != 200 {
                return None;
            }
        }
        Some(())
    });
    assert!(works.await.is_some(), "the worker does not come back");

    // The stream is cut at its next event, and becomes `lost`.
    openai.release("g");
    let mut rest = Vec::new();
    while let Ok(Some(piece)) = open.chunk().await {
        rest.extend_from_slice(&piece);
    }
    let lost = eventually(async || {
        let records = stack.api().records().await;
        (!of_outcome(&records, "lost").is_empty()).then_some(records)
    });
    let records = lost.await.expect("the open exchange becomes lost");
    assert_eq!(of_outcome(&records, "lost").len(), 1, "{records:#?}");
}
