//! Where the provider speaks it.

mod answer;
mod prompt;
mod request;

#[cfg(test)]
mod tests;

use crate::dialect::{UpstreamFraming, UpstreamSide};

pub(super) const UPSTREAM: UpstreamSide = UpstreamSide {
    headers: &[],
    encode_request: request::encode_request,
    decode_response: answer::decode_response,
    stream_decoder: || Box::new(answer::StreamDecoder::default()),
    framing: UpstreamFraming::Sse,
};
