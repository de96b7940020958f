//! Bedrock's errors: the kind in a header, the message in the body
//! (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors>).

use bytes::Bytes;
use serde_json::{Value, json};

use super::frame;
use crate::send::Answer;

/// An error of this kind.
pub(super) fn error(status: u16, kind: &str, message: &str) -> Answer {
    let kind = format!("{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/");
    let headers =
        vec![("x-amzn-errortype", kind), ("x-amzn-requestid", "00000000-0000-4000-8000-000000000000".to_owned())];
    Answer { headers, ..Answer::json(status, &json!({"message": message})) }
}

/// A request that does not fit.
pub(super) fn invalid(message: &str) -> Answer {
    error(400, "ValidationException", message)
}

/// What Bedrock says with a status that a script asks for.
pub(crate) fn scripted(status: u16) -> Answer {
    let (kind, message) = match status {
        401 | 403 => ("AccessDeniedException", "You don't have access to the model with the specified model ID."),
        404 => {
            ("ResourceNotFoundException", "Could not resolve the foundation model from the provided model identifier.")
        }
        408 => ("ModelTimeoutException", "The request took too long to process."),
        424 => ("ModelErrorException", "The model returned an error."),
        429 => ("ThrottlingException", "Too many requests, please wait before trying again."),
        503 | 529 => ("ServiceUnavailableException", "Bedrock is unable to process your request."),
        500.. => (
            "InternalServerException",
            "The system encountered an unexpected error during processing. Try your request again.",
        ),
        _ => ("ValidationException", "The request was not accepted."),
    };
    error(status, kind, message)
}

/// With what a stream breaks off when the model fails.
pub(crate) fn midway() -> Value {
    json!({"modelStreamErrorException": {"message": "The model failed in the middle of its answer.", "originalStatusCode": 500}})
}

/// An exception in a stream: an object whose one member names its kind. Any other JSON is an internal error of that content.
pub(crate) fn exception(error: &Value) -> Bytes {
    let named = error.as_object().filter(|members| members.len() == 1).and_then(|members| members.iter().next());
    let (kind, payload) = named.map_or(("internalServerException", error), |(kind, payload)| (kind.as_str(), payload));
    let headers = [(":exception-type", kind), (":content-type", "application/json"), (":message-type", "exception")];
    frame::message(&headers, payload.to_string().as_bytes())
}
