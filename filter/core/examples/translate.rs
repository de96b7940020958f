//! Translates what it reads, one JSON job a line, and writes one JSON result a line: the corpus ring (`tests/corpus`)
//! drives the core through it.
//!
//! A job: `{"id", "direction": "request" | "response" | "error", "client", "upstream", "model", "stream", "kind": "stream" |
//! "whole", "framing": "sse" | "json_array", "status", "body_b64"}`. A result: `{"id", "ok", "body_b64", "losses",
//! "observed", "error", "param"}`, or `{"id", "absent": true}` where nothing translates between the two formats.

use std::{
    error::Error,
    io::{BufRead, Write, stdin, stdout},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};
use tollgate_core::{
    canonical::{Losses, Usage},
    json::Envelope,
    translate::{
        Framing, Observed, Passed, Relay, ResponseKind, Translation, UpstreamBody, encode_request, translate_error,
    },
    words::Format,
};

/// Responses come in pieces of this size, so that events are cut at all places over the whole corpus.
const PIECE: usize = 1021;

#[derive(Deserialize)]
struct Job {
    id: u64,
    direction: Direction,
    client: String,
    upstream: String,
    model: String,
    stream: bool,
    kind: Kind,
    framing: ClientFraming,
    status: u16,
    body_b64: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Direction {
    Request,
    Response,
    Error,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Stream,
    Whole,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ClientFraming {
    Sse,
    JsonArray,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = stdout().lock();
    for line in stdin().lock().lines() {
        let result = run(&serde_json::from_str(&line?)?)?;
        serde_json::to_writer(&mut out, &result)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn run(job: &Job) -> Result<Value, Box<dyn Error>> {
    let translation = Translation {
        client: format(&job.client)?,
        upstream: format(&job.upstream)?,
        model: &job.model,
        default_max_tokens: 4096,
        stream: job.stream,
        include_usage: true,
        framing: match job.framing {
            ClientFraming::Sse => Framing::Sse,
            ClientFraming::JsonArray => Framing::JsonArray,
        },
        exchange: "0123456789abcdef0123456789abcdef",
        created_s: 1_700_000_000,
    };
    if translation.client != translation.upstream && !translation.client.translates_to(translation.upstream) {
        return Ok(json!({ "id": job.id, "absent": true }));
    }
    let body = STANDARD.decode(&job.body_b64)?;
    let mut result = match job.direction {
        Direction::Request => request(&translation, &body),
        Direction::Response => response(&translation, &job.kind, &body),
        Direction::Error => {
            json!({ "ok": true, "body_b64": base64(&translate_error(translation.client, translation.upstream, job.status, &body)) })
        }
    };
    if let Some(members) = result.as_object_mut() {
        members.insert("id".to_owned(), job.id.into());
    }
    Ok(result)
}

fn format(name: &str) -> Result<Format, String> {
    Format::from_name(name).ok_or_else(|| format!("no such format: {name}"))
}

fn request(translation: &Translation<'_>, body: &[u8]) -> Value {
    let envelope = match Envelope::scan(body) {
        Ok(envelope) => envelope,
        Err(error) => return json!({ "ok": false, "error": format!("{error:?}"), "param": null }),
    };
    match encode_request(translation, body, &envelope) {
        Ok(request) => {
            let encoded = match &request.body {
                UpstreamBody::AsReceived => body,
                UpstreamBody::Replaced(encoded) => encoded,
            };
            json!({ "ok": true, "body_b64": base64(encoded), "losses": losses(&request.losses) })
        }
        Err(refusal) => json!({ "ok": false, "error": refusal.message, "param": refusal.param }),
    }
}

fn response(translation: &Translation<'_>, kind: &Kind, body: &[u8]) -> Value {
    let kind = match kind {
        Kind::Stream => ResponseKind::Stream,
        Kind::Whole => ResponseKind::Whole,
    };
    let mut relay = Relay::new(translation, kind);
    let mut out = Vec::new();
    for piece in body.chunks(PIECE) {
        match relay.push(piece) {
            Passed::AsReceived => out.extend_from_slice(piece),
            Passed::Replaced(bytes) => out.extend_from_slice(&bytes),
        }
    }
    let end = relay.finish();
    let seen = observed(relay.observed());
    match end {
        Ok(end) => {
            out.extend_from_slice(&end);
            json!({ "ok": true, "body_b64": base64(&out), "observed": seen })
        }
        Err(error) => json!({ "ok": false, "error": error.to_string(), "observed": seen }),
    }
}

fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn losses(losses: &Losses) -> Value {
    losses.iter().map(|loss| json!([loss.path, loss.reason])).collect()
}

fn observed(observed: &Observed) -> Value {
    json!({
        "usage": observed.usage.as_ref().map(usage),
        "terminal": observed.terminal,
        "finished": observed.finished,
        "failed": observed.failed,
        "losses": losses(&observed.losses),
    })
}

fn usage(usage: &Usage) -> Value {
    json!({
        "input": usage.total_input(),
        "output": usage.total_output(),
        "cached": usage.cache_read,
        "cache_write": usage.cache_write_5m.saturating_add(usage.cache_write_1h),
        "reasoning": usage.reasoning,
    })
}
