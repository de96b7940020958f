//! Where its requests come to and go to: the path names the model, and whether and how the answer is streamed.

use std::borrow::Cow;

use super::models::MODELS;
use crate::{
    dialect::{Calls, Framing, Http, JSON, Served, UpstreamFraming, segment},
    words::Operation,
};

pub(super) const HTTP: Http = Http {
    served: Some(Served {
        operation: Operation::Chat,
        // https://ai.google.dev/api/generate-content; the parameter `alt` is one that all of Google's APIs have.
        calls: Calls::Verbs {
            verbs: &[("generateContent", false), ("streamGenerateContent", true)],
            sse: ("alt", "sse"),
        },
        family: "/v1beta",
        known_by: Some("x-goog-api-key"),
        // https://cloud.google.com/apis/docs/system-parameters
        key_parameter: Some("key"),
        // Google's clients look for none, and its answers have none.
        request_id: None,
        models: MODELS,
    }),
    path,
    headers: &[],
    forwards: &[],
    request_id: None,
    whole: JSON,
    stream: UpstreamFraming::Sse,
};

fn path(model: &str, stream: Option<Framing>) -> Cow<'static, str> {
    let model = segment(model);
    match stream {
        None => format!("/models/{model}:generateContent").into(),
        Some(Framing::Sse) => format!("/models/{model}:streamGenerateContent?alt=sse").into(),
        Some(Framing::JsonArray) => format!("/models/{model}:streamGenerateContent").into(),
    }
}
