//! <https://platform.claude.com/docs/en/api/messages>

use bytes::Bytes;
use serde_json::{Value, json};
use tollgate_core::words::Format;

use super::{Client, Dialect, EVENTS, Request, SYSTEM, TEXT, UPSTREAM_MODEL, named, pieces};

pub(super) const DIALECT: Dialect = Dialect {
    format: Format::AnthropicMessages,
    client: Some(Client {
        request,
        credential: ("x-api-key", ""),
        headers: &[
            ("anthropic-version", "2023-06-01"),
            ("user-agent", "Anthropic/Python 0.75.0"),
            ("x-stainless-lang", "python"),
            ("x-stainless-retry-count", "0"),
        ],
        text: |answer| answer["content"][0]["text"].as_str(),
        delta: |event| event["delta"]["text"].as_str(),
        last_word: "message_stop",
    }),
    whole,
    stream,
    stream_type: "text/event-stream",
};

fn request(request: &Request<'_>) -> Value {
    let messages: Vec<Value> =
        request.spoken(["user", "assistant"]).map(|(role, text)| json!({"role": role, "content": text})).collect();
    let mut body = json!({
        "model": request.model, "temperature": 0.2, "max_tokens": 256, "system": SYSTEM, "messages": messages,
    });
    if request.stream {
        body["stream"] = true.into();
    }
    body
}

fn whole() -> Value {
    json!({
        "id": "msg_01BenchBenchBenchBenchBench", "type": "message", "role": "assistant", "model": UPSTREAM_MODEL,
        "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn", "stop_sequence": null,
        "usage": usage(80),
    })
}

fn usage(output: u32) -> Value {
    json!({
        "input_tokens": 230, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output, "service_tier": "standard",
    })
}

fn stream(_usage: bool) -> Vec<Bytes> {
    let mut message = whole();
    message["content"] = json!([]);
    message["stop_reason"] = Value::Null;
    message["usage"] = usage(1);
    let mut events = vec![
        named("message_start", json!({"message": message})),
        named("content_block_start", json!({"index": 0, "content_block": {"type": "text", "text": ""}})),
    ];
    events.extend(pieces(EVENTS - 5).map(|piece| {
        named("content_block_delta", json!({"index": 0, "delta": {"type": "text_delta", "text": piece}}))
    }));
    let delta = json!({"delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": {"output_tokens": 80}});
    events.extend([
        named("content_block_stop", json!({"index": 0})),
        named("message_delta", delta),
        named("message_stop", json!({})),
    ]);
    events
}
