//! What a translation makes of requests and answers.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails panics")]

mod fidelity;
mod fixtures;
mod golden;
mod output;
mod properties;
mod texts;
