//! What the control plane keeps, and the rules that need no database: pure.

pub mod key;
pub mod record;
pub mod usage;
