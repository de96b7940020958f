//! OpenAI's chat completions: <https://platform.openai.com/docs/api-reference/chat>.

mod message;
mod reasoning;
mod request;
mod response;
mod stream;
mod tap;
mod tool;
mod upstream;
mod usage;

use super::{
    Attempt,
    dialect::{ClientSide, Dialect, IdentitySide},
    openai,
};
use crate::json::{Edit, Envelope, Node};

pub(super) const DIALECT: Dialect = Dialect {
    name: "openai_chat",
    client: Some(ClientSide {
        decode_request: request::decode_request,
        many_choices: false,
        response_encoder: |attempt| Box::new(response::ResponseEncoder::new(attempt)),
        stream_encoder: |attempt| Box::new(stream::StreamEncoder::new(attempt)),
    }),
    upstream: Some(upstream::UPSTREAM),
    identity: IdentitySide {
        names_model: true,
        ask_for_usage: Some(ask_for_usage),
        usage_member: "usage",
        decode_usage: usage::decode_usage,
        tap: Some(|| Box::new(tap::Tap::default())),
    },
    encode_error: openai::encode_error,
    decode_error: openai::decode_error,
    is_error: openai::is_error,
};

/// The id of a completion that we encode.
fn completion_id(attempt: &Attempt<'_>) -> String {
    format!("chatcmpl-{}", attempt.exchange)
}

/// The edit that makes a streaming request ask for usage; other members of `stream_options` stay. `None` when it asks
/// already, or has something there that the provider should refuse itself.
fn ask_for_usage(body: &[u8], envelope: &Envelope) -> Option<Edit<'static>> {
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
