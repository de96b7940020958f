//! A client that speaks this format: its requests decoded, answers encoded.

mod answer;
mod config;
mod content;
mod fields;
mod grounding;
mod media;
mod request;
mod response;
mod schema;
mod stream;
mod tool;

pub(super) use request::decode_request;
pub(super) use response::ResponseEncoder;
pub(super) use stream::StreamEncoder;
