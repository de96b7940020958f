//! Where its requests come to and go to, and with which headers.

use super::models::MODELS;
use crate::{
    dialect::{Calls, Http, JSON, Served, UpstreamFraming},
    words::Operation,
};

pub(super) const HTTP: Http = Http {
    served: Some(Served {
        operation: Operation::Chat,
        calls: Calls::At("/v1/messages"),
        family: "/v1/messages",
        known_by: Some(VERSION),
        key_parameter: None,
        request_id: Some(REQUEST_ID),
        models: MODELS,
    }),
    path: |_, _| "/messages".into(),
    headers: &[(VERSION, "2023-06-01")],
    forwards: &["anthropic-beta", VERSION],
    request_id: Some(REQUEST_ID),
    whole: JSON,
    stream: UpstreamFraming::Sse,
};

/// The version of the API is a header: <https://platform.claude.com/docs/en/api/versioning>.
const VERSION: &str = "anthropic-version";
/// <https://platform.claude.com/docs/en/api/errors#request-id>
const REQUEST_ID: &str = "request-id";
