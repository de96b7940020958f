//! <https://platform.openai.com/docs/api-reference/responses>

use bytes::Bytes;
use serde_json::{Value, json};
use tollgate_core::words::Format;

use super::{
    Client, Dialect, EVENTS, Request, SYSTEM, TEXT, UPSTREAM_MODEL, named, openai_chat::OPENAI_HEADERS, pieces,
};

pub(super) const DIALECT: Dialect = Dialect {
    format: Format::OpenaiResponses,
    client: Some(Client {
        request,
        credential: ("authorization", "Bearer "),
        headers: OPENAI_HEADERS,
        text: |answer| answer["output"][0]["content"][0]["text"].as_str(),
        delta: |event| event["delta"].as_str().filter(|_| event["type"] == "response.output_text.delta"),
        last_word: "total_tokens",
    }),
    whole,
    stream,
    stream_type: "text/event-stream",
};

fn request(request: &Request<'_>) -> Value {
    let input: Vec<Value> =
        request.spoken(["user", "assistant"]).map(|(role, text)| json!({"role": role, "content": text})).collect();
    let mut body = json!({
        "model": request.model, "temperature": 0.2, "max_output_tokens": 256, "store": false, "instructions": SYSTEM,
        "input": input,
    });
    if request.stream {
        body["stream"] = true.into();
    }
    body
}

fn whole() -> Value {
    response("completed", json!([item("completed", json!([part(TEXT)]))]), usage())
}

fn response(status: &str, output: Value, usage: Value) -> Value {
    json!({
        "id": "resp_BenchBenchBenchBenchBenchBenchBenchBenchBenchBe", "object": "response", "created_at": 1_763_700_000,
        "status": status, "background": false, "error": null, "incomplete_details": null, "instructions": SYSTEM,
        "max_output_tokens": 256, "model": UPSTREAM_MODEL, "output": output, "parallel_tool_calls": true,
        "previous_response_id": null, "reasoning": {"effort": null, "summary": null}, "service_tier": "default",
        "store": false, "temperature": 0.2, "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto", "tools": [], "top_p": 1.0, "truncation": "disabled", "usage": usage, "metadata": {},
    })
}

fn usage() -> Value {
    json!({
        "input_tokens": 230, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 80, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 310,
    })
}

const ITEM: &str = "msg_BenchBenchBenchBenchBenchBenchBenchBenchBenchBen";

fn item(status: &str, content: Value) -> Value {
    json!({"id": ITEM, "type": "message", "status": status, "role": "assistant", "content": content})
}

fn part(text: &str) -> Value {
    json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text})
}

fn stream(_usage: bool) -> Vec<Bytes> {
    let place = || json!({"item_id": ITEM, "output_index": 0, "content_index": 0});
    let with = |mut base: Value, name: &str, value: Value| {
        base[name] = value;
        base
    };
    let started = || json!({"response": response("in_progress", json!([]), Value::Null)});
    let mut events = vec![
        ("response.created", started()),
        ("response.in_progress", started()),
        ("response.output_item.added", json!({"output_index": 0, "item": item("in_progress", json!([]))})),
        ("response.content_part.added", with(place(), "part", part(""))),
    ];
    events.extend(pieces(EVENTS - 8).map(|piece| {
        let delta = with(with(place(), "delta", piece.into()), "logprobs", json!([]));
        ("response.output_text.delta", with(delta, "obfuscation", "u6pAJ8qXrXmZ".into()))
    }));
    events.extend([
        ("response.output_text.done", with(with(place(), "text", TEXT.into()), "logprobs", json!([]))),
        ("response.content_part.done", with(place(), "part", part(TEXT))),
        ("response.output_item.done", json!({"output_index": 0, "item": item("completed", json!([part(TEXT)]))})),
        ("response.completed", json!({"response": whole()})),
    ]);
    let numbered = events.into_iter().enumerate();
    numbered.map(|(number, (name, event))| named(name, with(event, "sequence_number", number.into()))).collect()
}
