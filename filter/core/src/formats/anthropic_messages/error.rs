use serde::Serialize;

use crate::{canonical::Failure, formats::ClientError, json::Node};

/// `{"type": "error", "error": {type, message}}`: <https://platform.claude.com/docs/en/api/errors>.
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

    let error = Inner { r#type: error.kind, message: error.message };
    serde_json::to_vec(&Body { r#type: "error", error }).unwrap_or_default()
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
    Some(Failure { kind, ..Failure::new(message) })
}
