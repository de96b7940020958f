//! A provider that speaks this format.
//!
//! `request`, `content`, `tool` and `ids` encode what it is asked; `response`, `stream` and `finish` decode what it
//! answers.

mod content;
mod finish;
mod ids;
mod request;
mod response;
mod stream;
mod tool;

use crate::dialect::UpstreamSide;

pub(super) const UPSTREAM: UpstreamSide = UpstreamSide {
    encode_request: request::encode_request,
    decode_response: response::decode_response,
    stream_decoder: || Box::new(stream::StreamDecoder::default()),
};
