//! A client that speaks this format.
//!
//! `request`, `config`, `content`, `media`, `schema`, `tool` and `fields` decode what it asks; `response`, `stream`,
//! `answer`, `grounding` and `finish` encode what it gets.

mod answer;
mod config;
mod content;
mod fields;
mod finish;
mod grounding;
mod media;
mod request;
mod response;
mod schema;
mod stream;
mod tool;

use crate::dialect::ClientSide;

pub(super) const CLIENT: ClientSide = ClientSide {
    decode_request: request::decode_request,
    many_choices: true,
    response_encoder: |translation| Box::new(response::ResponseEncoder::new(translation)),
    stream_encoder: |translation| Box::new(stream::StreamEncoder::new(translation)),
};
