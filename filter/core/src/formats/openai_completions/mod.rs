//! OpenAI's legacy completions: <https://platform.openai.com/docs/api-reference/completions>. Many who host open models
//! speak it too (vLLM: <https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html>).

mod client;
mod http;
mod policy;
mod upstream;

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
        ask_for_usage: Some(|_, body, envelope| openai::ask_for_usage(body, envelope)),
        usage_member: "usage",
        decode_usage: openai::decode_usage,
        tap: Some(|| Box::new(openai::Tap::default())),
    },
    encode_error: openai::encode_error,
    decode_error: openai::decode_error,
    is_error: openai::is_error,
};
