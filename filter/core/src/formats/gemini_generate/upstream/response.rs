//! A whole answer of the provider.

use super::stream::StreamDecoder;
use crate::{
    canonical::Event,
    dialect::{ResponseError, Sink},
};

/// Decodes a whole answer. A list is a stream that was answered without `alt=sse`.
pub(super) fn decode_response(body: &[u8], sink: Sink<'_>) -> Result<(), ResponseError> {
    let mut decoder = StreamDecoder::default();
    decoder.read(body, sink)?;
    if !decoder.has_answered() {
        return Err(ResponseError::Malformed("an answer without candidates".to_owned()));
    }
    // Without a reason it is complete all the same: it is one JSON text.
    decoder.end(sink, Some("STOP"));
    sink(Event::End);
    Ok(())
}
