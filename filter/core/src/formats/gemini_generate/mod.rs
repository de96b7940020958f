//! Google's generateContent, of the Gemini API and of Vertex: <https://ai.google.dev/api/generate-content>.

mod client;
mod error;
mod finish;
mod media;
mod offsets;
mod part;
mod tap;
mod upstream;
mod usage;
mod word;

use crate::dialect::{ClientSide, Dialect, IdentitySide, UpstreamFraming, UpstreamSide};

pub(crate) const DIALECT: Dialect = Dialect {
    client: Some(ClientSide {
        decode_request: client::decode_request,
        many_choices: true,
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
