//! Nothing gets past the gate unadmitted.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tollgate_tests::{Answer, DEV_KEY, Setup, Stack, eventually};

use super::{ask, assert_nothing_leaked};

/// One HTTP/2 request whose end is trailers. Its status and body.
async fn send_with_trailers(stack: &Stack, key: Option<&str>, body: Option<String>) -> (u16, Value) {
    let socket = TcpStream::connect(stack.gateway()).await.expect("the gateway listens");
    let (client, connection) = h2::client::handshake(socket).await.expect("HTTP/2");
    let driver = tokio::spawn(connection);
    let mut request = http::Request::post(stack.url("/v1/chat/completions")).header("content-type", "application/json");
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let mut client = client.ready().await.expect("room for a stream");
    let request = request.body(()).expect("a request");
    let (response, mut sending) = client.send_request(request, false).expect("the head is sent");
    if let Some(body) = body {
        // A refusal may close the stream before all of the request is out; the answer is what counts then.
        let _ = sending.send_data(Bytes::from(body), false);
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", http::HeaderValue::from_static("abc"));
    let _ = sending.send_trailers(trailers);
    let (head, mut body) = response.await.expect("an answer").into_parts();
    let mut collected = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece.expect("a piece");
        let _ = body.flow_control().release_capacity(piece.len());
        collected.extend_from_slice(&piece);
    }
    driver.abort();
    (head.status.as_u16(), serde_json::from_slice(&collected).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn request_trailers_are_an_end_of_body_and_no_way_around() {
    let stack = Stack::start().await;
    let openai = &stack.providers().openai;
    let good = ask("gpt-4o", "hello").to_string();

    let (status, body) = send_with_trailers(&stack, None, Some(good.clone())).await;
    assert_eq!((status, &body["error"]["code"]), (401, &json!("missing_api_key")), "{body}");
    let (status, body) = send_with_trailers(&stack, Some("sk-wrong"), Some(good.clone())).await;
    assert_eq!((status, &body["error"]["code"]), (401, &json!("invalid_api_key")), "{body}");
    let (status, body) = send_with_trailers(&stack, Some(DEV_KEY), Some("no json".into())).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!("invalid_json")), "{body}");
    let (status, body) = send_with_trailers(&stack, Some(DEV_KEY), None).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!("invalid_json")), "{body}");
    let (status, body) = send_with_trailers(&stack, Some(DEV_KEY), Some(ask("no-such", "x").to_string())).await;
    assert_eq!((status, &body["error"]["code"]), (404, &json!("model_not_found")), "{body}");
    assert!(openai.requests().is_empty());

    for model in ["gpt-4o", "claude"] {
        let (status, body) = send_with_trailers(&stack, Some(DEV_KEY), Some(ask(model, "hello").to_string())).await;
        assert_eq!(
            (status, &body["choices"][0]["message"]["content"]),
            (200, &json!("You said: hello")),
            "{model}: {body}"
        );
    }
    assert_eq!(String::from_utf8_lossy(&openai.requests()[0].body), good);
    assert_nothing_leaked(stack.providers());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_is_not_let_through() {
    let stack = Stack::start().await;
    for (method, path) in [("GET", "/v1/realtime"), ("GET", "/v1/chat/completions"), ("POST", "/v1/chat/completions")] {
        let mut socket = TcpStream::connect(stack.gateway()).await.expect("the gateway listens");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {DEV_KEY}\r\nconnection: upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        socket.write_all(head.as_bytes()).await.expect("the head is sent");
        let mut answer = vec![0; 4096];
        let length = socket.read(&mut answer).await.expect("an answer");
        let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
        let status = answer.split(' ').nth(1).unwrap_or_default().to_owned();
        assert!(status.starts_with('4'), "{method} {path}: {answer}");
    }
    assert!(stack.providers().each().iter().all(|mock| mock.requests().is_empty()));
    assert_eq!(stack.chat(ask("gpt-4o", "hello")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn internal_headers_of_clients_have_no_effect() {
    let stack = Stack::start().await;
    let providers = stack.providers();
    // A cluster that is there, so that only the gate stands between.
    let clusters = reqwest::get(format!("http://{}/clusters", stack.envoy_admin())).await.expect("Envoy answers");
    let clusters = clusters.text().await.expect("text");
    let names = clusters.lines().filter_map(|line| line.split("::").next());
    let second = names.into_iter().find(|name| name.starts_with("chain/second@")).expect("its cluster").to_owned();
    let mut request = stack.request(Method::POST, "/v1/chat/completions").json(&ask("gpt-4o", "hello"));
    for (name, value) in [
        ("x-tollgate-cluster", second.as_str()),
        ("x-tollgate-exchange", "00000000000000000000000000000000"),
        ("x-tollgate-anything", "canary"),
        ("x-tollgate-fault", "trap"),
        ("x-envoy-max-retries", "9"),
        ("x-envoy-retry-on", "4xx,5xx,retriable-4xx"),
        ("x-envoy-upstream-rq-timeout-ms", "1"),
        ("x-envoy-upstream-rq-per-try-timeout-ms", "1"),
        ("x-envoy-upstream-alt-stat-name", "canary"),
        ("x-envoy-original-path", "/canary"),
        ("x-envoy-force-trace", "true"),
        ("x-client-header", "canary"),
        ("cookie", "session=canary"),
        ("x-api-key", "sk-client-canary-other"),
    ] {
        request = request.header(name, value);
    }
    let gate = "internal-headers";
    providers.openai.script(mock_llm::script::Script { delay_first_byte_ms: 50, ..Default::default() });
    let answer = Answer::read(request.send().await.expect("an answer")).await.expect("a body");
    assert_eq!((answer.status, answer.content().as_str()), (200, "You said: hello"), "{gate}: {}", answer.text());
    assert_eq!((providers.openai.requests().len(), providers.second.requests().len()), (1, 0));
    assert!(!super::as_text(&providers.openai.requests()[0]).contains("canary\""), "{:?}", providers.openai.requests());
    assert_nothing_leaked(providers);
    assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("x-envoy-")), "{:?}", answer.headers);

    // Neither makes a failure to be tried more often than the route says.
    providers.clear();
    providers.openai.add(mock_llm::script::Rule::always(mock_llm::script::Script::status(503)));
    let request = stack.request(Method::POST, "/v1/chat/completions").json(&ask("gpt-4o", "hello"));
    let request = request.header("x-envoy-max-retries", "5").header("x-envoy-retry-on", "5xx");
    assert_eq!(request.send().await.expect("an answer").status(), 503);
    assert_eq!(providers.openai.requests().len(), 1);
}

/// Without the knob, Envoy never brings the body to a filter that holds the head.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_knob_lets_nothing_through() {
    let mut stack = Setup::prepare(|_| ()).await.stopped();
    stack.start_control_plane().await;
    let text = std::fs::read_to_string(stack.bootstrap()).expect("a bootstrap");
    let mut bootstrap: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(remove(&mut bootstrap, "allow_on_headers_stop_iteration"), 1, "{text}");
    std::fs::write(stack.bootstrap(), bootstrap.to_string()).expect("the bootstrap can be written");
    stack.start_envoy();
    stack.ready().await;

    for (key, body) in
        [(DEV_KEY, ask("gpt-4o", "hello").to_string()), ("sk-wrong", "x".into()), (DEV_KEY, String::new())]
    {
        let request = reqwest::Client::new().post(stack.url("/v1/chat/completions")).bearer_auth(key).body(body);
        // It may hang: whatever comes of it, it must not be an answer of a provider.
        if let Ok(Ok(answer)) = tokio::time::timeout(Duration::from_secs(2), request.send()).await {
            assert!(answer.status().as_u16() >= 400, "{}", answer.status());
        }
    }
    assert!(stack.providers().each().iter().all(|mock| mock.requests().is_empty()));
}

/// Takes a member out wherever it stands; how often it stood there.
fn remove(value: &mut Value, name: &str) -> usize {
    match value {
        Value::Object(members) => {
            let own = usize::from(members.remove(name).is_some());
            own + members.values_mut().map(|member| remove(member, name)).sum::<usize>()
        }
        Value::Array(items) => items.iter_mut().map(|item| remove(item, name)).sum(),
        _ => 0,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expectations_head_requests_and_pipelining_are_as_in_any_server() {
    let stack = Stack::start().await;
    // Two requests in one packet, and one that waits to be told to go on.
    let body = ask("gpt-4o", "hello").to_string();
    let request = |extra: &str| {
        format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\nauthorization: Bearer {DEV_KEY}\r\n{extra}content-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let mut socket = TcpStream::connect(stack.gateway()).await.expect("the gateway listens");
    let both = format!("{}{}", request(""), request("connection: close\r\n"));
    socket.write_all(both.as_bytes()).await.expect("sent");
    let mut answers = String::new();
    socket.read_to_string(&mut answers).await.expect("two answers");
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 2, "{answers}");

    let mut socket = TcpStream::connect(stack.gateway()).await.expect("the gateway listens");
    let expecting = request("expect: 100-continue\r\nconnection: close\r\n");
    let (head, rest) = expecting.split_at(expecting.len() - body.len());
    socket.write_all(head.as_bytes()).await.expect("sent");
    let mut told = vec![0; 25];
    socket.read_exact(&mut told).await.expect("an interim answer");
    assert!(told.starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&told));
    socket.write_all(rest.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.contains("HTTP/1.1 200"), "{answer}");

    let head = stack.request(Method::HEAD, "/v1/chat/completions").send().await.expect("an answer");
    assert_eq!(head.status(), 405);
    assert!(eventually(async || (stack.providers().openai.requests().len() == 3).then_some(())).await.is_some());
}
