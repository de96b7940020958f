//! A client that speaks this format: its requests decoded, answers encoded.

mod message;
mod request;
mod response;
mod stream;
mod tool;

pub(super) use request::decode_request;
pub(super) use response::ResponseEncoder;
pub(super) use stream::StreamEncoder;
