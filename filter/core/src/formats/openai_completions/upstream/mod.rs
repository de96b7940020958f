//! A provider that speaks this format.
//!
//! `request` and `prompt` encode what it is asked; `response` and `stream` decode what it answers.

mod prompt;
mod request;
mod response;
mod stream;

#[cfg(test)]
mod tests;

use crate::dialect::UpstreamSide;

pub(super) const UPSTREAM: UpstreamSide = UpstreamSide {
    encode_request: request::encode_request,
    decode_response: response::decode_response,
    stream_decoder: || Box::new(stream::StreamDecoder::default()),
};
