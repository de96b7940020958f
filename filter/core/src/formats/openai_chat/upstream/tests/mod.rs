//! The upstream side, request and answer.

mod answers;
mod requests;
