//! Errors in Anthropic's shape, whose kind follows from the status.

use serde::Serialize;

use crate::{canonical::Failure, dialect::ClientError, json::Node};

/// `{"type": "error", "error": {type, message}}`: <https://platform.claude.com/docs/en/api/errors>. The types are a closed list,
/// each with its status; Anthropic's clients choose their exception by the status.
pub(super) fn encode_error(error: &ClientError<'_>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        r#type: &'static str,
        error: Inner<'a>,
    }

    #[derive(Serialize)]
    struct Inner<'a> {
        r#type: &'a str,
        message: &'a str,
    }

    let error = Inner { r#type: kind_of(error.status), message: error.message };
    serde_json::to_vec(&Body { r#type: "error", error }).unwrap_or_default()
}

fn kind_of(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        503 | 529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}

/// The status of a type, where an error comes inside a stream.
fn status_of(kind: &str) -> Option<u16> {
    Some(match kind {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "api_error" => 500,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => return None,
    })
}

/// Whether the body is that shape.
pub(super) fn is_error(body: &[u8]) -> bool {
    decode_error(body).is_some()
}

/// Reads that shape; `None` for any other.
pub(super) fn decode_error(body: &[u8]) -> Option<Failure> {
    let body = Node::parse(body).ok()?;
    if body.member("type")?.string()? != "error" {
        return None;
    }
    let error = body.member("error")?;
    let message = error.member("message")?.string()?.into_owned();
    let kind = error.member("type").and_then(Node::string).map(std::borrow::Cow::into_owned);
    let status = kind.as_deref().and_then(status_of);
    Some(Failure { status, kind, ..Failure::new(message) })
}
