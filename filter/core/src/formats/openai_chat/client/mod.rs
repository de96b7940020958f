//! Where the client speaks it.

mod message;
mod part;
mod request;
mod response;
mod stream;
mod thinking;
mod tool;
mod wire;

#[cfg(test)]
mod tests;

use crate::dialect::{Attempt, ClientSide};

pub(super) const CLIENT: ClientSide = ClientSide {
    decode_request: request::decode_request,
    many_choices: true,
    response_encoder: |attempt| Box::new(response::ResponseEncoder::new(attempt)),
    stream_encoder: |attempt| Box::new(stream::StreamEncoder::new(attempt)),
};

/// The id of a completion that we encode.
fn completion_id(attempt: &Attempt<'_>) -> String {
    format!("chatcmpl-{}", attempt.exchange)
}
