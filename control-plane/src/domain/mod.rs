//! Domain types.
pub mod key;
pub mod secret;
