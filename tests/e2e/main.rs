//! The whole system on a real Envoy with two workers: each module starts systems of its own and shares nothing.

mod accounting;
mod admission;
mod canonical;
mod control_plane_loss;
mod errors;
mod fallback;
mod identity;
mod keys;
mod kill_matrix;
mod live_edit;
mod lost;
mod secrets;
mod streams;
mod surface;
mod up;

use mock_llm::Received;
use serde_json::{Value, json};
use tollgate_tests::{ANTHROPIC_SECRET, OPENAI_SECRET, Providers, SECOND_SECRET};

/// A chat request of one user message.
fn ask(model: &str, text: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": text}]})
}

/// The same, streamed.
fn ask_streaming(model: &str, text: &str) -> Value {
    let mut request = ask(model, text);
    request["stream"] = json!(true);
    request
}

/// Asserts that nothing went to a provider that belongs to another, to the client or to the gateway.
#[track_caller]
fn assert_nothing_leaked(providers: &Providers) {
    let own = [
        (OPENAI_SECRET, "header-canary-openai"),
        (ANTHROPIC_SECRET, "header-canary-claude"),
        (SECOND_SECRET, "header-canary-second"),
    ];
    for (position, mock) in providers.each().into_iter().enumerate() {
        for request in mock.requests() {
            let seen = as_text(&request);
            assert!(!seen.contains("sk-client-canary"), "a client's key: {seen}");
            for (index, (secret, header)) in own.iter().enumerate() {
                assert_eq!(
                    seen.contains(secret),
                    index == position,
                    "credential {index} at provider {position}: {seen}"
                );
                assert!(index == position || !seen.contains(header), "header {index} at provider {position}: {seen}");
            }
            for (name, _) in &request.headers {
                let internal = ["x-tollgate-", "x-envoy-", "x-client-", "cookie", "x-provider"];
                assert!(!internal.iter().any(|prefix| name.starts_with(prefix)), "{name} at provider {position}");
            }
        }
    }
}

fn as_text(request: &Received) -> String {
    format!("{} {}\n{:?}\n{}", request.method, request.path, request.headers, String::from_utf8_lossy(&request.body))
}
