//! <https://ai.google.dev/api/generate-content>

use bytes::Bytes;
use serde_json::{Value, json};
use tollgate_core::words::Format;

use super::{Client, Dialect, EVENTS, Request, SYSTEM, TEXT, UPSTREAM_MODEL, data, pieces};

pub(super) const DIALECT: Dialect = Dialect {
    format: Format::GeminiGenerate,
    client: Some(Client {
        request,
        credential: ("x-goog-api-key", ""),
        headers: &[
            ("user-agent", "google-genai-sdk/1.52.0 gl-python/3.13.9"),
            ("x-goog-api-client", "google-genai-sdk/1.52.0 gl-python/3.13.9"),
        ],
        text,
        delta: text,
        last_word: "finishReason",
    }),
    whole,
    stream,
    stream_type: "text/event-stream",
};

/// The model and the stream are named in the path.
fn request(request: &Request<'_>) -> Value {
    let turns = request.spoken(["user", "model"]);
    let contents: Vec<Value> = turns.map(|(role, text)| json!({"role": role, "parts": [{"text": text}]})).collect();
    json!({
        "generationConfig": {"temperature": 0.2, "maxOutputTokens": 256},
        "systemInstruction": {"parts": [{"text": SYSTEM}]},
        "contents": contents,
    })
}

fn text(answer: &Value) -> Option<&str> {
    answer["candidates"][0]["content"]["parts"][0]["text"].as_str()
}

fn whole() -> Value {
    answer(TEXT, 80, true)
}

fn answer(text: &str, output: usize, last: bool) -> Value {
    let mut candidate = json!({"content": {"parts": [{"text": text}], "role": "model"}, "index": 0});
    if last {
        candidate["finishReason"] = "STOP".into();
    }
    json!({
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": 230, "candidatesTokenCount": output, "totalTokenCount": 230 + output,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 230}],
        },
        "modelVersion": UPSTREAM_MODEL, "responseId": "BenchBenchBenchBenchBen",
    })
}

fn stream(_usage: bool) -> Vec<Bytes> {
    let numbered = pieces(EVENTS).enumerate();
    numbered.map(|(number, piece)| data(&answer(piece, 17 + number, number + 1 == EVENTS))).collect()
}
