//! The control plane goes and comes back; or comes late; or never came.

use mock_llm::script::Script;
use serde_json::Value;
use tollgate_tests::{Answer, DEV_KEY, Setup, Stack, eventually};

use super::{ask, ask_streaming};

/// Over a connection of its own, so that both workers get their share.
async fn call(stack: &Stack, body: &Value) -> Answer {
    let request = reqwest::Client::new().post(stack.url("/v1/chat/completions")).bearer_auth(DEV_KEY).json(body);
    Answer::read(request.send().await.expect("an answer")).await.expect("a whole answer")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_and_each_is_on_record_once_after_a_kill() {
    let mut stack = Stack::start().await;
    let mut expected = 0;
    // Both workers get to know the key.
    for _ in 0..24 {
        assert_eq!(call(&stack, &ask("gpt-4o", "warm")).await.status, 200);
        expected += 1;
    }
    // Streams that are open while it dies.
    let openai = &stack.providers().openai;
    let mut open = Vec::new();
    for _ in 0..4 {
        openai.script(Script::held_after("g", 2));
        open.push(stack.send_chat(ask_streaming("gpt-4o", "over the gap")).await);
        expected += 1;
    }
    openai.wait_until_held("g", 4).await;

    let control_plane = stack.control_plane.take().expect("it runs");
    let traffic = async {
        for round in 0..40 {
            let model = if round % 2 == 0 { "gpt-4o" } else { "claude" };
            let answer = call(&stack, &ask(model, "during")).await;
            assert_eq!(
                (answer.status, answer.content().as_str()),
                (200, "You said: during"),
                "round {round}: {}",
                answer.text()
            );
        }
    };
    tokio::join!(traffic, control_plane.kill());
    expected += 40;
    // It is gone for certain now.
    for round in 0..20 {
        let answer = call(&stack, &ask("gpt-4o", "after")).await;
        assert_eq!(answer.status, 200, "round {round}: {}", answer.text());
    }
    expected += 20;
    stack.providers().openai.release("g");
    for response in open {
        let answer = Answer::read(response).await.expect("a whole stream");
        assert_eq!(answer.content(), "You said: over the gap");
    }

    stack.start_control_plane().await;
    stack.ready().await;
    let records = stack.api().wait_for_records(expected).await;
    let ids: std::collections::BTreeSet<&str> =
        records.iter().filter_map(|record| record["exchange_id"].as_str()).collect();
    assert_eq!(ids.len(), expected);
    assert!(records.iter().all(|record| record["outcome"] == "success"), "{records:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_envoy_that_starts_first_refuses_until_it_is_configured() {
    let mut stack = Setup::prepare(|_| ()).await.stopped();
    // It writes Envoy's files, and is gone before Envoy starts.
    stack.start_control_plane().await;
    stack.control_plane.take().expect("it runs").kill().await;
    stack.start_envoy();
    let client = reqwest::Client::new();
    let listening = eventually(async || client.get(stack.url("/health")).send().await.ok());
    let health = listening.await.expect("Envoy listens");
    assert_eq!(health.status(), 503);

    call(&stack, &ask("gpt-4o", "hello")).await.expect_error(503, "not_configured");
    assert!(stack.providers().openai.requests().is_empty());

    stack.start_control_plane().await;
    stack.ready().await;
    assert_eq!(call(&stack, &ask("gpt-4o", "hello")).await.content(), "You said: hello");
}
