//! The control plane of Tollgate: it keeps the money and the policy, and tells the filter what it needs of both.
//!
//! Arrows between the rooms: `cli -> operate -> {grpc, http} -> app -> {intake, publish, vms} -> {config, compile, envoy} ->
//! {metrics, prices, store} -> domain`; no room knows one to its left.

mod app;
pub mod cli;
pub mod compile;
pub mod config;
pub mod domain;
pub mod envoy;
mod grpc;
mod http;
mod intake;
mod metrics;
pub mod operate;
pub mod prices;
pub mod publish;
pub mod store;
mod vms;
