//! How a stream's bytes fall into events: server-sent events, AWS's event stream, one JSON array. A decoder takes pieces
//! of any size and its events do not depend on how the bytes were split. The decoders share the window that holds the bytes;
//! what an event says is for the formats.

mod array;
pub mod eventstream;
pub mod sse;
mod window;

pub use array::{ArrayDecoder, ArrayError};
pub use window::{MAX_EVENT, TooLong};
