//! Each refusal and each failure, in OpenAI's shape, with its status and code.

use mock_llm::script::Script;
use reqwest::Method;
use serde_json::json;
use tollgate_tests::{Answer, LIMITED_KEY, Setup, Stack};

use super::{ask, ask_streaming};

async fn send(
    stack: &Stack,
    key: Option<&str>,
    body: impl Into<reqwest::Body>,
    header: Option<(&str, &str)>,
) -> Answer {
    let client = reqwest::Client::new();
    let mut request =
        client.post(stack.url("/v1/chat/completions")).header("content-type", "application/json").body(body);
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    Answer::read(request.send().await.expect("an answer")).await.expect("a body")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_have_status_type_and_code() {
    let stack = Setup::prepare(|config| config["max_body"] = json!("64KiB")).await.started().await;
    let revoked = stack.api().create_key(json!({"name": "revoked"})).await;
    stack.api().revoke_key(revoked["id"].as_str().expect("an id")).await;
    let revoked = revoked["key"].as_str().expect("a key");
    let dev = Some(tollgate_tests::DEV_KEY);
    let good = ask("gpt-4o", "hello").to_string();
    let gzip = Some(("content-encoding", "gzip"));

    let cases: Vec<(&str, Answer, u16)> = vec![
        ("missing_api_key", send(&stack, None, good.clone(), None).await, 401),
        ("invalid_api_key", send(&stack, Some("sk-wrong"), good.clone(), None).await, 401),
        ("revoked_api_key", send(&stack, Some(revoked), good.clone(), None).await, 401),
        ("model_not_allowed", send(&stack, Some(LIMITED_KEY), ask("claude", "x").to_string(), None).await, 403),
        ("model_not_allowed", send(&stack, Some(LIMITED_KEY), ask("second/gpt-4o", "x").to_string(), None).await, 403),
        ("model_not_found", send(&stack, dev, ask("no-such-model", "x").to_string(), None).await, 404),
        ("provider_not_found", send(&stack, dev, good.clone(), Some(("x-provider", "nope"))).await, 400),
        ("invalid_json", send(&stack, dev, "not json", None).await, 400),
        ("invalid_json", send(&stack, dev, "", None).await, 400),
        ("invalid_json", send(&stack, dev, good[..good.len() - 1].to_owned(), None).await, 400),
        ("invalid_value", send(&stack, dev, r#"{"messages":[]}"#, None).await, 400),
        (
            "duplicate_member",
            send(&stack, dev, r#"{"model":"gpt-4o","model":"claude","messages":[]}"#, None).await,
            400,
        ),
        (
            "duplicate_member",
            send(&stack, dev, r#"{"model":"gpt-4o","mod\u0065l":"claude","messages":[]}"#, None).await,
            400,
        ),
        ("unsupported_content_encoding", send(&stack, dev, good.clone(), gzip).await, 415),
        ("request_too_large", send(&stack, dev, ask("gpt-4o", &"x".repeat(70_000)).to_string(), None).await, 413),
        ("request_too_large", send(&stack, dev, ask("gpt-4o", &"x".repeat(3_000_000)).to_string(), None).await, 413),
        ("unsupported_operation", embeddings_of_anthropic(&stack).await, 400),
    ];
    for (code, answer, status) in &cases {
        let error = answer.expect_error(*status, code);
        assert_eq!(error["type"], "invalid_request_error", "{code}: {error}");
    }
    assert!(
        stack.providers().each().iter().all(|mock| mock.requests().is_empty()),
        "a refused request reached a provider"
    );

    // Each refusal is counted, at no cost.
    let records = stack.api().wait_for_records(cases.len()).await;
    for (code, ..) in &cases {
        assert!(records.iter().any(|record| record["reason"] == *code), "no record of {code}: {records:#?}");
    }
    for record in &records {
        assert_eq!(record["outcome"], "refused", "{record:#}");
        assert!(record["charged_nanousd"].is_null() || record["charged_nanousd"] == 0, "{record:#}");
    }
}

async fn embeddings_of_anthropic(stack: &Stack) -> Answer {
    let body = json!({"model": "claude", "input": "x"});
    let request = stack.request(Method::POST, "/v1/embeddings").json(&body);
    Answer::read(request.send().await.expect("an answer")).await.expect("a body")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_without_length_is_bounded_too() {
    let stack = Setup::prepare(|config| config["max_body"] = json!("64KiB")).await.started().await;
    for size in [70_000, 3_000_000] {
        let body = ask("gpt-4o", &"x".repeat(size)).to_string();
        let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>(body)]);
        let answer = send(&stack, Some(tollgate_tests::DEV_KEY), reqwest::Body::wrap_stream(pieces), None).await;
        assert!(answer.header("content-type").starts_with("application/json"), "{size} bytes: {}", answer.text());
        answer.expect_error(413, "request_too_large");
    }
    assert!(stack.providers().openai.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_of_envoy_have_the_same_shape() {
    let stack = Setup::prepare(|config| {
        // A name that never resolves (RFC 6761, section 6.4).
        let nowhere = json!({"kind": "openai_compatible", "base_url": "http://provider.invalid/v1", "api_key": "none"});
        config["providers"]["nowhere"] = nowhere;
        config["models"]["nowhere"] = json!({"targets": [{"provider": "nowhere"}]});
    });
    let stack = stack.await.started().await;
    let second = &stack.providers().second;
    for stream in [false, true] {
        let request = |model: &str| if stream { ask_streaming(model, "x") } else { ask(model, "x") };
        for model in ["nobody", "nowhere"] {
            let error = stack.chat(request(model)).await.expect_error(503, "provider_unavailable");
            assert_eq!(error["type"], "server_error", "{error}");
        }
        second.script(Script::reset());
        let answer = stack.chat(request("second/m")).await;
        let error = answer.expect_error(answer.status, "provider_unavailable");
        assert!((502..=503).contains(&answer.status), "{error}");
    }
    second.script(Script { hang: true, ..Script::default() });
    let error = stack.chat(ask("brief", "x")).await.expect_error(504, "provider_timeout");
    assert_eq!(error["type"], "server_error", "{error}");

    let records = stack.api().wait_for_records(7).await;
    assert!(records.iter().all(|record| record["outcome"] == "provider_error"), "{records:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_cannot_be_read_do_not_leak() {
    let stack = Stack::start().await;
    let claude = &stack.providers().claude;
    let page = Script {
        body: Some(json!("<html>upstream page</html>")),
        content_type: Some("text/html".into()),
        ..Script::default()
    };
    claude.script(page.clone());
    stack.chat(ask("claude", "x")).await.expect_error(502, "invalid_provider_response");
    // An error page becomes an error in the client's shape, with its status.
    claude.script(Script { status: Some(418), ..page });
    let answer = stack.chat(ask("claude", "x")).await;
    assert_eq!(answer.status, 418);
    assert!(answer.json()["error"]["message"].is_string(), "{}", answer.text());
    // The provider's own refusal of our request keeps its words.
    claude.script(Script::status(400));
    let answer = stack.chat(ask_streaming("claude", "x")).await;
    assert_eq!((answer.status, &answer.json()["error"]["message"]), (400, &json!("The request was not accepted.")));
}
