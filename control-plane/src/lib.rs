//! The control plane of Tollgate.

pub mod cli;
pub mod compile;
pub mod config;
pub mod domain;
pub mod prices;
pub mod publish;
pub mod render;
pub mod server;
pub mod up;
pub mod watch;
