//! OpenAI's chat completions: <https://platform.openai.com/docs/api-reference/chat>.

mod message;
mod request;
mod response;
mod stream;
mod tap;
mod tool;
mod usage;

use super::{Attempt, Format};
use crate::json::{Edit, Envelope, Node};

pub(super) use request::decode_request;
pub(super) use response::ResponseEncoder;
pub(super) use stream::StreamEncoder;
pub(super) use tap::Tap;
pub(super) use usage::decode_usage;

/// This format.
pub(super) const FORMAT: Format = Format::OpenaiChat;

/// The id of a completion that we encode.
fn completion_id(attempt: &Attempt<'_>) -> String {
    format!("chatcmpl-{}", attempt.exchange)
}

/// The edit that makes a streaming request ask for usage; other members of `stream_options` stay. `None` when it asks
/// already, or has something there that the provider should refuse itself.
pub(super) fn ask_for_usage<'a>(body: &[u8], envelope: &Envelope) -> Option<Edit<'a>> {
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
