//! The events of a streamed response (<https://platform.openai.com/docs/api-reference/responses-streaming>).

use bytes::Bytes;
use serde_json::{Value, json};

use crate::dialect::items;
use crate::reply::{halves, pieces};

/// All events, numbered from zero: the response as it was `opened`, its `output` item by item, and the response as it `ended`.
pub(super) fn events(opened: &Value, output: &[Value], ended: &Value) -> Vec<Bytes> {
    let mut events = vec![
        json!({"type": "response.created", "response": opened}),
        json!({"type": "response.in_progress", "response": opened}),
    ];
    for (index, item) in output.iter().enumerate() {
        events.push(json!({"type": "response.output_item.added", "output_index": index, "item": begun(item)}));
        for mut event in within(item) {
            event["output_index"] = json!(index);
            event["item_id"] = item["id"].clone();
            events.push(event);
        }
        events.push(json!({"type": "response.output_item.done", "output_index": index, "item": item}));
    }
    let last = if ended["status"] == "incomplete" { "response.incomplete" } else { "response.completed" };
    events.push(json!({"type": last, "response": ended}));
    let numbered = events.into_iter().enumerate().map(|(number, mut event)| {
        event["sequence_number"] = json!(number);
        let name = event["type"].as_str().unwrap_or_default();
        Bytes::from(format!("event: {name}\ndata: {event}\n\n"))
    });
    numbered.collect()
}

/// An item as `output_item.added` shows it: without what the events bring.
fn begun(item: &Value) -> Value {
    let mut item = item.clone();
    match item["type"].as_str() {
        Some("reasoning") => item["summary"] = json!([]),
        Some("function_call") => {
            item["arguments"] = json!("");
            item["status"] = json!("in_progress");
        }
        _ => {
            item["content"] = json!([]);
            item["status"] = json!("in_progress");
        }
    }
    item
}

/// What lies between an item's `added` and its `done`.
fn within(item: &Value) -> Vec<Value> {
    match item["type"].as_str() {
        Some("reasoning") => items(&item["summary"]).iter().enumerate().flat_map(summary).collect(),
        Some("function_call") => {
            let arguments = item["arguments"].as_str().unwrap_or_default();
            let delta = |half: &str| json!({"type": "response.function_call_arguments.delta", "delta": half, "obfuscation": "mock"});
            let done =
                json!({"type": "response.function_call_arguments.done", "arguments": arguments, "name": item["name"]});
            halves(arguments).iter().map(|half| delta(half)).chain([done]).collect()
        }
        _ => items(&item["content"]).iter().enumerate().flat_map(part).collect(),
    }
}

fn summary((index, part): (usize, &Value)) -> Vec<Value> {
    let text = part["text"].as_str().unwrap_or_default();
    let empty = json!({"type": "summary_text", "text": ""});
    let mut events =
        vec![json!({"type": "response.reasoning_summary_part.added", "summary_index": index, "part": empty})];
    let delta = |piece| json!({"type": "response.reasoning_summary_text.delta", "summary_index": index, "delta": piece, "obfuscation": "mock"});
    events.extend(pieces(text).map(delta));
    events.push(json!({"type": "response.reasoning_summary_text.done", "summary_index": index, "text": text}));
    events.push(json!({"type": "response.reasoning_summary_part.done", "summary_index": index, "part": part}));
    events
}

/// Text or a refusal: the same events under two names, the member named likewise.
fn part((index, part): (usize, &Value)) -> Vec<Value> {
    let (name, member) = if part["type"] == "refusal" { ("refusal", "refusal") } else { ("output_text", "text") };
    let text = part[member].as_str().unwrap_or_default();
    let mut empty = part.clone();
    empty[member] = json!("");
    let logprobs = |mut event: Value| {
        if name == "output_text" {
            event["logprobs"] = json!([]);
        }
        event
    };
    let mut events = vec![json!({"type": "response.content_part.added", "content_index": index, "part": empty})];
    events.extend(pieces(text).map(|piece| {
        logprobs(json!({"type": format!("response.{name}.delta"), "content_index": index, "delta": piece, "obfuscation": "mock"}))
    }));
    events.push(logprobs(json!({"type": format!("response.{name}.done"), "content_index": index, member: text})));
    events.push(json!({"type": "response.content_part.done", "content_index": index, "part": part}));
    events
}
