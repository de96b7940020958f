//! One shallow scan of a JSON object, and changes to single members that leave every other byte as it was.

mod envelope;

pub use envelope::{Edit, Envelope, Member, ScanError};
