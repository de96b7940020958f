//! The events of a streamed message (<https://docs.anthropic.com/en/docs/build-with-claude/streaming>).

use bytes::Bytes;
use serde_json::{Value, json};

use super::{blocks, message, stop_reason, stop_sequence};
use crate::provider::Call;
use crate::reply::{Reply, halves, pieces};

/// All events. Input figures come in the first, output figures in `message_delta`; a `ping` follows the first block's start.
pub(super) fn events(call: &Call<'_>, body: &Value, reply: &Reply, usage: &Value) -> Vec<Bytes> {
    let mut events = Vec::new();
    let mut push = |event: Value| {
        let name = event["type"].as_str().unwrap_or_default();
        events.push(Bytes::from(format!("event: {name}\ndata: {event}\n\n")));
    };
    let mut opening = message(call, body, reply);
    if !call.script.no_usage {
        opening["usage"] = usage.clone();
        opening["usage"]["output_tokens"] = json!(1);
    }
    push(json!({"type": "message_start", "message": opening}));
    for (index, block) in blocks(call, reply).enumerate() {
        push(json!({"type": "content_block_start", "index": index, "content_block": opened(&block)}));
        if index == 0 {
            push(json!({"type": "ping"}));
        }
        for delta in deltas(&block) {
            push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        push(json!({"type": "content_block_stop", "index": index}));
    }
    let delta = json!({"stop_reason": stop_reason(reply), "stop_sequence": stop_sequence(reply)});
    let mut end = json!({"type": "message_delta", "delta": delta});
    if !call.script.no_usage {
        end["usage"] = usage.clone();
        if let Some(members) = end["usage"].as_object_mut() {
            members.retain(|name, _| name.ends_with("_tokens"));
        }
    }
    push(end);
    push(json!({"type": "message_stop"}));
    events
}

/// A block as `content_block_start` shows it: empty.
fn opened(block: &Value) -> Value {
    let mut block = block.clone();
    for member in ["text", "thinking", "signature"] {
        if let Some(text) = block.get_mut(member) {
            *text = json!("");
        }
    }
    if let Some(input) = block.get_mut("input") {
        *input = json!({});
    }
    block
}

fn deltas(block: &Value) -> Vec<Value> {
    let member = |name: &str| block[name].as_str().unwrap_or_default().to_owned();
    match block["type"].as_str() {
        Some("thinking") => pieces(&member("thinking"))
            .map(|piece| json!({"type": "thinking_delta", "thinking": piece}))
            .chain([json!({"type": "signature_delta", "signature": member("signature")})])
            .collect(),
        Some("redacted_thinking") => Vec::new(),
        Some("tool_use") => {
            let arguments = block["input"].to_string();
            let [first, second] = halves(&arguments);
            ["", first, second].map(|part| json!({"type": "input_json_delta", "partial_json": part})).to_vec()
        }
        _ => pieces(&member("text")).map(|piece| json!({"type": "text_delta", "text": piece})).collect(),
    }
}
