//! May a request go, and where: who asks, what the configuration says, which steps are tried.

mod credential;
mod principal;
pub mod route;
pub mod snapshot;

pub use credential::find_credential;
pub use principal::{KeyRefusal, Principal};
