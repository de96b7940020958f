//! A provider that speaks this format.
//!
//! `request`, `content`, `tool` and `thinking` encode what it is asked, as far as `capability` says that the model
//! takes it; `response`, `stream`, `chunk`, `partial`, `grounding` and `finish` decode what it answers.

mod capability;
mod chunk;
mod content;
mod finish;
mod grounding;
mod partial;
mod request;
mod response;
mod stream;
mod thinking;
mod tool;

use crate::dialect::UpstreamSide;

pub(super) const UPSTREAM: UpstreamSide = UpstreamSide {
    encode_request: request::encode_request,
    decode_response: response::decode_response,
    stream_decoder: || Box::new(stream::StreamDecoder::default()),
};
