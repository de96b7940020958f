//! What both sides read or write alike: the members for reasoning, of which OpenAI's chats have none of their own.

pub(super) mod reasoning;
