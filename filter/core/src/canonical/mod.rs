//! The small neutral model between formats: chats, events, usage and what a translation lost.

mod answer;
mod chat;
mod event;
mod failure;
mod loss;
mod seal;
mod usage;
mod vendor;

pub use answer::{Answer, AnswerBlock, Choice};
pub use chat::{
    Block, CacheMark, Chat, Effort, Function, Given, Message, Part, Reasoning, ResponseFormat, Role, Sampling,
    ServiceTier, Source, Tool, ToolChoice, ToolKind, WebSearch,
};
pub use event::{BlockStart, Citation, Delta, Event, Finish, FinishReason, TokenLogprob};
pub use failure::Failure;
pub use loss::{Loss, Losses};
pub use seal::Seal;
pub use usage::Usage;
pub use vendor::Vendor;
