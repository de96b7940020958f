//! `GET /v1/models` and `GET /v1/models/{id}`.

use serde_json::{Value, json};

use crate::provider::Call;
use crate::send::Answer;

/// The models that are listed; any other name is served too.
const LISTED: [&str; 3] = ["gpt-4o", "gpt-4o-mini", "text-embedding-3-small"];

pub(crate) fn list(call: &Call<'_>) -> Answer {
    match super::authorized(call) {
        Ok(()) => Answer::json(200, &json!({"object": "list", "data": LISTED.map(model)})),
        Err(refusal) => refusal,
    }
}

pub(crate) fn retrieve(call: &Call<'_>, name: &str) -> Answer {
    match super::authorized(call).and_then(|()| super::existing(name)) {
        Ok(()) => Answer::json(200, &model(name)),
        Err(refusal) => refusal,
    }
}

fn model(name: &str) -> Value {
    json!({"id": name, "object": "model", "created": 1_715_367_049, "owned_by": "system"})
}
