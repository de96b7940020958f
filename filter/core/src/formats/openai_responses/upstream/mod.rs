//! A provider that speaks this format.
//!
//! `request`, `input`, `tool` and `ids` encode what it is asked, as far as `capability` says that the model takes it;
//! `response`, `stream`, `item` and `failure` decode what it answers.

mod capability;
mod failure;
mod ids;
mod input;
mod item;
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
