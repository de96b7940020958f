//! What an exchange used and what it cost.

pub mod price;
mod record;

pub use record::Record;
