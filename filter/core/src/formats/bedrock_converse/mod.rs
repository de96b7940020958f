//! Converse of Amazon Bedrock: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>.
//!
//! Providers speak it, clients do not: its requests are signed for AWS, byte for byte, with keys that a client of a gateway
//! does not have.

mod error;
mod http;
mod policy;
mod texts;
mod upstream;
mod usage;

use crate::dialect::{Dialect, IdentitySide};

pub(crate) const DIALECT: Dialect = Dialect {
    vendor: None,
    http: http::HTTP,
    policy: policy::POLICY,
    client: None,
    upstream: Some(upstream::UPSTREAM),
    identity: IdentitySide {
        names_model: false,
        ask_for_usage: None,
        usage_member: "usage",
        decode_usage: usage::decode_usage,
        tap: None,
    },
    encode_error: error::encode_error,
    decode_error: error::decode_error,
    is_error: error::is_error,
};
