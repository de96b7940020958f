//! OpenAI's embeddings, passed on as they are: <https://platform.openai.com/docs/api-reference/embeddings>.

mod http;
mod policy;
mod usage;

use crate::{
    canonical::Vendor,
    dialect::{Dialect, IdentitySide},
    vendors::openai,
};

pub(crate) const DIALECT: Dialect = Dialect {
    vendor: Some(Vendor::Openai),
    http: http::HTTP,
    policy: policy::POLICY,
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
