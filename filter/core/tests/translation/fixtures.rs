//! The fixtures of the golden folders, and how a translation of one is run.
//!
//! `golden/<format>/requests/<case>.json` is `{"body": {…}, "model"?, "stream"?}`: a request of a client, the upstream model (a
//! name, or one by upstream format), and whether a stream is asked for where the body does not say it.
//! `golden/<format>/answers/<case>.json` is a provider's whole answer, `<case>.sse` its stream, `<case>.frames.json` a list of
//! `{"event" | "exception", "data"}` that AWS's framing is put around.

use std::{fs, path::Path};

use serde_json::Value;
use tollgate_core::{
    canonical::Losses,
    framing::eventstream,
    json::Envelope,
    translate::{
        Framing, InvalidRequest, Observed, Passed, Relay, ResponseError, ResponseKind, Translation, UpstreamBody,
        encode_request,
    },
    words::{Format, LossKind},
};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

/// One fixture.
pub(crate) struct Fixture {
    pub(crate) name: String,
    pub(crate) folder: std::path::PathBuf,
    pub(crate) kind: ResponseKind,
    pub(crate) bytes: Vec<u8>,
}

/// The fixtures of one folder, in alphabetical order; none where the folder is absent.
pub(crate) fn fixtures(format: Format, side: &str) -> Vec<Fixture> {
    let folder = Path::new(GOLDEN).join(format.name()).join(side);
    let Ok(entries) = fs::read_dir(&folder) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let read = |file: String| {
        let bytes = fs::read(folder.join(&file)).unwrap();
        let (name, kind, bytes) = if let Some(name) = file.strip_suffix(".frames.json") {
            (name, ResponseKind::Stream, frame(&bytes))
        } else if let Some(name) = file.strip_suffix(".json") {
            (name, ResponseKind::Whole, bytes)
        } else {
            (file.strip_suffix(".sse")?, ResponseKind::Stream, bytes)
        };
        let name =
            if kind == ResponseKind::Stream && side == "answers" { format!("{name}.stream") } else { name.to_owned() };
        Some(Fixture { name, folder: folder.clone(), kind, bytes })
    };
    names.into_iter().filter_map(read).collect()
}

/// Every format that clients speak and can be translated from.
pub(crate) fn clients() -> Vec<Format> {
    Format::ALL.into_iter().filter(|client| Format::ALL.iter().any(|other| client.translates_to(*other))).collect()
}

/// Every format that providers speak and can be translated to.
pub(crate) fn upstreams() -> Vec<Format> {
    Format::ALL.into_iter().filter(|upstream| Format::ALL.iter().any(|other| other.translates_to(*upstream))).collect()
}

/// A translation with the model that is usual for the provider.
pub(crate) fn translation(client: Format, upstream: Format) -> Translation<'static> {
    let model = match upstream {
        Format::AnthropicMessages => "claude-sonnet-4-5",
        Format::BedrockConverse => "anthropic.claude-sonnet-4-5-20250929-v1:0",
        Format::GeminiGenerate => "gemini-2.5-pro",
        Format::OpenaiCompletions => "gpt-3.5-turbo-instruct",
        Format::OpenaiChat | Format::OpenaiResponses => "gpt-5.1",
        Format::OpenaiEmbeddings => "text-embedding-3-small",
    };
    Translation {
        client,
        upstream,
        model,
        default_max_tokens: 4096,
        stream: false,
        include_usage: false,
        framing: Framing::Sse,
        exchange: "0123456789abcdef0123456789abcdef",
        created_s: 1_700_000_000,
    }
}

/// A request's fixture, read.
pub(crate) struct RequestFixture {
    pub(crate) name: String,
    pub(crate) folder: std::path::PathBuf,
    pub(crate) body: Value,
    model: Value,
    stream: bool,
}

/// The requests of a client format.
pub(crate) fn requests(client: Format) -> Vec<RequestFixture> {
    let read = |fixture: Fixture| {
        let mut value: Value = serde_json::from_slice(&fixture.bytes).unwrap();
        let (body, model) = (value["body"].take(), value["model"].take());
        let stream = body["stream"] == true || value["stream"] == true;
        RequestFixture { name: fixture.name, folder: fixture.folder, body, model, stream }
    };
    fixtures(client, "requests").into_iter().map(read).collect()
}

impl RequestFixture {
    /// The body for the provider, where it is another one, and what was lost.
    pub(crate) fn encode(&self, client: Format, upstream: Format) -> Result<(Option<String>, Losses), InvalidRequest> {
        let mut translation = translation(client, upstream);
        if let Some(model) = self.model.as_str().or_else(|| self.model[upstream.name()].as_str()) {
            translation.model = model;
        }
        translation.stream = self.stream;
        translation.include_usage = self.body["stream_options"]["include_usage"] == true;
        let body = serde_json::to_vec(&self.body).unwrap();
        let request = encode_request(&translation, &body, &Envelope::scan(&body).unwrap())?;
        let body = match request.body {
            UpstreamBody::AsReceived => None,
            UpstreamBody::Replaced(bytes) => Some(String::from_utf8(bytes).unwrap()),
        };
        Ok((body, request.losses))
    }
}

/// What the client gets of an answer that arrives in these chunks.
pub(crate) fn relay<'b>(
    translation: &Translation<'_>,
    kind: ResponseKind,
    chunks: impl Iterator<Item = &'b [u8]>,
) -> (Result<Vec<u8>, ResponseError>, Observed) {
    let mut relay = Relay::new(translation, kind);
    let mut out = Vec::new();
    for chunk in chunks {
        match relay.push(chunk) {
            Passed::AsReceived => out.extend_from_slice(chunk),
            Passed::Replaced(bytes) => out.extend(bytes),
        }
    }
    let end = relay.finish().map(|rest| [out, rest].concat());
    (end, relay.observed().clone())
}

/// Losses, a line each.
pub(crate) fn show_losses(losses: &Losses) -> String {
    let show = |kind| if kind == LossKind::Approximated { "~" } else { "-" };
    let lines: Vec<_> =
        losses.iter().map(|loss| format!("  {} {}: {}", show(loss.kind), loss.path, loss.reason)).collect();
    if lines.is_empty() { "losses: none".to_owned() } else { format!("losses:\n{}", lines.join("\n")) }
}

/// Puts AWS's framing around a list of events.
fn frame(list: &[u8]) -> Vec<u8> {
    let events: Vec<Value> = serde_json::from_slice(list).unwrap();
    let mut out = Vec::new();
    for event in events {
        let (kind, name) = match event["exception"].as_str() {
            Some(name) => ("exception", name),
            None => ("event", event["event"].as_str().unwrap()),
        };
        let named = if kind == "event" { ":event-type" } else { ":exception-type" };
        let headers = [(":message-type", kind), (named, name), (":content-type", "application/json")];
        out.extend(eventstream::encode(&headers, event["data"].to_string().as_bytes()).unwrap());
    }
    out
}
