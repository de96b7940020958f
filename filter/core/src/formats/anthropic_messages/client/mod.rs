//! A client that speaks this format.
//!
//! `request`, `message` and `tool` decode what it asks; `response` and `stream` encode what it gets.

mod message;
mod request;
mod response;
mod stream;
mod tool;

use crate::dialect::ClientSide;

pub(super) const CLIENT: ClientSide = ClientSide {
    decode_request: request::decode_request,
    many_choices: false,
    response_encoder: |translation| Box::new(response::ResponseEncoder::new(translation)),
    stream_encoder: |translation| Box::new(stream::StreamEncoder::new(translation)),
};
