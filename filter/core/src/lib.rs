//! Every decision that the Tollgate filter makes.
//!
//! Inputs go in (a head, a chunk of body, an answer, a tick, the time), effects come out; nothing here calls a host,
//! reads a clock or draws a random number. `docs/ARCHITECTURE.md` walks a request through it.

pub mod auth;
pub mod bounds;
pub mod canonical;
pub mod config;
pub mod eventstream;
pub mod exchange;
pub mod formats;
pub mod glob;
pub mod ids;
pub mod json;
pub mod meter;
pub mod outbox;
pub mod route;
pub mod secret;
pub mod session;
pub mod sigv4;
pub mod sse;
pub mod time;
pub mod vm;
