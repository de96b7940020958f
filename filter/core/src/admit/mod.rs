//! May a request go, and where: who asks, what the configuration says, which steps are tried.
//!
//! Apart from the machines of [`exchange`](crate::exchange), because a decision needs no state of a request: names and a
//! snapshot go in, a plan or a refusal comes out.

mod credential;
pub mod keys;
mod principal;
pub mod route;
pub mod snapshot;

pub use credential::find_credential;
pub use principal::{KeyRefusal, Principal};
