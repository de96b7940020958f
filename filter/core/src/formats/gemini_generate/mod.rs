//! Google's generateContent, of the Gemini API and of Vertex: <https://ai.google.dev/api/generate-content>.

mod client;
mod error;
mod http;
mod models;
mod policy;
mod tap;
mod texts;
mod upstream;
mod usage;
mod wire;

use crate::{
    canonical::Vendor,
    dialect::{Dialect, IdentitySide},
};

pub(crate) const DIALECT: Dialect = Dialect {
    vendor: Some(Vendor::Google),
    http: http::HTTP,
    policy: policy::POLICY,
    client: Some(client::CLIENT),
    upstream: Some(upstream::UPSTREAM),
    identity: IdentitySide {
        names_model: false,
        ask_for_usage: None,
        usage_member: "usageMetadata",
        decode_usage: usage::decode_usage,
        tap: Some(|| Box::new(tap::Tap::default())),
    },
    encode_error: error::encode_error,
    decode_error: error::decode_error,
    is_error: error::is_error,
};
