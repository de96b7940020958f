//! The events of ConverseStream
//! (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html>).

use bytes::Bytes;
use serde_json::{Value, json};

use super::{additional_fields, frame, stop_reason};
use crate::reply::{Reply, halves, pieces};

/// All events, each a frame. Only a tool's block has a start; usage comes after the stop.
pub(super) fn events(body: &Value, reply: &Reply, blocks: &[Value], usage: Option<Value>) -> Vec<Bytes> {
    let mut events = vec![event("messageStart", json!({"role": "assistant"}))];
    for (index, block) in blocks.iter().enumerate() {
        if let Some(call) = block.get("toolUse") {
            let start = json!({"toolUse": {"name": call["name"], "toolUseId": call["toolUseId"]}});
            events.push(event("contentBlockStart", json!({"contentBlockIndex": index, "start": start})));
        }
        let deltas = deltas(block).into_iter();
        events.extend(
            deltas.map(|delta| event("contentBlockDelta", json!({"contentBlockIndex": index, "delta": delta}))),
        );
        events.push(event("contentBlockStop", json!({"contentBlockIndex": index})));
    }
    let mut stop = json!({"stopReason": stop_reason(reply)});
    if let Some(fields) = additional_fields(body, reply) {
        stop["additionalModelResponseFields"] = fields;
    }
    events.push(event("messageStop", stop));
    let mut metadata = json!({"metrics": {"latencyMs": 42}});
    if let Some(usage) = usage {
        metadata["usage"] = usage;
    }
    events.push(event("metadata", metadata));
    events
}

/// The member `p` is padding, of a length that tells nothing.
fn event(kind: &str, mut payload: Value) -> Bytes {
    payload["p"] = json!("abcdefghijkl");
    let headers = [(":event-type", kind), (":content-type", "application/json"), (":message-type", "event")];
    frame::message(&headers, payload.to_string().as_bytes())
}

fn deltas(block: &Value) -> Vec<Value> {
    if let Some(call) = block.get("toolUse") {
        let input = call["input"].to_string();
        let [first, second] = halves(&input);
        return ["", first, second].map(|part| json!({"toolUse": {"input": part}})).to_vec();
    }
    if let Some(reasoning) = block.get("reasoningContent") {
        let words = reasoning["reasoningText"]["text"].as_str().unwrap_or_default();
        let deltas = pieces(words).map(|piece| json!({"text": piece}));
        let seal = match reasoning.get("redactedContent") {
            Some(redacted) => json!({"redactedContent": redacted}),
            None => json!({"signature": reasoning["reasoningText"]["signature"]}),
        };
        return deltas.chain([seal]).map(|delta| json!({"reasoningContent": delta})).collect();
    }
    pieces(block["text"].as_str().unwrap_or_default()).map(|piece| json!({"text": piece})).collect()
}
