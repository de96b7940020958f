//! OpenAI's embeddings, passed on as they are: <https://platform.openai.com/docs/api-reference/embeddings>.

mod usage;

pub(super) use usage::decode_usage;
