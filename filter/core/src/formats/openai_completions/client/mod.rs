//! A client that speaks this format.
//!
//! `request` decodes what it asks; `response`, `stream` and `wire` encode what it gets.

mod request;
mod response;
mod stream;
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
