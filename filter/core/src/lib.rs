//! Every decision that the Tollgate filter makes, and the words that both planes use.
//!
//! Inputs go in (a head, a chunk of body, an answer, a tick, the time), effects come out; nothing here calls a host,
//! reads a clock or draws a random number. `docs/ARCHITECTURE.md` has the map of the rooms and walks a request through them.

pub mod admit;
pub mod aws;
pub mod canonical;
mod dialect;
pub mod exchange;
#[cfg(test)]
mod fake_envoy;
mod formats;
pub mod framing;
pub mod json;
pub mod meter;
pub mod translate;
mod vendors;
pub mod vm;
pub mod words;
