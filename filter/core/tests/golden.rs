//! One fixture, one snapshot per target format beside it: bytes, usage and losses.
//!
//! `openai_chat/*.json` are requests: `{"attempt": {…}, "body": {…}}`. The other folders hold answers of providers, whole
//! (`*.json`) and streamed (`*.sse`).

#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

use std::{fs, path::Path};

use serde_json::Value;
use tollgate_core::{
    canonical::Losses,
    formats::{Attempt, Format, Passed, Relay, ResponseKind, UpstreamBody, encode_request},
    json::Envelope,
};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

fn attempt(client: Format, upstream: Format) -> Attempt<'static> {
    Attempt {
        client,
        upstream,
        model: "upstream-model",
        default_max_tokens: 4096,
        stream: false,
        include_usage: false,
        framing: tollgate_core::formats::Framing::Sse,
        exchange: "0123456789abcdef0123456789abcdef",
        created_s: 1_700_000_000,
    }
}

/// Calls `check` for each fixture with that ending, with the snapshots beside the fixture and named after it.
fn each(folder: &str, ending: &str, check: impl Fn(&str, &[u8])) {
    let mut paths: Vec<_> =
        fs::read_dir(Path::new(GOLDEN).join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == ending));
    paths.sort();
    assert!(!paths.is_empty(), "no fixtures in {folder}");
    for path in paths {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(path.parent().unwrap());
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| check(&name, &fs::read(&path).unwrap()));
    }
}

fn show_losses(losses: &Losses) -> String {
    let lines: Vec<_> = losses.iter().map(|loss| format!("  {}: {}", loss.path, loss.reason)).collect();
    if lines.is_empty() { "losses: none".to_owned() } else { format!("losses:\n{}", lines.join("\n")) }
}

#[test]
fn requests() {
    each("openai_chat", "json", |name, fixture| {
        let fixture: Value = serde_json::from_slice(fixture).unwrap();
        let body = serde_json::to_vec(&fixture["body"]).unwrap();
        let envelope = Envelope::scan(&body).unwrap();
        for upstream in [Format::OpenaiChat, Format::AnthropicMessages] {
            let mut attempt = attempt(Format::OpenaiChat, upstream);
            attempt.model = fixture["model"].as_str().unwrap_or("claude-sonnet-4-5");
            attempt.stream = fixture["body"]["stream"] == true;
            attempt.include_usage = fixture["body"]["stream_options"]["include_usage"] == true;
            let shown = match encode_request(&attempt, &body, &envelope) {
                Ok(request) => {
                    let body = match &request.body {
                        UpstreamBody::AsReceived => "as received".to_owned(),
                        UpstreamBody::Replaced(bytes) => String::from_utf8(bytes.clone()).unwrap(),
                    };
                    format!("{body}\n\n{}", show_losses(&request.losses))
                }
                Err(refusal) => format!("refused: {refusal}"),
            };
            insta::assert_snapshot!(format!("{name}.{}", upstream.name()), shown);
        }
    });
}

fn relayed(attempt: &Attempt<'_>, kind: ResponseKind, body: &[u8]) -> String {
    let mut relay = Relay::new(attempt, kind);
    let mut out = Vec::new();
    match relay.push(body) {
        Passed::AsReceived => out.extend_from_slice(body),
        Passed::Replaced(bytes) => out.extend(bytes),
    }
    let end = match relay.finish() {
        Ok(bytes) => String::from_utf8([out, bytes].concat()).unwrap(),
        Err(error) => format!("no answer: {error}"),
    };
    format!("{end}\n--\n{:#?}", relay.observed())
}

#[test]
fn anthropic_answers() {
    for (ending, kind) in [("json", ResponseKind::Whole), ("sse", ResponseKind::Stream)] {
        each("anthropic_messages", ending, |name, body| {
            for (target, stream, include_usage) in
                [("whole", false, false), ("stream", true, false), ("stream_usage", true, true)]
            {
                let mut attempt = attempt(Format::OpenaiChat, Format::AnthropicMessages);
                (attempt.stream, attempt.include_usage) = (stream, include_usage);
                insta::assert_snapshot!(format!("{name}.openai_chat.{target}"), relayed(&attempt, kind, body));
            }
        });
    }
}

#[test]
fn chat_streams() {
    each("openai_chat", "sse", |name, body| {
        for (target, include_usage) in [("unasked", false), ("asked", true)] {
            let mut attempt = attempt(Format::OpenaiChat, Format::OpenaiChat);
            (attempt.stream, attempt.include_usage) = (true, include_usage);
            insta::assert_snapshot!(
                format!("{name}.openai_chat.{target}"),
                relayed(&attempt, ResponseKind::Stream, body)
            );
        }
    });
}

#[test]
fn embeddings() {
    each("openai_embeddings", "json", |name, body| {
        let attempt = attempt(Format::OpenaiEmbeddings, Format::OpenaiEmbeddings);
        insta::assert_snapshot!(format!("{name}.openai_embeddings"), relayed(&attempt, ResponseKind::Whole, body));
    });
}
