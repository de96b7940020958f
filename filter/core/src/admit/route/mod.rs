//! From a model's name to the ordered steps of an exchange: first what the name leads to, then one chain of it, drawn,
//! then what of it is left out. The plan is all that is left to say where an exchange goes; Envoy only walks it.

mod plan;
mod select;
mod unfit;

pub use plan::{Plan, Step};
pub use select::{Selected, Unroutable, select};
pub use unfit::Unfit;
