//! Google's errors (<https://cloud.google.com/apis/design/errors>, <https://ai.google.dev/gemini-api/docs/troubleshooting>).

use serde_json::{Value, json};

use crate::send::Answer;

/// An error of this status code, under the name that Google has for it.
pub(crate) fn error(status: u16, message: &str) -> Answer {
    let body = json!({"error": {"code": status, "message": message, "status": name(status)}});
    Answer { content_type: "application/json; charset=UTF-8", ..Answer::json(status, &body) }
}

/// A refusal of a member, with the details that Google adds.
pub(super) fn invalid(field: &str, message: &str) -> Answer {
    let violation = json!({"field": field, "description": message});
    let details = json!([{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}]);
    let error = json!({"code": 400, "message": message, "status": name(400), "details": details});
    Answer { content_type: "application/json; charset=UTF-8", ..Answer::json(400, &json!({"error": error})) }
}

/// What Google says with a status that a script asks for.
pub(crate) fn scripted(status: u16) -> Answer {
    if status == 429 {
        let message =
            "You exceeded your current quota, please check your plan and billing details.\nPlease retry in 1s.";
        let retry = json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"});
        let error = json!({"code": 429, "message": message, "status": name(429), "details": [retry]});
        return Answer {
            content_type: "application/json; charset=UTF-8",
            ..Answer::json(429, &json!({"error": error}))
        };
    }
    let message = match status {
        401 => "Request had invalid authentication credentials.",
        403 => "The caller does not have permission",
        404 => "Requested entity was not found.",
        503 | 529 => "The model is overloaded. Please try again later.",
        504 => "Deadline expired before operation could complete.",
        500.. => {
            "An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting"
        }
        _ => "Request contains an invalid argument.",
    };
    error(status, message)
}

/// With what a stream breaks off when the model fails.
pub(crate) fn midway() -> Value {
    json!({"error": {"code": 503, "message": "The model is overloaded. Please try again later.", "status": name(503)}})
}

fn name(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        503 | 529 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        500.. => "INTERNAL",
        _ => "INVALID_ARGUMENT",
    }
}
