//! Server-sent events: bytes in, blocks out; and the other way round, an event of JSON.

mod decoder;
mod encode;

pub use decoder::{Block, Decoder, MAX_BLOCK, TooLong};
pub use encode::write_json;
