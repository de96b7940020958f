//! A provider that speaks this format.
//!
//! `request`, `message`, `content`, `media`, `tool`, `ids` and `extra` encode what it is asked, as far as `capability`
//! says that the model takes it; `response`, `stream` and `answer` decode what it answers.

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

use crate::dialect::UpstreamSide;

pub(super) const UPSTREAM: UpstreamSide = UpstreamSide {
    encode_request: request::encode_request,
    decode_response: response::decode_response,
    stream_decoder: || Box::new(stream::StreamDecoder::default()),
};
