//! A provider that speaks this format: requests encoded, its answers decoded.

mod answer;
mod capability;
mod content;
mod extra;
mod ids;
mod media;
mod message;
mod request;
mod response;
mod stream;
mod tool;

use crate::dialect::{UpstreamFraming, UpstreamSide};

pub(super) const UPSTREAM: UpstreamSide = UpstreamSide {
    encode_request: request::encode_request,
    decode_response: response::decode_response,
    stream_decoder: || Box::new(stream::StreamDecoder::default()),
    framing: UpstreamFraming::EventStream,
};
