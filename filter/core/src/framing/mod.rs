//! How a stream's bytes fall into events: server-sent events, AWS's event stream, one JSON array. A decoder takes pieces
//! of any size and its events do not depend on how the bytes were split.

mod array;
pub mod eventstream;
pub mod sse;
mod window;

pub use array::{ArrayDecoder, ArrayError};
pub use window::{MAX_EVENT, TooLong};
