//! Recorded provider traffic through the identity lane, where it is present: `../shared/corpus` beside the repository, or
//! `$TOLLGATE_CORPUS`. Translations are held against the vendors' own types by the corpus ring, `tests/corpus`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails panics")]

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tollgate_core::{
    canonical::Usage,
    json::Envelope,
    translate::{Framing, Observed, Passed, Relay, ResponseKind, Translation, UpstreamBody, encode_request},
    words::Format,
};

/// Every format that has an identity lane, in the corpus' words and ours.
const FORMATS: [(&str, Format); 6] = [
    ("chat", Format::OpenaiChat),
    ("embeddings", Format::OpenaiEmbeddings),
    ("anthropic", Format::AnthropicMessages),
    ("responses", Format::OpenaiResponses),
    ("completions", Format::OpenaiCompletions),
    ("gemini", Format::GeminiGenerate),
];

/// Responses whose figures differ from the corpus on purpose; `docs/quirks.md` says why of each.
const DIFFERENT: &[&str] = &[
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
    response: Option<Vec<u8>>,
    kind: ResponseKind,
    expect: Value,
}

fn translation(format: Format, stream: bool) -> Translation<'static> {
    Translation {
        client: format,
        upstream: format,
        model: "upstream-model",
        default_max_tokens: 4096,
        stream,
        include_usage: true,
        framing: Framing::Sse,
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

/// Anthropic's events in AWS's framing, and Gemini's streams in an array, are in no framing that the lane watches.
fn read(root: &Path, file: String) -> Case {
    let case: Value = serde_json::from_slice(&fs::read(root.join(&file)).unwrap()).unwrap();
    let object = |value: &Value| Some(value).filter(|value| value.is_object()).map(|v| v.to_string().into_bytes());
    let response = &case["response"];
    let good = response["status"] == 200;
    let (kind, body) = match response["sse_text"].as_str() {
        Some(text) => (ResponseKind::Stream, Some(text.as_bytes().to_vec())),
        None => (ResponseKind::Whole, object(&response["body"])),
    };
    let request = object(&case["request"]["body"]);
    Case { file, request, response: body.filter(|_| good), kind, expect: case["expect"].clone() }
}

fn relay(translation: &Translation<'_>, kind: ResponseKind, body: &[u8]) -> (Vec<u8>, Observed) {
    let mut relay = Relay::new(translation, kind);
    let mut out = Vec::new();
    for chunk in body.chunks(1021) {
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
        // Zeros say as little as nothing does.
        return usage.filter(|usage| *usage != Usage::default()).map(|usage| format!("expected none, saw {usage:?}"));
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

/// Recorded requests that their vendors took have caps and numbers of answers that can be read and lowered, and their texts stand
/// where they are said to stand.
#[test]
fn requests_have_readable_bounds_and_texts() {
    let (mut checked, mut texts, mut failures) = (0, 0, BTreeMap::new());
    for (name, format) in FORMATS.into_iter().chain([("bedrock", Format::BedrockConverse)]) {
        for case in cases(name) {
            let Some(body) = case.request.filter(|_| case.response.is_some()) else { continue };
            checked += 1;
            let envelope = Envelope::scan(&body).unwrap();
            let mut end = 0;
            format.texts(&body, &envelope, &mut |text| {
                assert_eq!(&body[text.at.clone()], text.node.text().as_bytes());
                assert!(text.at.start >= end, "{}", case.file);
                (texts, end) = (texts + 1, text.at.end);
            });
            let bounds = format.output_cap(&body, &envelope).and_then(|_| format.choices(&body, &envelope));
            let clamped = format.clamp("m", 1, &body, &envelope).map(|edits| envelope.splice(&body, &edits));
            let after = clamped.map(|body| format.output_cap(&body, &Envelope::scan(&body).unwrap()));
            match (bounds, after) {
                (Ok(_), Ok(Ok(Some(0 | 1)))) if end > 0 || !has_text(&serde_json::from_slice(&body).unwrap()) => {}
                (bounds, after) => {
                    failures.insert(case.file, format!("{bounds:?}, then {after:?}; texts: {}", end > 0));
                }
            }
        }
    }
    say(&format!("requests read: {texts} texts"));
    report("bounds", checked, failures);
}

/// Whether a request says anything in words: one may only show a picture.
fn has_text(request: &Value) -> bool {
    const WORDS: [&str; 6] = ["text", "content", "input", "prompt", "instructions", "system"];
    match request {
        Value::Object(members) => {
            members.iter().any(|(name, value)| (WORDS.contains(&name.as_str()) && value.is_string()) || has_text(value))
        }
        Value::Array(elements) => elements.iter().any(has_text),
        _ => false,
    }
}

#[test]
fn responses_pass_unchanged_and_their_usage_is_seen() {
    let (mut checked, mut failures) = (0, BTreeMap::new());
    for (name, format) in FORMATS {
        for case in cases(name) {
            let Some(body) = &case.response else { continue };
            checked += 1;
            let (out, observed) = relay(&translation(format, case.kind == ResponseKind::Stream), case.kind, body);
            if out != *body {
                failures.insert(case.file, "the bytes changed".to_owned());
            } else if let Some(difference) = difference(&case, observed.usage) {
                failures.insert(case.file, difference);
            }
        }
    }
    report("responses through the identity lane", checked, failures);
}

#[test]
fn requests_pass_but_for_the_members_that_are_ours() {
    let (mut checked, mut failures) = (0, BTreeMap::new());
    for (name, format) in FORMATS {
        for case in cases(name) {
            let Some(body) = &case.request else { continue };
            checked += 1;
            let mut before: Value = serde_json::from_slice(body).unwrap();
            let stream = before["stream"] == true;
            let request = encode_request(&translation(format, stream), body, &Envelope::scan(body).unwrap()).unwrap();
            let mut after: Value = match request.body {
                UpstreamBody::AsReceived => continue,
                UpstreamBody::Replaced(bytes) => serde_json::from_slice(&bytes).unwrap(),
            };
            for value in [&mut before, &mut after] {
                value.as_object_mut().unwrap().retain(|key, _| key != "model" && key != "stream_options");
            }
            if before != after {
                failures.insert(case.file, after.to_string());
            }
        }
    }
    report("requests through the identity lane", checked, failures);
}
