//! A client that speaks this format.
//!
//! `request`, `message`, `part`, `thinking` and `tool` decode what it asks; `response`, `stream` and `wire` encode what
//! it gets.

mod message;
mod part;
mod request;
mod response;
mod stream;
mod thinking;
mod tool;
mod wire;

#[cfg(test)]
mod tests;

use crate::dialect::ClientSide;

pub(super) const CLIENT: ClientSide = ClientSide {
    decode_request: request::decode_request,
    many_choices: true,
    response_encoder: |translation| Box::new(response::ResponseEncoder::new(translation)),
    stream_encoder: |translation| Box::new(stream::StreamEncoder::new(translation)),
};
