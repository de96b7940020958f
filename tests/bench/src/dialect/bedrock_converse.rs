//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>

use bytes::Bytes;
use serde_json::{Value, json};
use tollgate_core::{framing::eventstream, words::Format};

use super::{Dialect, EVENTS, TEXT, pieces};

pub(super) const DIALECT: Dialect = Dialect {
    format: Format::BedrockConverse,
    client: None,
    whole,
    stream,
    stream_type: "application/vnd.amazon.eventstream",
};

fn whole() -> Value {
    json!({
        "output": {"message": {"role": "assistant", "content": [{"text": TEXT}]}},
        "stopReason": "end_turn", "metrics": {"latencyMs": 700}, "usage": usage(),
    })
}

fn usage() -> Value {
    json!({"inputTokens": 230, "outputTokens": 80, "totalTokens": 310})
}

/// Bedrock fills its events up with letters, so that their length does not betray the text.
fn stream(_usage: bool) -> Vec<Bytes> {
    let mut events = vec![event("messageStart", &json!({"p": "abcdefghijkl", "role": "assistant"}))];
    events.extend(pieces(EVENTS - 4).map(|piece| {
        let padding = "abcdefghijklmnopqrstuvwxyzABCDEF";
        event("contentBlockDelta", &json!({"contentBlockIndex": 0, "delta": {"text": piece}, "p": padding}))
    }));
    events.extend([
        event("contentBlockStop", &json!({"contentBlockIndex": 0, "p": "abcdefghijklmnopqrs"})),
        event("messageStop", &json!({"p": "abcdef", "stopReason": "end_turn"})),
        event("metadata", &json!({"metrics": {"latencyMs": 700}, "p": "abcdefghi", "usage": usage()})),
    ]);
    events
}

fn event(name: &str, payload: &Value) -> Bytes {
    let headers = [(":event-type", name), (":content-type", "application/json"), (":message-type", "event")];
    Bytes::from(eventstream::encode(&headers, payload.to_string().as_bytes()).expect("the events are small"))
}
