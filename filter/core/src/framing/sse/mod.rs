//! Server-sent events: bytes in, blocks out; and the other way round, an event of JSON.

mod decoder;
mod encode;

pub use super::window::TooLong;
pub use decoder::{Block, Decoder};
pub use encode::write_json;
