//! Secrets and prompts stay where they belong.

use base64::Engine as _;
use bytes::Bytes;
use mock_llm::script::Script;
use reqwest::Method;
use serde_json::json;
use tokio::net::TcpStream;
use tollgate_tests::{ANTHROPIC_SECRET, DEV_KEY, LIMITED_KEY, OPENAI_SECRET, SECOND_SECRET, Stack};

use super::{ask, ask_streaming, assert_nothing_leaked};

const PROMPT: &str = "prompt-canary-7f3a";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_secret_is_in_logs_dumps_answers_or_files() {
    let stack = Stack::start().await;
    for model in ["gpt-4o", "claude", "openai-then-claude", "nobody", "no-such-model"] {
        for body in [ask(model, PROMPT), ask_streaming(model, PROMPT)] {
            let request = stack.request(Method::POST, "/v1/chat/completions").header("x-tollgate-debug", "1");
            let answer = request.json(&body).send().await.expect("an answer");
            let head = format!("{:?}", answer.headers());
            let body = answer.text().await.expect("a body");
            for secret in [OPENAI_SECRET, ANTHROPIC_SECRET, SECOND_SECRET, DEV_KEY, "header-canary"] {
                assert!(!head.contains(secret) && !body.contains(secret), "{secret} in an answer: {head}\n{body}");
            }
        }
    }
    // A provider that says our own credential back.
    let echo = json!({"error": {"message": "wrong key", "type": "t", "param": null, "code": "c"}});
    stack.providers().openai.script(Script { body: Some(echo), ..Script::status(401) });
    assert_eq!(stack.chat(ask("gpt-4o", PROMPT)).await.status, 401);
    let request =
        reqwest::Client::new().post(stack.url("/v1/chat/completions")).bearer_auth("sk-client-canary-unknown");
    assert_eq!(request.body(PROMPT).send().await.expect("an answer").status(), 401);
    let made = stack.api().create_key(json!({"name": "made"})).await;
    let made = made["key"].as_str().expect("a key").to_owned();
    stack.api().wait_for_records(12).await;
    assert_nothing_leaked(stack.providers());

    let mut places = vec![("the logs".to_owned(), stack.logs().into_bytes())];
    for path in ["/config_dump?include_eds", "/clusters", "/stats", "/server_info"] {
        let dump = reqwest::get(format!("http://{}{path}", stack.envoy_admin())).await.expect("an answer");
        places.push((format!("Envoy's {path}"), dump.bytes().await.expect("a dump").to_vec()));
    }
    for path in [
        "/api/v1/usage?limit=1000",
        "/api/v1/usage?format=csv",
        "/api/v1/keys",
        "/api/v1/models",
        "/api/v1/snapshot",
        "/health",
        "/metrics",
    ] {
        places.push((path.to_owned(), stack.api().get(path).await.body));
    }
    let tokens = ["node-token", "admin-token"].map(|name| stack.folder().join("data").join(name));
    for file in files(&stack.folder().join("data")) {
        if !tokens.contains(&file) {
            places.push((file.display().to_string(), std::fs::read(&file).unwrap_or_default()));
        }
    }
    let tokens = tokens.map(|file| std::fs::read_to_string(file).unwrap_or_default().trim().to_owned());
    let canaries = [
        PROMPT,
        OPENAI_SECRET,
        ANTHROPIC_SECRET,
        SECOND_SECRET,
        DEV_KEY,
        LIMITED_KEY,
        "sk-client-canary-unknown",
        &made,
        "header-canary",
    ];
    for (place, content) in &places {
        for canary in canaries.into_iter().chain(tokens.iter().map(String::as_str)) {
            let encoded = base64::engine::general_purpose::STANDARD.encode(canary);
            for form in [canary, encoded.trim_end_matches('=')] {
                let found = content.windows(form.len()).position(|window| window == form.as_bytes());
                assert!(found.is_none(), "{canary} in {place}");
            }
        }
    }
    // What only the owner may read.
    use std::os::unix::fs::PermissionsExt as _;
    for name in ["node-token", "admin-token"] {
        let mode = std::fs::metadata(stack.folder().join("data").join(name)).expect("a token").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} is open to others: {mode:o}");
    }
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_anonymous_peer_gets_nothing() {
    let stack = Stack::start().await;
    assert!(stack.grpc().ip().is_loopback());
    for credential in [None, Some("Bearer wrong"), Some("Bearer ")] {
        for method in ["tollgate.v1.Session/Open", "tollgate.v1.Keys/Resolve"] {
            let socket = TcpStream::connect(stack.grpc()).await.expect("the control plane listens");
            let (client, connection) = h2::client::handshake(socket).await.expect("HTTP/2");
            let driver = tokio::spawn(connection);
            let mut request = http::Request::post(format!("http://{}/{method}", stack.grpc()))
                .header("content-type", "application/grpc")
                .header("te", "trailers");
            if let Some(credential) = credential {
                request = request.header("authorization", credential);
            }
            let mut client = client.ready().await.expect("room for a stream");
            let (response, mut sending) =
                client.send_request(request.body(()).expect("a request"), false).expect("sent");
            // An empty message: a flag and a length of nothing.
            let _ = sending.send_data(Bytes::from_static(&[0; 5]), true);
            let (head, mut body) = response.await.expect("an answer").into_parts();
            let mut bytes = 0;
            while let Some(Ok(piece)) = body.data().await {
                bytes += piece.len();
            }
            let trailers = body.trailers().await.ok().flatten().unwrap_or_default();
            let status = head.headers.get("grpc-status").or(trailers.get("grpc-status"));
            assert_eq!(
                status.map(|status| status.as_bytes()),
                Some(&b"16"[..]),
                "{method}, {credential:?}: {:?}",
                head.headers
            );
            assert_eq!(bytes, 0, "{method}, {credential:?}");
            driver.abort();
        }
    }
}
