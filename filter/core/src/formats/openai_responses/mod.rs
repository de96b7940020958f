//! OpenAI's responses: <https://platform.openai.com/docs/api-reference/responses>.

use super::{
    dialect::{Dialect, IdentitySide},
    openai,
};

pub(super) const DIALECT: Dialect = Dialect {
    name: "openai_responses",
    client: None,
    upstream: None,
    identity: IdentitySide {
        names_model: true,
        ask_for_usage: None,
        usage_member: "usage",
        decode_usage: |_| None,
        tap: None,
    },
    encode_error: openai::encode_error,
    decode_error: openai::decode_error,
    is_error: openai::is_error,
};
