//! The provider speaks it: requests out, responses and their events in.

mod capability;
mod failure;
mod input;
mod item;
mod live;
mod request;
mod response;
mod stream;
mod tool;

pub(super) use request::encode_request;
pub(super) use response::decode_response;
pub(super) use stream::StreamDecoder;
