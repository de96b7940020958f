//! Google's generateContent, of the Gemini API and of Vertex: <https://ai.google.dev/api/generate-content>.

mod answer;
mod capability;
mod config;
mod content;
mod decode_stream;
mod encode;
mod encode_content;
mod encode_stream;
mod encode_tool;
mod error;
mod fields;
mod finish;
mod grounding;
mod media;
mod offsets;
mod part;
mod partial;
mod request;
mod response;
mod schema;
mod tap;
mod thinking;
mod tool;
mod usage;
mod word;

use super::dialect::{ClientSide, Dialect, IdentitySide, UpstreamFraming, UpstreamSide};

pub(super) const DIALECT: Dialect = Dialect {
    name: "gemini_generate",
    client: Some(ClientSide {
        decode_request: request::decode_request,
        many_choices: true,
        response_encoder: |attempt| Box::new(response::ResponseEncoder::new(attempt)),
        stream_encoder: |attempt| Box::new(encode_stream::StreamEncoder::new(attempt)),
    }),
    upstream: Some(UpstreamSide {
        headers: &[],
        encode_request: encode::encode_request,
        decode_response: decode_stream::decode_response,
        stream_decoder: || Box::new(decode_stream::StreamDecoder::default()),
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
