//! The small neutral model between formats: chats, events, usage and what a translation lost.

mod answer;
mod chat;
mod event;
mod failure;
mod loss;
mod usage;

pub use answer::{Answer, AnswerBlock};
pub use chat::{Block, CacheMark, Chat, Effort, Message, Part, ResponseFormat, Role, Source, Tool, ToolChoice};
pub use event::{BlockStart, Delta, Event, FinishReason};
pub use failure::Failure;
pub use loss::{Loss, Losses};
pub use usage::Usage;
