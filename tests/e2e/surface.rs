//! What the gateway serves beside calls.

use reqwest::Method;
use serde_json::{Value, json};
use tollgate_tests::{Answer, LIMITED_KEY, Stack};

async fn get(stack: &Stack, path: &str, key: Option<&str>) -> Answer {
    let mut request = reqwest::Client::new().get(stack.url(path));
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    Answer::read(request.send().await.expect("an answer")).await.expect("a body")
}

fn names(list: &Value) -> Vec<&str> {
    list["data"].as_array().into_iter().flatten().filter_map(|model| model["id"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_models_and_everything_else() {
    let stack = Stack::start().await;
    let dev = Some(tollgate_tests::DEV_KEY);

    let health = get(&stack, "/health", None).await;
    assert_eq!(health.status, 200);
    assert!(health.json()["status"].is_string(), "{}", health.text());

    let models = get(&stack, "/v1/models", dev).await.json();
    assert_eq!(models["object"], "list");
    assert!(["gpt-4o", "claude", "default"].iter().all(|name| names(&models).contains(name)), "{models:#}");
    let limited = get(&stack, "/v1/models", Some(LIMITED_KEY)).await.json();
    assert!(names(&limited).contains(&"gpt-4o") && !names(&limited).contains(&"claude"), "{limited:#}");
    get(&stack, "/v1/models", None).await.expect_error(401, "missing_api_key");

    let model = get(&stack, "/v1/models/gpt-4o", dev).await;
    assert_eq!((model.status, &model.json()["id"], &model.json()["object"]), (200, &json!("gpt-4o"), &json!("model")));
    get(&stack, "/v1/models/no-such-model", dev).await.expect_error(404, "model_not_found");
    assert!(get(&stack, "/v1/models/claude", Some(LIMITED_KEY)).await.status >= 403);

    for path in
        ["/v1/images/generations", "/", "/v1/chat", "/v2/chat/completions", "/v1/chat/completions/x", "/v1//files"]
    {
        let answer =
            Answer::read(stack.request(Method::POST, path).json(&json!({})).send().await.expect("an answer")).await;
        let error = answer.expect("a body").expect_error(404, "unknown_url");
        let named = path.replace("//", "/");
        assert!(error["message"].as_str().is_some_and(|message| message.contains(&named)), "{path}: {error}");
    }
    let wrong = get(&stack, "/v1/chat/completions", dev).await;
    wrong.expect_error(405, "method_not_allowed");
    assert_eq!(wrong.header("allow"), "POST");
    assert!(stack.providers().each().iter().all(|mock| mock.requests().is_empty()));
}
