//! A provider that speaks this format: requests encoded, its answers decoded.

mod content;
mod request;
mod response;
mod stream;
mod tool;

pub(super) use request::encode_request;
pub(super) use response::decode_response;
pub(super) use stream::StreamDecoder;
