//! `POST /v1/embeddings`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::provider::Call;
use crate::reply::tokens;
use crate::send::Answer;

/// Small, where the caller does not say: the real ones have 1,536.
const DIMENSIONS: u64 = 8;

pub(crate) fn answer(call: &Call<'_>) -> Answer {
    let body = match super::admitted(call) {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let inputs: Vec<&Value> = match &body["input"] {
        // A list of numbers is one input that is tokenized already.
        Value::Array(items) if items.iter().any(|item| !item.is_number()) => items.iter().collect(),
        Value::Null => return super::error(400, "'$.input' is required"),
        input => vec![input],
    };
    let dimensions = match &body["dimensions"] {
        Value::Null => DIMENSIONS,
        given => match given.as_u64().filter(|dimensions| *dimensions > 0) {
            Some(dimensions) => dimensions,
            None => return super::error(400, &format!("{given} is less than the minimum of 1 - 'dimensions'")),
        },
    };
    let base64 = match body["encoding_format"].as_str() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(other) => {
            return super::error(400, &format!("'{other}' is not one of ['float', 'base64'] - 'encoding_format'"));
        }
    };
    let embeddings = inputs.iter().enumerate().map(|(index, input)| {
        let vector = vector(&words(input), dimensions);
        let embedding = if base64 {
            json!(STANDARD.encode(vector.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>()))
        } else {
            json!(vector)
        };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    });
    let mut answer = json!({"object": "list", "data": embeddings.collect::<Vec<_>>(), "model": body["model"]});
    if !call.script.no_usage {
        let count: u64 = inputs
            .iter()
            .map(|input| input.as_array().map_or_else(|| tokens(&words(input)), |ids| ids.len() as u64))
            .sum();
        let usage = json!({"prompt_tokens": count, "total_tokens": count});
        answer["usage"] = call.script.usage.clone().unwrap_or(usage);
    }
    Answer { headers: super::headers(call), ..Answer::json(200, &answer) }
}

fn words(input: &Value) -> String {
    input.as_str().map_or_else(|| input.to_string(), ToOwned::to_owned)
}

/// Numbers made from the input's bytes: multiples of 1/256, so that text and bytes carry the same value.
fn vector(input: &str, dimensions: u64) -> Vec<f32> {
    let mut state: u32 = 2_166_136_261; // FNV-1a
    for byte in input.bytes() {
        state = (state ^ u32::from(byte)).wrapping_mul(16_777_619);
    }
    (0..dimensions)
        .map(|_| {
            state = (state ^ 1).wrapping_mul(16_777_619);
            let [.., high] = state.to_le_bytes();
            f32::from(high) / 256.0 - 0.5
        })
        .collect()
}
