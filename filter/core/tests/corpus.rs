//! Recorded provider traffic, where it is present: `../shared/corpus` beside the repository, or `$TOLLGATE_CORPUS`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails panics")]

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tollgate_core::{
    canonical::Usage,
    formats::{Attempt, Format, Observed, Passed, Relay, ResponseKind, encode_request},
    json::Envelope,
};

/// Cases whose outcome differs from the corpus on purpose; `docs/quirks.md` says why of each.
const DIFFERENT: &[&str] = &[
    "cases/anthropic/messages/265-anthropic-tool-search-regex-1-stream.json",
    "cases/anthropic/messages/270-anthropic-tool-search-deferred-bm25-stream.json",
    "cases/azure/chat/003-chat-function-calling-azure-grok-4-1-fast-non-reasoning-can-.json",
    "cases/azure/chat/016-chat-with-schema-with-azure-grok-4-1-fast-non-reasoning-allo.json",
    "cases/mistral/chat/006-streaming-agent-sends-audio.json",
    "cases/mistral/chat/041-blocking-agent-sends-audio.json",
    "cases/mistral/chat/065-blocking-raw-model-sends-audio.json",
    "cases/vercel-gateway/chat/004-thinking.json",
    "cases/vercel-gateway/chat/005-thinking-streaming-1.json",
    "cases/vercel-gateway/chat/020-thinking-streaming.json",
    "cases/vercel-gateway/chat/021-simple.json",
    "cases/vercel-gateway/chat/024-simple-streaming.json",
];

struct Case {
    file: String,
    request: Option<Vec<u8>>,
    body: Vec<u8>,
    kind: ResponseKind,
    expect: Value,
    tags: Vec<String>,
}

fn attempt(client: Format, upstream: Format, kind: ResponseKind) -> Attempt<'static> {
    Attempt {
        client,
        upstream,
        model: "upstream-model",
        default_max_tokens: 4096,
        stream: kind == ResponseKind::Stream,
        include_usage: true,
        framing: tollgate_core::formats::Framing::Sse,
        exchange: "0123456789abcdef0123456789abcdef",
        created_s: 1_700_000_000,
    }
}

#[expect(clippy::print_stderr, reason = "a ring that is absent says so")]
fn say(what: &str) {
    eprintln!("corpus: {what}");
}

fn cases(format: &str) -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    #[expect(clippy::disallowed_methods, reason = "a test may be told where its data are")]
    let root = env::var("TOLLGATE_CORPUS").map_or(root, PathBuf::from);
    let Ok(index) = fs::read_to_string(root.join("index.jsonl")) else {
        say(&format!("ABSENT, nothing was checked: no index.jsonl in {}", root.display()));
        return Vec::new();
    };
    let rows = index.lines().map(|row| serde_json::from_str::<Value>(row).unwrap());
    let files = rows.filter(|row| row["format"] == format).map(|row| row["file"].as_str().unwrap().to_owned());
    files.map(|file| read(&root, file)).collect()
}

fn read(root: &Path, file: String) -> Case {
    let case: Value = serde_json::from_slice(&fs::read(root.join(&file)).unwrap()).unwrap();
    let request =
        Some(&case["request"]["body"]).filter(|body| body.is_object()).map(|body| body.to_string().into_bytes());
    let response = &case["response"];
    let good = response["status"] == 200;
    let (kind, body) = match response["sse_text"].as_str() {
        Some(text) => (ResponseKind::Stream, text.as_bytes().to_vec()),
        None if response["body"].is_object() && good => {
            (ResponseKind::Whole, response["body"].to_string().into_bytes())
        }
        None => (ResponseKind::Whole, Vec::new()),
    };
    let tags = case["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap().to_owned()).collect();
    Case { file, request, body, kind, expect: case["expect"].clone(), tags }
}

fn relay(attempt: &Attempt<'_>, case: &Case) -> (Vec<u8>, Observed) {
    let mut relay = Relay::new(attempt, case.kind);
    let mut out = Vec::new();
    for chunk in case.body.chunks(1021) {
        match relay.push(chunk) {
            Passed::AsReceived => out.extend_from_slice(chunk),
            Passed::Replaced(bytes) => out.extend_from_slice(&bytes),
        }
    }
    out.extend(relay.finish().unwrap_or_else(|error| error.to_string().into_bytes()));
    (out, relay.observed().clone())
}

/// Where the figures differ from what the corpus says, or `None`.
fn difference(case: &Case, usage: Option<Usage>) -> Option<String> {
    let expected = &case.expect["usage"];
    if expected.is_null() {
        return usage.map(|usage| format!("expected none, saw {usage:?}"));
    }
    let Some(usage) = usage else { return Some(format!("expected {expected}, saw none")) };
    let output = expected.get("output_incl_reasoning").filter(|v| v.is_u64()).unwrap_or(&expected["output"]);
    let written = usage.cache_write_5m + usage.cache_write_1h;
    let pairs = [
        (&expected["input"], usage.total_input()),
        (output, usage.total_output()),
        (&expected["cached"], usage.cache_read),
        (&expected["cache_write"], written),
        (&expected["reasoning"], usage.reasoning),
    ];
    let same = pairs.iter().all(|(expected, seen)| expected.as_u64().unwrap_or(0) == *seen);
    (!same).then(|| format!("expected {expected} (output {output}), saw {usage:?}"))
}

fn report(what: &str, checked: usize, failures: BTreeMap<String, String>) {
    let (known, new): (Vec<_>, Vec<_>) = failures.into_iter().partition(|(file, _)| DIFFERENT.contains(&file.as_str()));
    say(&format!("{what}: {checked} checked, {} different on purpose", known.len()));
    assert!(new.is_empty(), "{what}: {} failures\n{new:#?}", new.len());
}

#[test]
fn chat_requests_become_anthropic_requests_or_clear_refusals() {
    let (mut encoded, mut refused, mut failures) = (0, BTreeMap::<String, usize>::new(), BTreeMap::new());
    for case in cases("chat") {
        let Some(body) = &case.request else { continue };
        let envelope = Envelope::scan(body).unwrap();
        match encode_request(&attempt(Format::OpenaiChat, Format::AnthropicMessages, case.kind), body, &envelope) {
            Ok(request) => {
                encoded += 1;
                let tollgate_core::formats::UpstreamBody::Replaced(body) = request.body else {
                    failures.insert(case.file, "not translated".to_owned());
                    continue;
                };
                let value: Value = serde_json::from_slice(&body).unwrap();
                let messages = value["messages"].as_array().map_or(0, Vec::len);
                if messages == 0 || value["max_tokens"].as_u64().is_none() {
                    failures.insert(case.file, value.to_string());
                }
            }
            Err(refusal) if refusal.param.is_some() => {
                let kind = refusal.message.split('"').next().unwrap_or_default().to_owned();
                *refused.entry(kind).or_default() += 1;
            }
            Err(refusal) => {
                failures.insert(case.file, refusal.to_string());
            }
        }
    }
    say(&format!("chat to anthropic requests: refused {refused:#?}"));
    report("chat requests to anthropic_messages", encoded + refused.values().sum::<usize>(), failures);
}

#[test]
fn chat_responses_pass_unchanged_and_their_usage_is_seen() {
    let (mut checked, mut failures) = (0, BTreeMap::new());
    for case in cases("chat").into_iter().filter(|case| !case.body.is_empty()) {
        checked += 1;
        let (out, observed) = relay(&attempt(Format::OpenaiChat, Format::OpenaiChat, case.kind), &case);
        if out != case.body {
            failures.insert(case.file.clone(), "the bytes changed".to_owned());
        } else if let Some(difference) = difference(&case, observed.usage) {
            failures.insert(case.file.clone(), difference);
        }
    }
    report("chat responses through the identity lane", checked, failures);
}

#[test]
fn embeddings_responses_pass_unchanged_and_their_usage_is_seen() {
    let (mut checked, mut failures) = (0, BTreeMap::new());
    for case in cases("embeddings").into_iter().filter(|case| !case.body.is_empty()) {
        checked += 1;
        let (out, observed) = relay(&attempt(Format::OpenaiEmbeddings, Format::OpenaiEmbeddings, case.kind), &case);
        if out != case.body {
            failures.insert(case.file.clone(), "the bytes changed".to_owned());
        } else if let Some(difference) = difference(&case, observed.usage) {
            failures.insert(case.file.clone(), difference);
        }
    }
    report("embeddings responses through the identity lane", checked, failures);
}

#[test]
fn anthropic_responses_become_chat_answers_with_the_same_usage_and_content() {
    let (mut checked, mut failures) = (0, BTreeMap::new());
    for case in cases("anthropic").into_iter().filter(|case| !case.body.is_empty()) {
        checked += 1;
        for stream in [false, true] {
            let mut attempt = attempt(Format::OpenaiChat, Format::AnthropicMessages, case.kind);
            attempt.stream = stream;
            let (out, observed) = relay(&attempt, &case);
            let cut_off = case.tags.iter().any(|tag| tag == "cut-off");
            if let Some(difference) = difference(&case, observed.usage) {
                failures.insert(case.file.clone(), difference);
            } else if !cut_off && let Some(difference) = content_difference(&case, stream, &out) {
                failures.insert(case.file.clone(), format!("stream {stream}: {difference}"));
            }
        }
    }
    report("anthropic responses to openai_chat", checked, failures);
}

/// Compares text length and tool calls of what the client got.
fn content_difference(case: &Case, stream: bool, out: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(out);
    let (mut content, mut tools) = (String::new(), Vec::<(String, String)>::new());
    let mut add = |message: &Value| {
        content.push_str(message["content"].as_str().unwrap_or_default());
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let function = &call["function"];
            let arguments = function["arguments"].as_str().unwrap_or_default();
            match function["name"].as_str() {
                Some(name) => tools.push((name.to_owned(), arguments.to_owned())),
                None => tools.last_mut().unwrap().1.push_str(arguments),
            }
        }
    };
    if stream {
        if text.matches("data: [DONE]").count() != 1 {
            return Some(format!(
                "not one end: {}",
                text.chars().rev().take(300).collect::<String>().chars().rev().collect::<String>()
            ));
        }
        for data in text.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]") {
            let chunk: Value = serde_json::from_str(data).unwrap();
            chunk["choices"].as_array().into_iter().flatten().for_each(|choice| add(&choice["delta"]));
        }
    } else {
        match serde_json::from_str::<Value>(&text) {
            Ok(body) => add(&body["choices"][0]["message"]),
            Err(_) => return Some(text.chars().take(300).collect()),
        }
    }
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|_| text.into());
    let expected = case.expect["tool_calls"].as_array().cloned().unwrap_or_default();
    let same_tools = expected.len() == tools.len()
        && expected.iter().zip(&tools).all(|(expected, (name, arguments))| {
            let wanted = &expected["arguments"];
            let wanted = wanted.as_str().map_or_else(|| wanted.clone(), parsed);
            expected["name"] == name.as_str() && wanted == parsed(arguments)
        });
    let length = case.expect["text_len"].as_u64().unwrap_or(0);
    if !same_tools {
        return Some(format!("expected tools {expected:?}, saw {tools:?}"));
    }
    let seen = u64::try_from(content.chars().count()).unwrap();
    (seen != length).then(|| format!("expected {length} characters of text, saw {seen}"))
}
