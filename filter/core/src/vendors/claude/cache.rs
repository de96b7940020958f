//! The mark `cache_control`.

use crate::{canonical::CacheMark, dialect::InvalidRequest, json::Node};

/// A mark of a prompt's cacheable beginning (<https://platform.claude.com/docs/en/build-with-claude/prompt-caching>), which clients
/// of chats send too.
pub(crate) fn decode_cache(value: Node<'_>, path: &str) -> Result<Option<CacheMark>, InvalidRequest> {
    if value.is_null() {
        return Ok(None);
    }
    if value.member("type").and_then(Node::string).as_deref() != Some("ephemeral") {
        return Err(InvalidRequest::new(path, "must be an object whose type is \"ephemeral\""));
    }
    match value.member("ttl").filter(|ttl| !ttl.is_null()).map(Node::string) {
        None => Ok(Some(CacheMark::FiveMinutes)),
        Some(Some(ttl)) if ttl == "5m" => Ok(Some(CacheMark::FiveMinutes)),
        Some(Some(ttl)) if ttl == "1h" => Ok(Some(CacheMark::Hour)),
        Some(_) => Err(InvalidRequest::new(format!("{path}.ttl"), "must be \"5m\" or \"1h\"")),
    }
}
