//! Paths and headers, of all of OpenAI's APIs and of those who follow them.

use std::borrow::Cow;

use super::models::MODELS;
use crate::{
    dialect::{Calls, Framing, Http, JSON, Served, UpstreamFraming},
    words::Operation,
};

/// Of calls that come to the path `at`, below `family`, and go to `path` of a provider.
pub(crate) const fn http(
    operation: Operation,
    at: &'static str,
    family: &'static str,
    path: fn(&str, Option<Framing>) -> Cow<'static, str>,
) -> Http {
    Http {
        served: Some(Served {
            operation,
            calls: Calls::At(at),
            family,
            // Clients of other formats send everything that OpenAI's do.
            known_by: None,
            key_parameter: None,
            request_id: Some(REQUEST_ID),
            models: MODELS,
        }),
        path,
        headers: &[],
        forwards: &["openai-beta"],
        request_id: Some(REQUEST_ID),
        whole: JSON,
        stream: UpstreamFraming::Sse,
    }
}

/// <https://platform.openai.com/docs/api-reference/debugging-requests>
const REQUEST_ID: &str = "x-request-id";
