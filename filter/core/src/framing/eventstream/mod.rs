//! AWS event-stream: binary frames in, messages out.

mod decoder;
mod encode;
mod headers;
#[cfg(test)]
mod tests;

pub use decoder::{Decoder, Error, Message};
pub use encode::encode;
pub use headers::{Headers, Value};

/// What a message has besides headers and payload: two lengths, their checksum, and the checksum of the message.
const OVERHEAD: usize = 16;

/// The two lengths and their checksum.
const PRELUDE: usize = 12;

/// Length of a checksum.
const CHECKSUM: usize = 4;
