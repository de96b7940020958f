//! The fixed answers. Shapes: <https://platform.openai.com/docs/api-reference/chat> and
//! <https://docs.anthropic.com/en/api/messages>.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

/// What every answer says, whole or in pieces.
pub(crate) const TEXT: &str = "A gateway is judged by what it adds: here are sixty-odd words, more or less, which come \
    one by one or all at once, in the dialect of this provider or of that one, so that the cost of carrying them, \
    reading them and saying them again in other words can be seen beside the cost of plain carrying, which is never zero \
    either, on the same machine and in the same minute.";

/// Events of a stream, as the provider sends it, without `[DONE]` and without OpenAI's usage.
const EVENTS: usize = 64;

pub(super) struct Answers {
    openai: Bytes,
    openai_stream: Arc<[Bytes]>,
    openai_stream_with_usage: Arc<[Bytes]>,
    anthropic: Bytes,
    anthropic_stream: Arc<[Bytes]>,
}

impl Answers {
    pub(super) fn new() -> Self {
        Self {
            openai: Bytes::from(openai().to_string()),
            openai_stream: openai_stream(false).into(),
            openai_stream_with_usage: openai_stream(true).into(),
            anthropic: Bytes::from(anthropic().to_string()),
            anthropic_stream: anthropic_stream().into(),
        }
    }

    pub(super) fn whole(&self, anthropic: bool) -> Bytes {
        if anthropic { self.anthropic.clone() } else { self.openai.clone() }
    }

    pub(super) fn stream(&self, anthropic: bool, usage: bool) -> Arc<[Bytes]> {
        Arc::clone(match (anthropic, usage) {
            (true, _) => &self.anthropic_stream,
            (false, true) => &self.openai_stream_with_usage,
            (false, false) => &self.openai_stream,
        })
    }
}

fn openai() -> Value {
    json!({
        "id": "chatcmpl-BenchBenchBenchBenchBenchBench", "object": "chat.completion", "created": 1_763_700_000,
        "model": "bench-upstream",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": TEXT, "refusal": null, "annotations": []},
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": openai_usage(),
        "service_tier": "default", "system_fingerprint": "fp_bench00000",
    })
}

fn openai_usage() -> Value {
    json!({
        "prompt_tokens": 230, "completion_tokens": 80, "total_tokens": 310,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
    })
}

fn openai_stream(usage: bool) -> Vec<Bytes> {
    let chunk = |choices: Value, reported: Value| {
        let mut chunk = json!({
            "id": "chatcmpl-BenchBenchBenchBenchBenchBench", "object": "chat.completion.chunk",
            "created": 1_763_700_000, "model": "bench-upstream", "service_tier": "default",
            "system_fingerprint": "fp_bench00000", "choices": choices,
        });
        if usage {
            chunk["usage"] = reported;
        }
        Bytes::from(format!("data: {chunk}\n\n"))
    };
    let choice = |delta: Value, finish: Value| {
        chunk(json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]), Value::Null)
    };
    let mut events = vec![choice(json!({"role": "assistant", "content": "", "refusal": null}), Value::Null)];
    events.extend(pieces(EVENTS - 2).map(|piece| choice(json!({"content": piece}), Value::Null)));
    events.push(choice(json!({}), json!("stop")));
    if usage {
        events.push(chunk(json!([]), openai_usage()));
    }
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    events
}

fn anthropic() -> Value {
    json!({
        "id": "msg_01BenchBenchBenchBenchBench", "type": "message", "role": "assistant", "model": "bench-upstream",
        "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn", "stop_sequence": null,
        "usage": anthropic_usage(80),
    })
}

fn anthropic_usage(output: u32) -> Value {
    json!({
        "input_tokens": 230, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output, "service_tier": "standard",
    })
}

fn anthropic_stream() -> Vec<Bytes> {
    let event = |name: &str, mut data: Value| {
        data["type"] = json!(name);
        Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
    };
    let mut message = anthropic();
    message["content"] = json!([]);
    message["stop_reason"] = Value::Null;
    message["usage"] = anthropic_usage(1);
    let mut events = vec![
        event("message_start", json!({"message": message})),
        event("content_block_start", json!({"index": 0, "content_block": {"type": "text", "text": ""}})),
    ];
    events.extend(pieces(EVENTS - 5).map(|piece| {
        event("content_block_delta", json!({"index": 0, "delta": {"type": "text_delta", "text": piece}}))
    }));
    let delta = json!({"delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": {"output_tokens": 80}});
    events.extend([
        event("content_block_stop", json!({"index": 0})),
        event("message_delta", delta),
        event("message_stop", json!({})),
    ]);
    events
}

/// The text in `count` pieces of about one size.
fn pieces(count: usize) -> impl Iterator<Item = &'static str> {
    (0..count).map(move |i| &TEXT[TEXT.len() * i / count..TEXT.len() * (i + 1) / count])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_streams_have_the_same_number_of_events() {
        let done = Bytes::from_static(b"data: [DONE]\n\n");
        assert_eq!(openai_stream(false).iter().filter(|event| **event != done).count(), EVENTS);
        assert_eq!(anthropic_stream().len(), EVENTS);
    }

    #[test]
    fn pieces_add_up_to_the_text() {
        assert_eq!(pieces(59).collect::<String>(), TEXT);
    }
}
