//! A client that speaks this format.
//!
//! `request`, `item`, `content`, `options`, `tool` and `fields` decode what it asks; `response`, `stream`, `event`,
//! `object` and `output` encode what it gets.

mod content;
mod event;
mod fields;
mod item;
mod object;
mod options;
mod output;
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
