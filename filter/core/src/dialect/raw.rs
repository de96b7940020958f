//! JSON text of the client's that goes into a provider's request as it came.

use serde_json::value::RawValue;

use super::InvalidRequest;
use crate::json::Node;

/// The text as a value; refused where it is not JSON.
pub(crate) fn raw(text: &str) -> Result<&RawValue, InvalidRequest> {
    serde_json::from_str(text).map_err(not_json)
}

/// The same of a text that was changed on the way.
pub(crate) fn owned_raw(text: String) -> Result<Box<RawValue>, InvalidRequest> {
    RawValue::from_string(text).map_err(not_json)
}

/// The arguments of a call, for formats where they are an object and not its text; no text is no argument.
pub(crate) fn raw_arguments<'t>(text: &'t str, path: &str) -> Result<&'t RawValue, InvalidRequest> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    let object = Node::parse(text.as_bytes()).ok().filter(|node| node.members().is_some());
    let raw = object.and_then(|_| serde_json::from_str(text).ok());
    raw.ok_or_else(|| InvalidRequest::new(path, "the arguments of a call must be the JSON text of an object"))
}

fn not_json(error: serde_json::Error) -> InvalidRequest {
    InvalidRequest { message: error.to_string(), param: None }
}
