//! The small neutral model between formats: chats, events, usage and what a translation lost.

mod loss;
mod usage;

pub use loss::{Loss, Losses};
pub use usage::Usage;
