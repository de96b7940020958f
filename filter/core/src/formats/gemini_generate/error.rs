//! Errors in Google's shape.

use std::borrow::Cow;

use serde::Serialize;

use crate::{canonical::Failure, dialect::ClientError, json::Node};

/// `{"error": {code, message, status, details}}`, as all of Google's APIs have it
/// (<https://cloud.google.com/apis/design/errors#http_mapping>). The member and the code that an error may name go where those
/// pages put them: into `BadRequest` and `ErrorInfo`.
pub(super) fn encode_error(error: &ClientError<'_>) -> Vec<u8> {
    let ClientError { status, kind, code, message, param } = *error;
    let violation = param.map(|field| Detail::BadRequest {
        kind: BAD_REQUEST,
        field_violations: [Violation { field, description: message }],
    });
    let info = code.map(|reason| Detail::ErrorInfo { kind: ERROR_INFO, reason, domain: "tollgate" });
    let inner = Inner {
        code: status,
        message,
        status: if STATUSES.contains(&kind) { kind } else { status_word(status) },
        details: violation.into_iter().chain(info).collect(),
    };
    serde_json::to_vec(&Body { error: inner }).unwrap_or_default()
}

/// Whether the body is that shape.
pub(super) fn is_error(body: &[u8]) -> bool {
    let Ok(body) = Node::parse(body) else { return false };
    let error = body.member("error");
    let has = |key| error.and_then(|error| error.member(key));
    has("message").and_then(Node::string).is_some() && has("status").and_then(Node::string).is_some()
}

/// Reads that shape, and the same as the only element of a list, which a stream without `alt=sse` fails with.
pub(super) fn decode_error(body: &[u8]) -> Option<Failure> {
    let body = Node::parse(body).ok()?;
    let body = body.elements().and_then(|elements| elements.first().copied()).unwrap_or(body);
    let error = body.member("error")?;
    if let Some(message) = error.string() {
        return Some(Failure::new(message.into_owned()));
    }
    let message = error.member("message")?.string()?.into_owned();
    let own = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
    let details = error.member("details").and_then(Node::elements).unwrap_or_default();
    let detail = |kind: &str| {
        details.iter().find(|detail| detail.member("@type").and_then(Node::string).is_some_and(|name| name == kind))
    };
    let violation =
        detail(BAD_REQUEST).and_then(|detail| detail.member("fieldViolations")?.elements()?.first().copied());
    Some(Failure {
        status: error.member("code").and_then(Node::whole).and_then(|code| u16::try_from(code).ok()),
        kind: own(error.member("status").and_then(Node::string)),
        code: own(detail(ERROR_INFO).and_then(|detail| detail.member("reason")).and_then(Node::string)),
        param: own(violation.and_then(|violation| violation.member("field")).and_then(Node::string)),
        retry_after_s: detail(RETRY_INFO)
            .and_then(|detail| detail.member("retryDelay"))
            .and_then(Node::string)
            .and_then(|delay| whole_seconds(&delay)),
        message: message.into(),
    })
}

/// A duration as JSON has it, `17.4s`, in whole seconds, rounded up
/// (<https://protobuf.dev/reference/protobuf/google.protobuf/#duration>).
fn whole_seconds(duration: &str) -> Option<u64> {
    let (whole, fraction) = duration.strip_suffix('s')?.split_once('.').unwrap_or((duration.strip_suffix('s')?, ""));
    let more = u64::from(fraction.bytes().any(|digit| digit != b'0'));
    whole.parse::<u64>().ok().map(|whole| whole.saturating_add(more))
}

const BAD_REQUEST: &str = "type.googleapis.com/google.rpc.BadRequest";
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";
const ERROR_INFO: &str = "type.googleapis.com/google.rpc.ErrorInfo";

/// The words that a status may be: <https://cloud.google.com/apis/design/errors#handling_errors>.
const STATUSES: [&str; 16] = [
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "UNAUTHENTICATED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
];

/// The word for an HTTP status, after the same pages.
fn status_word(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        402 | 412 => "FAILED_PRECONDITION",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        408 | 504 => "DEADLINE_EXCEEDED",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        500 => "INTERNAL",
        501 => "UNIMPLEMENTED",
        400..=498 => "INVALID_ARGUMENT",
        _ => "UNAVAILABLE",
    }
}

#[derive(Serialize)]
struct Body<'a> {
    error: Inner<'a>,
}

#[derive(Serialize)]
struct Inner<'a> {
    code: u16,
    message: &'a str,
    status: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<Detail<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Detail<'a> {
    BadRequest {
        #[serde(rename = "@type")]
        kind: &'static str,
        #[serde(rename = "fieldViolations")]
        field_violations: [Violation<'a>; 1],
    },
    ErrorInfo {
        #[serde(rename = "@type")]
        kind: &'static str,
        reason: &'a str,
        domain: &'static str,
    },
}

#[derive(Serialize)]
struct Violation<'a> {
    field: &'a str,
    description: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_when_to_try_again() {
        let body = |delay: &str| {
            format!(
                r#"{{"error":{{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED","details":[{{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"{delay}"}}]}}}}"#
            )
        };
        for (delay, seconds) in
            [("17s", Some(17)), ("17.4s", Some(18)), ("0.000s", Some(0)), ("x", None), ("-1s", None)]
        {
            assert_eq!(decode_error(body(delay).as_bytes()).unwrap().retry_after_s, seconds, "{delay}");
        }
    }

    fn encoded(status: u16, kind: &str, code: Option<&str>, param: Option<&str>) -> String {
        String::from_utf8(encode_error(&ClientError { status, kind, code, message: "m", param })).unwrap()
    }

    #[test]
    fn the_status_is_googles_word_whatever_the_provider_called_it() {
        assert_eq!(
            encoded(429, "rate_limit_error", None, None),
            r#"{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}"#
        );
        assert_eq!(
            encoded(529, "overloaded_error", None, None),
            r#"{"error":{"code":529,"message":"m","status":"UNAVAILABLE"}}"#
        );
        assert_eq!(
            encoded(400, "FAILED_PRECONDITION", None, None),
            r#"{"error":{"code":400,"message":"m","status":"FAILED_PRECONDITION"}}"#
        );
    }

    #[test]
    fn the_member_and_the_code_are_details_and_are_read_back() {
        let text = encoded(400, "invalid_request_error", Some("context_length_exceeded"), Some("contents"));
        assert_eq!(
            text,
            r#"{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"contents","description":"m"}]},{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"context_length_exceeded","domain":"tollgate"}]}}"#
        );
        let failure = decode_error(text.as_bytes()).unwrap();
        assert_eq!(failure.status, Some(400));
        assert_eq!(failure.kind.as_deref(), Some("INVALID_ARGUMENT"));
        assert_eq!(failure.code.as_deref(), Some("context_length_exceeded"));
        assert_eq!(failure.param.as_deref(), Some("contents"));
        assert!(is_error(text.as_bytes()));
    }

    #[test]
    fn an_error_in_a_list_is_the_same_error() {
        let failure =
            decode_error(br#"[{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}]"#).unwrap();
        assert_eq!((failure.status, &*failure.message), (Some(503), "overloaded"));
        assert!(!is_error(br#"[{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}]"#));
        assert_eq!(decode_error(b"[]"), None);
        assert_eq!(decode_error(b"{}"), None);
    }
}
