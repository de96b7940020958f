//! One request of the provider's API: recorded, matched with a script, answered.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use bytes::Bytes;
use serde_json::Value;

use crate::dialect::Dialect;
use crate::journal::{Ending, Gates, Journal, Received};
use crate::script::{BreakOff, Rules, Script};
use crate::send::{self, Answer, Framing};
use crate::server::ResetOnClose;
use crate::{anthropic, bedrock, gemini, openai};

/// Everything one mock knows.
#[derive(Default)]
pub(crate) struct Provider {
    pub(crate) rules: Rules,
    pub(crate) gates: Gates,
    pub(crate) journal: Journal,
    /// Prompts that a client has had cached (Anthropic's `cache_control`).
    cached: Mutex<HashSet<String>>,
    /// What OpenAI keeps of a response: its conversation so far, by its id.
    stored: Mutex<HashMap<String, Vec<Value>>>,
    answered: AtomicU64,
}

/// A request, read.
pub(crate) struct Call<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
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

    /// Keeps a conversation under the id of its last response.
    pub(crate) fn store(&self, id: String, conversation: Vec<Value>) {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner).insert(id, conversation);
    }

    /// The conversation that ended with the response of this id.
    pub(crate) fn stored(&self, id: &str) -> Option<Vec<Value>> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }
}

impl Call<'_> {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether the request is taken as it is, without the vendor's checks.
    pub(crate) fn is_lenient(&self) -> bool {
        self.script.lenient || self.script.body.is_some()
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
    let dialect = Dialect::of(uri.path(), &headers);
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    let model = dialect.model(uri.path(), &json);
    let script = provider.rules.take(&model).map(Ok);
    let script = script.or_else(|| Script::asked_for(&model, &dialect.last_words(&json)));
    let (script, answer) = match script.unwrap_or_else(|| Ok(Script::default())) {
        Ok(script) => {
            let number = provider.answered.fetch_add(1, Ordering::Relaxed) + 1;
            let call = Call {
                method: &method,
                uri: &uri,
                headers: &headers,
                body: &body,
                script: &script,
                number,
                provider: &provider,
            };
            let answer = answer(dialect, &call);
            let answer = changed(dialect, answer, &script);
            (script, answer)
        }
        Err(error) => (Script::default(), openai::error(400, &format!("The script in the message is none: {error}"))),
    };
    send::send(provider, entry, answer, script, connection).await
}

fn answer(dialect: Dialect, call: &Call<'_>) -> Answer {
    if let Some(status) = call.script.status.filter(|status| *status >= 400) {
        return dialect.scripted_error(status);
    }
    let (method, path) = (call.method.as_str(), call.uri.path());
    match (method, path, dialect) {
        ("POST", "/v1/chat/completions", _) => openai::chat::answer(call),
        ("POST", "/v1/completions", _) => openai::completions::answer(call),
        ("POST", "/v1/embeddings", _) => openai::embeddings::answer(call),
        ("POST", "/v1/responses", _) => openai::responses::answer(call),
        ("POST", "/v1/messages", _) => anthropic::answer(call),
        ("POST", _, Dialect::Gemini) => gemini::answer(call),
        ("POST", _, Dialect::Bedrock) => bedrock::answer(call),
        ("GET", "/v1/models", Dialect::Anthropic) => anthropic::models(call),
        ("GET", "/v1/models", _) => openai::models::list(call),
        ("GET", _, _) if path.starts_with("/v1/models/") => {
            openai::models::retrieve(call, &path["/v1/models/".len()..])
        }
        _ => openai::error(404, &format!("Invalid URL ({method} {path})")),
    }
}

/// The parts of a script that change the bytes of an answer.
fn changed(dialect: Dialect, mut answer: Answer, script: &Script) -> Answer {
    if let Some(body) = &script.body {
        let body = body.as_str().map_or_else(|| body.to_string(), ToOwned::to_owned);
        answer.events = vec![Bytes::from(body)];
    }
    if answer.framing == Framing::Whole {
        return answer;
    }
    if let Some(error) = &script.error_event {
        answer.events.truncate(answer.events.len() / 2);
        answer.events.push(Dialect::error_event(answer.framing, error));
    } else if let Some(break_off) = script.break_off {
        answer.events.truncate((answer.events.len() / 2).max(1));
        let error = dialect.midway_error(&answer.events, break_off == BreakOff::Failed);
        answer.events.push(Dialect::error_event(answer.framing, &error));
    } else if script.forget_done {
        answer.events.pop();
    }
    answer
}
