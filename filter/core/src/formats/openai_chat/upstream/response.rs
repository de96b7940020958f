//! A whole answer of the provider, decoded.

use super::stream::{Chunk, StreamDecoder, failure};
use crate::dialect::{ResponseError, Sink};

/// Decodes a whole completion into the events of its answer: <https://platform.openai.com/docs/api-reference/chat/object>.
pub(super) fn decode_response(body: &[u8], sink: Sink<'_>) -> Result<(), ResponseError> {
    let mut completion: Chunk<'_> =
        serde_json::from_slice(body).map_err(|error| ResponseError::Malformed(error.to_string()))?;
    let Some(choices) = completion.choices.as_mut().filter(|choices| !choices.is_empty()) else {
        // Errors come with a good status too, in any of their shapes.
        return match crate::vendors::openai::decode_error(body) {
            Some(failure) => Err(ResponseError::Provider(failure)),
            None => Err(ResponseError::Malformed("a completion without choices".to_owned())),
        };
    };
    if completion.error.is_some_and(super::extra::says_something) {
        return Err(ResponseError::Provider(failure(body)));
    }
    for choice in choices {
        // Perplexity gives an empty delta beside the message.
        if choice.message.is_some() {
            choice.delta = None;
        }
        // A choice without either said nothing.
        if choice.message.is_none() && choice.delta.is_none() {
            choice.message = Some(Box::default());
        }
    }
    let mut decoder = StreamDecoder::default();
    decoder.accept(completion, sink)?;
    // Without a reason it is complete all the same: it is one JSON text.
    decoder.done(sink);
    Ok(())
}
