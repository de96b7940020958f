//! Exactly one usage record per exchange, whatever its end.

use mock_llm::Ending;
use mock_llm::script::Script;
use reqwest::Method;
use serde_json::json;
use tokio::net::TcpStream;
use tollgate_tests::{DEV_KEY, Stack, eventually};

use super::{ask, ask_streaming};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_hangs_up_leaves_one_partial_record() {
    let stack = Stack::start().await;
    let providers = stack.providers();
    for (model, mock) in [("gpt-4o", &providers.openai), ("claude", &providers.claude)] {
        mock.script(Script::held_after(model, 4));
        let mut response = stack.send_chat(ask_streaming(model, "one two three four five")).await;
        assert!(response.chunk().await.expect("a piece").is_some());
        mock.wait_until_held(model, 1).await;
        drop(response);
        // The provider hears of it, so that it does not go on working.
        mock.wait_for(|requests| requests[0].ending == Ending::Abandoned).await;
    }
    let records = stack.api().wait_for_records(2).await;
    for record in &records {
        assert_eq!(
            (&record["outcome"], &record["provenance"]),
            (&json!("client_abort"), &json!("partial")),
            "{record:#}"
        );
        assert_eq!(record["stream"], true);
    }
    // Anthropic's first event has the input; OpenAI's usage would have come at the end.
    assert_eq!(records[1]["input"], 9, "{:#}", records[1]);
}

/// An HTTP/2 client gives up one stream and keeps its connection: Envoy has another word for that than for a hang-up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_resets_its_stream_has_gone_too() {
    let stack = Stack::start().await;
    let openai = &stack.providers().openai;
    openai.script(Script::held_after("g", 2));
    let socket = TcpStream::connect(stack.gateway()).await.expect("the gateway listens");
    let (client, connection) = h2::client::handshake(socket).await.expect("HTTP/2");
    let driver = tokio::spawn(connection);
    let request = http::Request::post(stack.url("/v1/chat/completions"))
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {DEV_KEY}"));
    let mut client = client.ready().await.expect("room for a stream");
    let (response, mut sending) = client.send_request(request.body(()).expect("a request"), false).expect("sent");
    sending.send_data(ask_streaming("gpt-4o", "hello").to_string().into(), true).expect("sent");
    let mut body = response.await.expect("an answer").into_body();
    body.data().await.expect("a piece").expect("a good one");
    openai.wait_until_held("g", 1).await;
    sending.send_reset(h2::Reason::CANCEL);
    let records = stack.api().wait_for_records(1).await;
    let record = &records[0];
    assert_eq!((&record["outcome"], &record["reason"]), (&json!("client_abort"), &json!("client_gone")), "{record:#}");
    openai.release("g");
    driver.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_hangs_up_before_the_answer_leaves_one_record() {
    let stack = Stack::start().await;
    let openai = &stack.providers().openai;
    openai.script(Script::held("g"));
    let request = stack.request(Method::POST, "/v1/chat/completions").json(&ask("gpt-4o", "hello"));
    let call = tokio::spawn(request.send());
    openai.wait_until_held("g", 1).await;
    call.abort();
    openai.wait_for(|requests| requests[0].ending == Ending::Abandoned).await;
    let records = stack.api().wait_for_records(1).await;
    assert_eq!(records[0]["outcome"], "client_abort", "{:#}", records[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_says_of_itself_is_on_record_and_goes_no_further() {
    let stack = Stack::start().await;
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut body = ask("gpt-4o", "hello");
    body["user"] = json!("ann");
    // As the Codex CLI names its session: a name that an edge may well drop.
    for session in ["session_id", "x-tollgate-session"] {
        let request = stack.request(Method::POST, "/v1/chat/completions").json(&body);
        let request =
            request.header(session, "s-1").header("x-tollgate-tags", "a, b").header("traceparent", traceparent);
        assert_eq!(request.send().await.expect("an answer").status(), 200);
    }
    for record in stack.api().wait_for_records(2).await {
        assert_eq!((&record["end_user"], &record["session_id"]), (&json!("ann"), &json!("s-1")), "{record:#}");
        assert_eq!((&record["tags"], &record["traceparent"]), (&json!(["a", "b"]), &json!(traceparent)), "{record:#}");
        assert!(record["client_address"].as_str().is_some_and(|address| !address.is_empty()), "{record:#}");
        assert_eq!(record["route"], "gpt-4o", "{record:#}");
    }
    for request in stack.providers().openai.requests() {
        let names: Vec<_> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert!(!names.iter().any(|name| name.contains("session") || name.contains("tollgate")), "{names:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_say_who_what_and_how_much() {
    let stack = Stack::start().await;
    stack.chat(ask("gpt-4o", "hello")).await;
    stack.chat(ask("second/unpriced", "hello")).await;
    stack.providers().openai.script(Script { no_usage: true, ..Script::default() });
    stack.chat(ask("gpt-4o", "hello")).await;

    let records = stack.api().wait_for_records(3).await;
    let [priced, unpriced, unreported] = records.as_slice() else { panic!("three records") };
    for (member, expected) in [
        ("key_name", json!("dev")),
        ("team", json!("platform")),
        ("user", json!("ada")),
        ("model", json!("gpt-4o")),
        ("provider", json!("openai")),
        ("operation", json!("chat")),
        ("outcome", json!("success")),
        ("provenance", json!("reported")),
        ("status", json!(200)),
        ("attempt_count", json!(1)),
        ("charged_nanousd", json!(5 * 1_000 + 4 * 2_000)),
    ] {
        assert_eq!(priced[member], expected, "{member}: {priced:#}");
    }
    assert!(priced["price_version"].as_str().is_some_and(|version| version.starts_with("config@")), "{priced:#}");
    // Unpriced is not free, and nothing reported is not zero.
    assert!(unpriced["charged_nanousd"].is_null() && unpriced["input"] == 5, "{unpriced:#}");
    assert!(unreported["input"].is_null() && unreported["charged_nanousd"].is_null(), "{unreported:#}");
    assert_eq!(unreported["provenance"], "none");

    // Grouped, filtered, and as CSV.
    let grouped = stack.api().get("/api/v1/usage?group_by=model").await.json();
    let text = grouped.to_string();
    assert!(text.contains("gpt-4o") && text.contains("second/unpriced"), "{grouped:#}");
    let filtered = stack.api().get("/api/v1/usage?provider=second").await.json();
    assert_eq!(filtered["records"].as_array().map(Vec::len), Some(1), "{filtered:#}");
    let table = stack.api().get("/api/v1/usage?format=csv").await.text();
    assert_eq!(table.trim_end().lines().count(), 4, "{table}");
    let metrics = eventually(async || {
        let metrics = reqwest::get(format!("{}/metrics", stack.api().url())).await.ok()?.text().await.ok()?;
        metrics.contains("tollgate").then_some(metrics)
    });
    assert!(metrics.await.is_some(), "no metrics without a token");
    let anonymous = reqwest::get(format!("{}/api/v1/usage", stack.api().url())).await.expect("an answer");
    assert_eq!(anonymous.status(), 401);
}
