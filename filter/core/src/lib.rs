//! Every decision that the Tollgate filter makes.
//!
//! Inputs go in (a head, a chunk of body, an answer, a tick, the time), effects come out; nothing here calls a host,
//! reads a clock or draws a random number. `docs/ARCHITECTURE.md` walks a request through it.

pub mod canonical;
pub mod formats;
pub mod json;
pub mod sse;
