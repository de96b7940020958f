//! <https://platform.openai.com/docs/api-reference/chat>

use bytes::Bytes;
use serde_json::{Value, json};
use tollgate_core::words::Format;

use super::{Client, Dialect, EVENTS, Request, SYSTEM, TEXT, UPSTREAM_MODEL, data, pieces};

pub(super) const DIALECT: Dialect = Dialect {
    format: Format::OpenaiChat,
    client: Some(Client {
        request,
        credential: ("authorization", "Bearer "),
        headers: OPENAI_HEADERS,
        text: |answer| answer["choices"][0]["message"]["content"].as_str(),
        delta: |event| event["choices"][0]["delta"]["content"].as_str(),
        last_word: "[DONE]",
    }),
    whole,
    stream,
    stream_type: "text/event-stream",
};

pub(super) const OPENAI_HEADERS: &[(&str, &str)] =
    &[("user-agent", "OpenAI/Python 2.8.0"), ("x-stainless-lang", "python"), ("x-stainless-retry-count", "0")];

fn request(request: &Request<'_>) -> Value {
    let mut messages = vec![json!({"role": "system", "content": SYSTEM})];
    let turns = request.spoken(["user", "assistant"]);
    messages.extend(turns.map(|(role, text)| json!({"role": role, "content": text})));
    let mut body = json!({"model": request.model, "temperature": 0.2, "max_tokens": 256, "messages": messages});
    if request.stream {
        body["stream"] = true.into();
    }
    body
}

fn whole() -> Value {
    json!({
        "id": "chatcmpl-BenchBenchBenchBenchBenchBench", "object": "chat.completion", "created": 1_763_700_000,
        "model": UPSTREAM_MODEL,
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": TEXT, "refusal": null, "annotations": []},
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": usage(),
        "service_tier": "default", "system_fingerprint": "fp_bench00000",
    })
}

pub(super) fn usage() -> Value {
    json!({
        "prompt_tokens": 230, "completion_tokens": 80, "total_tokens": 310,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
    })
}

fn stream(usage: bool) -> Vec<Bytes> {
    let chunk = |choices: Value, reported: Value| {
        let mut chunk = json!({
            "id": "chatcmpl-BenchBenchBenchBenchBenchBench", "object": "chat.completion.chunk",
            "created": 1_763_700_000, "model": UPSTREAM_MODEL, "service_tier": "default",
            "system_fingerprint": "fp_bench00000", "choices": choices,
        });
        if usage {
            chunk["usage"] = reported;
        }
        data(&chunk)
    };
    let choice = |delta: Value, finish: Value| {
        chunk(json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]), Value::Null)
    };
    let mut events = vec![choice(json!({"role": "assistant", "content": "", "refusal": null}), Value::Null)];
    events.extend(pieces(EVENTS - 2).map(|piece| choice(json!({"content": piece}), Value::Null)));
    events.push(choice(json!({}), json!("stop")));
    if usage {
        events.push(chunk(json!([]), self::usage()));
    }
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    events
}
