//! Converse of Amazon Bedrock: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>.

use super::{
    dialect::{Dialect, IdentitySide},
    openai,
};

pub(super) const DIALECT: Dialect = Dialect {
    name: "bedrock_converse",
    client: None,
    upstream: None,
    identity: IdentitySide {
        names_model: false,
        ask_for_usage: None,
        usage_member: "usage",
        decode_usage: |_| None,
        tap: None,
    },
    encode_error: openai::encode_error,
    decode_error: openai::decode_error,
    is_error: openai::is_error,
};
