//! JSON without trees: one shallow scan of an object, changes to single members that leave every other byte as it was,
//! values read on demand, and a watch for one member of a body too large to keep. What is JSON a parser says, where things
//! stand in it one cursor finds; no format is known here.

mod cursor;
mod depth;
mod envelope;
mod read;
mod shallow;
mod unescape;
mod watch;

pub(crate) use cursor::{Cursor, Inside, is_blank};
pub use depth::{MAX_DEPTH, is_too_deep};
pub use envelope::{Edit, Envelope, Member, ScanError};
pub use read::{Node, Text};
pub use watch::Watch;
