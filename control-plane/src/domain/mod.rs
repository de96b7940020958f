//! What the control plane keeps, and the rules that need no database: pure.

pub mod calendar;
pub mod key;
mod named;
pub mod record;
pub mod secret;
pub mod usage;
