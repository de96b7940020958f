//! The control plane of Tollgate.

pub mod cli;
pub mod compile;
pub mod config;
pub mod domain;
mod grpc;
mod http;
mod metrics;
pub mod prices;
pub mod publish;
pub mod render;
pub mod server;
pub mod store;
pub mod up;
mod vms;
pub mod watch;
