//! The control plane as its clients see it: VMs over gRPC, people over HTTP. Every test runs on SQLite and on PostgreSQL,
//! each time on a database of its own.

#[macro_use]
#[path = "../support/mod.rs"]
mod support;

mod access;
mod bounds;
mod exchanges;
mod keys;
mod lost;
mod migration;
mod records;
mod rollups;
mod sayings;
mod snapshots;
mod spool;
mod spool_faults;
mod spool_left;
mod spool_pace;
mod start;
mod usage;
