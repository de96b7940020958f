//! A client that speaks this format: its requests decoded, answers encoded.

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
    response_encoder: |attempt| Box::new(response::ResponseEncoder::new(attempt)),
    stream_encoder: |attempt| Box::new(stream::StreamEncoder::new(attempt)),
};
