//! Where the provider speaks it: OpenAI, and all who follow OpenAI.

mod blocks;
mod calls;
mod capability;
mod ids;
mod message;
mod part;
mod request;
mod response;
mod stream;
mod tool;
mod turn;

#[cfg(test)]
mod tests;

use crate::formats::dialect::{UpstreamFraming, UpstreamSide};

pub(super) const UPSTREAM: UpstreamSide = UpstreamSide {
    headers: &[],
    encode_request: request::encode_request,
    decode_response: response::decode_response,
    stream_decoder: || Box::new(stream::StreamDecoder::default()),
    framing: UpstreamFraming::Sse,
};
