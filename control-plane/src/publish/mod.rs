//! From what is stated to what is in force: the file is read, compiled, shown to the filter's own compiler, and only then
//! given to the sessions. An edit that fails on the way changes nothing, and is shown with its reason.

mod error;
mod file;
mod publisher;
mod watch;

pub use error::Error;
pub use file::FileInput;
pub use publisher::Publisher;
pub use watch::FileChanges;
