//! Wire formats, one folder each: it fills in one row, its [`Dialect`](crate::dialect::Dialect), and nothing else is
//! asked of it.
//!
//! Formats never import each other. What several of one vendor share stands in [`vendors`](crate::vendors); who meets
//! whom is the matter of [`translate`](crate::translate).

pub(crate) mod anthropic_messages;
pub(crate) mod bedrock_converse;
pub(crate) mod gemini_generate;
pub(crate) mod openai_chat;
pub(crate) mod openai_completions;
pub(crate) mod openai_embeddings;
pub(crate) mod openai_responses;
