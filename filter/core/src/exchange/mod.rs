//! One client request with its response: what the gate and the adapter do, as two machines over one shared record.
//!
//! ```text
//!   client ──► Gate ────────────────► Envoy's router ──► Adapter ──► provider      one Adapter per attempt
//!               │ admits: puts the       walks the          │ asks for the step it was led to
//!               │ Exchange into the      plan's cluster     │ and writes what it sees into the Exchange
//!               ▼ Table                                     ▼
//!   client ◄── Gate ◄──────────────────────────────────── Adapter ◄── provider
//!               │ log phase: takes the Exchange out, makes its one usage record
//! ```
//! `record` is what the exchange leaves: its facts, its attempts and how it ended.
//! Both machines take inputs (`handle_…`) and answer with what the host must do. An input that does not fit the state
//! (Envoy sends some after a local reply) changes nothing.

mod adapter;
mod attempt;
mod endpoint;
mod forwarding;
mod gate;
mod head;
pub mod record;
mod reject;
mod table;

pub use adapter::{Adapter, Chunk, ResponseHead, Take, UpstreamHead, Whole};
pub use attempt::{Answered, Attempt};
pub use endpoint::{Call, Endpoint, PathCall};
pub use gate::{Admission, CallFailed, EXCHANGE_HEADER, Ending, Gate, Response, Rpc, Verdict};
pub use head::Head;
pub use reject::{Reject, Reply};
pub use table::{Exchange, Request, Shared, Table};

#[cfg(test)]
mod tests;
