//! A provider that speaks this format: requests encoded, its answers decoded.

mod capability;
mod chunk;
mod content;
mod grounding;
mod partial;
mod request;
mod stream;
mod thinking;
mod tool;

pub(super) use request::encode_request;
pub(super) use stream::{StreamDecoder, decode_response};
