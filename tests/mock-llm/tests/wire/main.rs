//! What goes over the wire, as a client sees it.

mod anthropic;
mod bedrock;
mod chat;
mod completions;
mod gemini;
mod responses;
mod scenarios;
mod speech;

use std::net::{Ipv4Addr, SocketAddr};

use mock_llm::script::{Reset, Script, Split};
use mock_llm::{Ending, Mock};
use serde_json::{Value, json};

pub(crate) async fn mock() -> Mock {
    Mock::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.expect("a free port")
}

async fn chat(mock: &Mock, body: Value) -> reqwest::Response {
    let url = format!("{}/v1/chat/completions", mock.url());
    reqwest::Client::new().post(url).bearer_auth("sk-test").json(&body).send().await.expect("an answer")
}

async fn messages(mock: &Mock, body: Value) -> reqwest::Response {
    let request = reqwest::Client::new().post(format!("{}/v1/messages", mock.url()));
    let request = request.header("x-api-key", "sk-ant-test").header("anthropic-version", "2023-06-01");
    request.json(&body).send().await.expect("an answer")
}

fn hello(stream: bool) -> Value {
    json!({"model": "gpt-4o", "max_tokens": 100, "stream": stream, "messages": [{"role": "user", "content": "hello there"}]})
}

/// The `data` of each event.
pub(crate) fn events(stream: &str) -> Vec<Value> {
    let lines = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    lines.map(|data| serde_json::from_str(data).unwrap_or_else(|_| json!(data))).collect()
}

#[tokio::test]
async fn openai_echoes_and_counts() {
    let mock = mock().await;
    let answer: Value = chat(&mock, hello(false)).await.json().await.expect("JSON");
    assert_eq!(answer["choices"][0]["message"]["content"], "You said: hello there");
    assert_eq!(answer["usage"]["prompt_tokens"], 6);
    assert_eq!(answer["usage"]["completion_tokens"], 6);

    let stream = events(&chat(&mock, hello(true)).await.text().await.expect("text"));
    assert!(stream.iter().all(|event| event.get("usage").is_none()));
    assert_eq!(stream.last(), Some(&json!("[DONE]")));

    let mut asking = hello(true);
    asking["stream_options"] = json!({"include_usage": true});
    let stream = events(&chat(&mock, asking).await.text().await.expect("text"));
    let [chunks @ .., usage, _done] = stream.as_slice() else { panic!("too short: {stream:?}") };
    assert!(chunks.iter().all(|chunk| chunk["usage"].is_null() && chunk.get("usage").is_some()));
    assert_eq!((&usage["choices"], &usage["usage"]["total_tokens"]), (&json!([]), &json!(12)));
}

#[tokio::test]
async fn openai_calls_tools_in_parallel() {
    let mock = mock().await;
    let tool = |name: &str| {
        let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}});
        json!({"type": "function", "function": {"name": name, "parameters": parameters}})
    };
    let prompt = r#"call weather {"city":"Oslo"} and call clock"#;
    let body = json!({
        "model": "m",
        "messages": [{"role": "user", "content": prompt}],
        "tools": [tool("clock"), tool("weather")],
    });
    let answer: Value = chat(&mock, body).await.json().await.expect("JSON");
    let calls = &answer["choices"][0]["message"]["tool_calls"];
    assert_eq!(calls[0]["function"], json!({"name": "weather", "arguments": r#"{"city":"Oslo"}"#}));
    assert_eq!(calls[1]["function"]["name"], "clock");
    assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls");
}

#[tokio::test]
async fn anthropic_demands_what_the_real_one_demands() {
    let mock = mock().await;
    let mut unknown = hello(false);
    unknown["frequency_penalty"] = json!(1);
    let mut uncapped = hello(false);
    uncapped.as_object_mut().expect("an object").remove("max_tokens");
    let mut system = hello(false);
    system["messages"] = json!([{"role": "system", "content": "x"}]);
    for (body, expected) in [
        (unknown, "frequency_penalty: Extra inputs are not permitted"),
        (uncapped, "max_tokens: Field required"),
        (system, "messages.0.role: Input should be 'user' or 'assistant'"),
    ] {
        let response = messages(&mock, body).await;
        assert_eq!(response.status(), 400);
        let error: Value = response.json().await.expect("JSON");
        assert_eq!(error["error"], json!({"type": "invalid_request_error", "message": expected}));
    }
    let anonymous = reqwest::Client::new().post(format!("{}/v1/messages", mock.url())).json(&hello(false));
    assert_eq!(anonymous.send().await.expect("an answer").status(), 401);
}

#[tokio::test]
async fn anthropic_thinks_signs_and_caches() {
    let mock = mock().await;
    let words = "x".repeat(400);
    let body = json!({
        "model": "claude", "max_tokens": 2000, "stream": true,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "system": [{"type": "text", "text": words, "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": "why"}],
    });
    let mut figures = Vec::new();
    for _ in 0..2 {
        let stream = events(&messages(&mock, body.clone()).await.text().await.expect("text"));
        assert!(stream.iter().any(|event| event["delta"]["type"] == "signature_delta"));
        let usage = stream[0]["message"]["usage"].clone();
        figures.push((usage["cache_creation_input_tokens"].clone(), usage["cache_read_input_tokens"].clone()));
        assert_eq!(usage["input_tokens"], 4);
    }
    assert_eq!(figures, [(json!(100), json!(0)), (json!(0), json!(100))]);
}

#[tokio::test]
async fn a_scripted_error_has_the_shape_of_the_provider() {
    let mock = mock().await;
    mock.script(Script::status(429));
    mock.script(Script::status(529));
    let openai = chat(&mock, hello(false)).await;
    assert_eq!(openai.status(), 429);
    assert_eq!(openai.json::<Value>().await.expect("JSON")["error"]["code"], "rate_limit_exceeded");
    let anthropic = messages(&mock, hello(false)).await;
    assert_eq!(anthropic.status(), 529);
    assert_eq!(anthropic.json::<Value>().await.expect("JSON")["error"]["type"], "overloaded_error");
}

#[tokio::test]
async fn a_gate_holds_a_stream_until_it_is_released() {
    let mock = mock().await;
    mock.script(Script::held_after("g", 1));
    let mut response = chat(&mock, hello(true)).await;
    assert!(response.chunk().await.expect("a piece").is_some());
    mock.wait_until_held("g", 1).await;
    assert_eq!(mock.requests()[0].ending, Ending::Open);
    mock.release("g");
    assert!(response.text().await.expect("the rest").ends_with("data: [DONE]\n\n"));
    mock.wait_for(|requests| requests[0].ending == Ending::Complete).await;
}

#[tokio::test]
async fn a_client_that_leaves_is_noticed() {
    let mock = mock().await;
    mock.script(Script::held_after("g", 1));
    let mut response = chat(&mock, hello(true)).await;
    assert!(response.chunk().await.expect("a piece").is_some());
    mock.wait_until_held("g", 1).await;
    drop(response);
    mock.wait_for(|requests| requests[0].ending == Ending::Abandoned).await;
}

#[tokio::test]
async fn connections_break_where_the_script_says() {
    let mock = mock().await;
    mock.script(Script::reset());
    let url = format!("{}/v1/chat/completions", mock.url());
    let request = reqwest::Client::new().post(url).bearer_auth("sk-test").json(&hello(false));
    assert!(request.send().await.is_err());

    mock.script(Script { reset: Some(Reset { after_pieces: Some(2), close: false }), ..Script::default() });
    let mut response = chat(&mock, hello(true)).await;
    let mut seen = Vec::new();
    let failure = loop {
        match response.chunk().await {
            Ok(Some(piece)) => seen.extend_from_slice(&piece),
            Ok(None) => panic!("the stream ended well"),
            Err(error) => break error,
        }
    };
    assert_eq!(events(&String::from_utf8_lossy(&seen)).len(), 2, "{failure}");
    mock.wait_for(|requests| requests.iter().all(|request| request.ending == Ending::Broken)).await;
}

#[tokio::test]
async fn a_split_changes_no_byte() {
    let mock = mock().await;
    let whole = chat(&mock, hello(true)).await.text().await.expect("text");
    mock.script(Script::split(Split::EveryByte));
    let split = chat(&mock, hello(true)).await.text().await.expect("text");
    // Ids and times differ from answer to answer.
    let words =
        |stream: &str| events(stream).iter().map(|event| event["choices"][0]["delta"].clone()).collect::<Vec<_>>();
    assert_eq!(words(&split), words(&whole));
}

#[tokio::test]
async fn embeddings_are_the_same_in_both_encodings() {
    use base64::Engine as _;
    let mock = mock().await;
    let mut found = Vec::new();
    for format in ["float", "base64"] {
        let body = json!({"model": "e", "input": ["one", "two"], "encoding_format": format});
        let url = format!("{}/v1/embeddings", mock.url());
        let answer =
            reqwest::Client::new().post(url).bearer_auth("sk-test").json(&body).send().await.expect("an answer");
        found.push(answer.json::<Value>().await.expect("JSON")["data"][1]["embedding"].clone());
    }
    let encoded = found[1].as_str().expect("base64");
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).expect("base64");
    let (numbers, _) = bytes.as_chunks::<4>();
    assert_eq!(json!(numbers.iter().map(|number| f32::from_le_bytes(*number)).collect::<Vec<_>>()), found[0]);
}
