//! OpenAI's responses: <https://platform.openai.com/docs/api-reference/responses>.

mod client;
mod seal;
mod tap;
mod upstream;
mod usage;

use crate::{
    dialect::{ClientSide, Dialect, IdentitySide, UpstreamFraming, UpstreamSide},
    vendors::openai,
};

pub(crate) const DIALECT: Dialect = Dialect {
    client: Some(ClientSide {
        decode_request: client::decode_request,
        many_choices: false,
        response_encoder: |attempt| Box::new(client::ResponseEncoder::new(attempt)),
        stream_encoder: |attempt| Box::new(client::StreamEncoder::new(attempt)),
    }),
    upstream: Some(UpstreamSide {
        headers: &[],
        encode_request: upstream::encode_request,
        decode_response: upstream::decode_response,
        stream_decoder: || Box::new(upstream::StreamDecoder::default()),
        framing: UpstreamFraming::Sse,
    }),
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
