//! Server-sent events: bytes in, blocks out.

mod decoder;

pub use decoder::{Block, Decoder, MAX_BLOCK, TooLong};
