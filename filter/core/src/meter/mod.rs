//! What usage costs. Who used it, and when, is not its business: records are made in `exchange`, on top of it.

pub mod price;
