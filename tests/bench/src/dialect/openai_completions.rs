//! <https://platform.openai.com/docs/api-reference/completions>

use bytes::Bytes;
use serde_json::{Value, json};
use tollgate_core::words::Format;

use super::{
    Client, Dialect, EVENTS, Request, TEXT, UPSTREAM_MODEL, data,
    openai_chat::{OPENAI_HEADERS, usage},
    pieces,
};

pub(super) const DIALECT: Dialect = Dialect {
    format: Format::OpenaiCompletions,
    client: Some(Client {
        request,
        credential: ("authorization", "Bearer "),
        headers: OPENAI_HEADERS,
        text: |answer| answer["choices"][0]["text"].as_str(),
        delta: |event| event["choices"][0]["text"].as_str(),
        last_word: "[DONE]",
    }),
    whole,
    stream,
    stream_type: "text/event-stream",
};

fn request(request: &Request<'_>) -> Value {
    let prompt = request.turns.concat();
    let mut body = json!({"model": request.model, "temperature": 0.2, "max_tokens": 256, "prompt": prompt});
    if request.stream {
        body["stream"] = true.into();
    }
    body
}

fn whole() -> Value {
    json!({
        "id": "cmpl-BenchBenchBenchBenchBenchBench", "object": "text_completion", "created": 1_763_700_000,
        "model": UPSTREAM_MODEL,
        "choices": [{"index": 0, "text": TEXT, "logprobs": null, "finish_reason": "stop"}],
        "usage": usage(),
    })
}

fn stream(usage: bool) -> Vec<Bytes> {
    let chunk = |choices: Value, reported: Value| {
        let mut chunk = json!({
            "id": "cmpl-BenchBenchBenchBenchBenchBench", "object": "text_completion", "created": 1_763_700_000,
            "model": UPSTREAM_MODEL, "choices": choices,
        });
        if usage {
            chunk["usage"] = reported;
        }
        data(&chunk)
    };
    let choice = |text: &str, finish: Value| {
        chunk(json!([{"index": 0, "text": text, "logprobs": null, "finish_reason": finish}]), Value::Null)
    };
    let mut events: Vec<Bytes> = pieces(EVENTS - 1).map(|piece| choice(piece, Value::Null)).collect();
    events.push(choice("", json!("stop")));
    if usage {
        events.push(chunk(json!([]), self::usage()));
    }
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    events
}
