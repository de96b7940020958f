//! From a model's name to the ordered steps of an exchange.

mod plan;
mod select;

pub use plan::{Plan, Step};
pub use select::{Selected, Unroutable, select};
