//! What the control plane keeps and serves by, and the rules that need nothing from outside: no file, no database, no
//! protocol. Every other room may use it, and it uses none of them: only the words that both planes share.

pub mod calendar;
pub mod chain;
pub mod cluster;
pub mod key;
mod kind;
pub mod model;
mod policy;
pub mod price;
pub mod provider;
pub mod rate;
pub mod record;
mod target;
pub mod usage;

pub use kind::Kind;
pub use model::{Model, Translation};
pub use policy::Policy;
pub use provider::Provider;
pub use target::Target;
