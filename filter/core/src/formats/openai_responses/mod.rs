//! OpenAI's responses: <https://platform.openai.com/docs/api-reference/responses>.

mod client;
mod http;
mod policy;
mod tap;
mod texts;
mod upstream;
mod usage;
mod wire;

use crate::{
    canonical::Vendor,
    dialect::{Dialect, IdentitySide},
    vendors::openai,
};

pub(crate) const DIALECT: Dialect = Dialect {
    vendor: Some(Vendor::Openai),
    http: http::HTTP,
    policy: policy::POLICY,
    client: Some(client::CLIENT),
    upstream: Some(upstream::UPSTREAM),
    identity: IdentitySide {
        names_model: true,
        // The last event has the figures, asked for or not.
        ask_for_usage: None,
        usage_member: "usage",
        decode_usage: usage::decode_usage,
        tap: Some(|| Box::new(tap::Tap::default())),
    },
    encode_error: openai::encode_error,
    decode_error: openai::decode_error,
    is_error: openai::is_error,
};
