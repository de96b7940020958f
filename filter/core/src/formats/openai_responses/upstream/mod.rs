//! The provider speaks it: requests out, responses and their events in.

mod capability;
mod failure;
mod ids;
mod input;
mod item;
mod request;
mod response;
mod stream;
mod tool;

use crate::dialect::{UpstreamFraming, UpstreamSide};

pub(super) const UPSTREAM: UpstreamSide = UpstreamSide {
    encode_request: request::encode_request,
    decode_response: response::decode_response,
    stream_decoder: || Box::new(stream::StreamDecoder::default()),
    framing: UpstreamFraming::Sse,
};
