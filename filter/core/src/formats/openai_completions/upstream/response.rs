//! A whole completion of the provider.

use super::stream::{Chunk, StreamDecoder};
use crate::{
    dialect::{ResponseError, Sink},
    vendors::openai,
};

/// Decodes a whole completion: a stream of one chunk.
pub(super) fn decode_response(body: &[u8], sink: Sink<'_>) -> Result<(), ResponseError> {
    let completion: Chunk<'_> =
        serde_json::from_slice(body).map_err(|error| ResponseError::Malformed(error.to_string()))?;
    if completion.choices.as_ref().is_none_or(Vec::is_empty) {
        // Errors come with a good status too, in any of their shapes.
        return Err(match openai::decode_error(body) {
            Some(failure) => ResponseError::Provider(failure),
            None => ResponseError::Malformed("a completion without choices".to_owned()),
        });
    }
    let mut decoder = StreamDecoder::default();
    decoder.accept(completion, body, sink)?;
    // Without a reason it is complete all the same: it is one JSON text.
    decoder.done(sink);
    Ok(())
}
