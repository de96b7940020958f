//! One request of the provider's API: recorded, matched with a script, answered.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use bytes::Bytes;
use serde_json::Value;

use crate::journal::{Ending, Gates, Journal, Received};
use crate::script::{Rules, Script};
use crate::send::{self, Answer};
use crate::server::ResetOnClose;
use crate::{anthropic, openai};

/// Everything one mock knows.
#[derive(Default)]
pub(crate) struct Provider {
    pub(crate) rules: Rules,
    pub(crate) gates: Gates,
    pub(crate) journal: Journal,
    /// Prompts that a client has had cached (Anthropic's `cache_control`).
    cached: Mutex<HashSet<String>>,
    answered: AtomicU64,
}

/// A request, read.
pub(crate) struct Call<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
    pub(crate) script: &'a Script,
    /// Of this mock's answers, which one it is: ids and times are made from it.
    pub(crate) number: u64,
    pub(crate) provider: &'a Provider,
}

impl Provider {
    /// Whether these words were cached before; they are from now on.
    pub(crate) fn was_cached(&self, words: String) -> bool {
        !self.cached.lock().unwrap_or_else(PoisonError::into_inner).insert(words)
    }
}

impl Call<'_> {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Seconds since the epoch, as the answer states them: they grow with each answer and are the same in each run.
    pub(crate) fn created(&self) -> u64 {
        1_760_000_000 + self.number
    }
}

/// Answers everything outside `/__mock`.
pub(crate) async fn handle(
    State(provider): State<Arc<Provider>>,
    Extension(connection): Extension<ResetOnClose>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let entry = provider.journal.record(Received {
        method: method.to_string(),
        path: uri.path_and_query().map_or_else(|| uri.path().to_owned(), ToString::to_string),
        headers: headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: body.clone(),
        ending: Ending::Open,
    });
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    let model = json.get("model").and_then(Value::as_str).unwrap_or_default();
    let script = provider.rules.take(model).map(Ok).or_else(|| Script::in_message(&last_user_text(&json)));
    let script = script.unwrap_or_else(|| Ok(Script::default()));
    let (script, answer) = match script {
        Ok(script) => {
            let number = provider.answered.fetch_add(1, Ordering::Relaxed) + 1;
            let call = Call { headers: &headers, body: &body, script: &script, number, provider: &provider };
            let answer = answer(&method, uri.path(), &call);
            let answer = changed(answer, &script);
            (script, answer)
        }
        Err(error) => (Script::default(), openai::error(400, &format!("The script in the message is none: {error}"))),
    };
    send::send(provider, entry, answer, script, connection).await
}

fn answer(method: &Method, path: &str, call: &Call<'_>) -> Answer {
    let speaks_anthropic = path == "/v1/messages" || call.header("anthropic-version").is_some();
    if let Some(status) = call.script.status.filter(|status| *status >= 400) {
        return if speaks_anthropic { anthropic::scripted_error(status) } else { openai::scripted_error(status) };
    }
    match (method.as_str(), path) {
        ("POST", "/v1/chat/completions") => openai::chat::answer(call),
        ("POST", "/v1/embeddings") => openai::embeddings::answer(call),
        ("POST", "/v1/messages") => anthropic::answer(call),
        ("GET", "/v1/models") if speaks_anthropic => anthropic::models(call),
        ("GET", "/v1/models") => openai::models::list(call),
        ("GET", _) if path.starts_with("/v1/models/") => openai::models::retrieve(call, &path["/v1/models/".len()..]),
        _ => openai::error(404, &format!("Invalid URL ({method} {path})")),
    }
}

/// The parts of a script that change the bytes of an answer.
fn changed(mut answer: Answer, script: &Script) -> Answer {
    if let Some(body) = &script.body {
        let body = body.as_str().map_or_else(|| body.to_string(), ToOwned::to_owned);
        answer.events = vec![Bytes::from(body)];
    }
    if answer.is_stream() {
        if let Some(error) = &script.error_event {
            answer.events.truncate(answer.events.len() / 2);
            let name = if error["type"] == "error" { "event: error\n" } else { "" };
            answer.events.push(Bytes::from(format!("{name}data: {error}\n\n")));
        } else if script.forget_done {
            answer.events.pop();
        }
    }
    answer
}

/// The text of the last user message, in either dialect.
pub(crate) fn last_user_text(body: &Value) -> String {
    let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    messages
        .iter()
        .rev()
        .find(|message| message["role"] == "user")
        .map(|last| text(&last["content"]))
        .unwrap_or_default()
}

/// The text of a content: a string, or the text parts of a list.
pub(crate) fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    }
}
