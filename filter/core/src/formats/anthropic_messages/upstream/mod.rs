//! A provider that speaks this format: requests encoded, its answers decoded.

mod content;
mod finish;
mod request;
mod response;
mod stream;
mod tool;

use crate::dialect::{UpstreamFraming, UpstreamSide};

pub(super) const UPSTREAM: UpstreamSide = UpstreamSide {
    headers: HEADERS,
    encode_request: request::encode_request,
    decode_response: response::decode_response,
    stream_decoder: || Box::new(stream::StreamDecoder::default()),
    framing: UpstreamFraming::Sse,
};

/// The version of the API is a header: <https://platform.claude.com/docs/en/api/versioning>.
const HEADERS: &[(&str, &str)] = &[("anthropic-version", "2023-06-01")];
