//! A provider that speaks this format: OpenAI, and all who follow OpenAI.
//!
//! `request`, `turn`, `part`, `tool` and `ids` encode what it is asked, as far as `capability` says that it takes it;
//! `response`, `stream`, `message`, `blocks`, `calls` and `extra` decode what it answers.

mod blocks;
mod calls;
mod capability;
mod extra;
mod ids;
mod message;
mod part;
mod request;
mod response;
mod stream;
mod tool;
mod turn;

#[cfg(test)]
mod tests;

use capability::Capability;

use crate::{
    dialect::UpstreamSide,
    json::{Edit, Envelope},
    vendors::openai,
};

pub(super) const UPSTREAM: UpstreamSide = UpstreamSide {
    encode_request: request::encode_request,
    decode_response: response::decode_response,
    stream_decoder: || Box::new(stream::StreamDecoder::default()),
};

/// The output cap to add for a model: OpenAI's that reason refuse the older name, and servers of other models may not know the
/// newer one (<https://platform.openai.com/docs/api-reference/chat/create#chat_create-max_completion_tokens>).
pub(super) fn cap_member(model: &str) -> &'static str {
    if Capability::of(model).is_openai() { "max_completion_tokens" } else { "max_tokens" }
}

/// The edit that makes a streaming request ask for usage, of whom it has to be asked.
pub(super) fn ask_for_usage(model: &str, body: &[u8], envelope: &Envelope) -> Option<Edit<'static>> {
    match Capability::of(model).is_mistrals_own() {
        true => None,
        false => openai::ask_for_usage(body, envelope),
    }
}
