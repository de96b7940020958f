//! The control plane of Tollgate.

pub mod compile;
pub mod config;
pub mod domain;
pub mod prices;
pub mod render;
