//! OpenAI's embeddings, passed on as they are: <https://platform.openai.com/docs/api-reference/embeddings>.

mod usage;

use crate::{
    dialect::{Dialect, IdentitySide},
    vendors::openai,
};

pub(crate) const DIALECT: Dialect = Dialect {
    client: None,
    upstream: None,
    identity: IdentitySide {
        names_model: true,
        ask_for_usage: None,
        usage_member: "usage",
        decode_usage: usage::decode_usage,
        tap: None,
    },
    encode_error: openai::encode_error,
    decode_error: openai::decode_error,
    is_error: openai::is_error,
};
