//! The member that asks a stream for usage.

use crate::json::{Edit, Envelope, Node};

/// The edit that makes a streaming request ask for usage; other members of `stream_options` stay. `None` when it asks
/// already, or has something there that the provider should refuse itself.
pub(crate) fn ask_for_usage(body: &[u8], envelope: &Envelope) -> Option<Edit<'static>> {
    let asking = r#"{"include_usage":true}"#;
    let Some(options) = envelope.raw(body, "stream_options") else {
        return Some(Edit::Set("stream_options", asking.into()));
    };
    let node = Node::parse(options).ok()?;
    if node.is_null() {
        return Some(Edit::Set("stream_options", asking.into()));
    }
    let inner = Envelope::scan(options).ok()?;
    if node.member("include_usage").and_then(Node::boolean) == Some(true) {
        return None;
    }
    let options = inner.splice(options, &[Edit::Set("include_usage", "true".into())]);
    Some(Edit::Set("stream_options", String::from_utf8(options).ok()?.into()))
}
