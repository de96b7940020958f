//! Errors in a stream or in a response, read.

use crate::{canonical::Failure, dialect::ResponseError, vendors::openai};

/// The failure that an error event or a failed response tells of, in any of the shapes that providers use.
pub(super) fn decode_failure(body: &[u8]) -> ResponseError {
    let mut failure = openai::decode_error(body)
        .unwrap_or_else(|| Failure::new("the provider says that its answer failed, and not why"));
    // An event's own type is no kind of error.
    failure.kind = failure.kind.filter(|kind| kind != "error");
    failure.status = failure.code.as_deref().or(failure.kind.as_deref()).and_then(status_of);
    ResponseError::Provider(failure)
}

/// The HTTP status that a code stands for (`ResponseErrorCode` of OpenAI's specification, and the codes of its plain errors:
/// <https://platform.openai.com/docs/guides/error-codes>). `None` for those of other vendors.
fn status_of(code: &str) -> Option<u16> {
    match code {
        "rate_limit_exceeded" | "insufficient_quota" | "rate_limit_error" | "too_many_requests" => Some(429),
        "server_error" | "vector_store_timeout" | "internal_error" => Some(500),
        "invalid_prompt" | "bio_policy" | "data_residency_mismatch" | "context_length_exceeded" => Some(400),
        "invalid_request_error" | "failed_to_download_image" | "image_file_not_found" => Some(400),
        code if code.contains("image") => Some(400),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(body: &str) -> Failure {
        match decode_failure(body.as_bytes()) {
            ResponseError::Provider(failure) => failure,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_error_event_comes_with_and_without_an_inner_object() {
        let inner = failure(
            r#"{"type":"error","sequence_number":2,"error":{"type":"insufficient_quota","code":"insufficient_quota","message":"m","param":null}}"#,
        );
        assert_eq!((inner.status, inner.kind.as_deref()), (Some(429), Some("insufficient_quota")));
        let flat = failure(r#"{"type":"error","code":"server_error","message":"m","param":"p","sequence_number":1}"#);
        assert_eq!((flat.status, flat.kind, flat.param.as_deref()), (Some(500), None, Some("p")));
        assert_eq!(failure(r#"{"type":"error"}"#).message, "the provider says that its answer failed, and not why");
    }
}
