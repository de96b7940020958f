//! Our reading and writing of event streams beside those of AWS's own library.

#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder, read_message_from, write_message_to};
use aws_smithy_types::{
    DateTime,
    event_stream::{Header, HeaderValue, Message},
};
use proptest::prelude::*;
use tollgate_core::framing::eventstream::{Decoder, Error, Value, encode};

/// A message's headers, written down in one way for both libraries, and its payload.
type Seen = (Vec<(String, String)>, Vec<u8>);

/// What we read of a stream in these pieces, and how it ended.
fn by_us<'b>(pieces: impl IntoIterator<Item = &'b [u8]>) -> (Vec<Seen>, Option<Error>) {
    let mut decoder = Decoder::default();
    let mut seen = Vec::new();
    let mut take = |decoder: &mut Decoder| {
        while let Some(message) = decoder.next() {
            match message {
                Ok(message) => {
                    let headers = message.headers.iter().map(|(name, value)| (name.to_owned(), ours(value)));
                    seen.push((headers.collect(), message.payload.to_vec()));
                }
                Err(error) => return Some(error),
            }
        }
        None
    };
    let mut error = None;
    for piece in pieces {
        decoder.push(piece);
        error = error.or(take(&mut decoder));
    }
    decoder.finish();
    let error = error.or(take(&mut decoder));
    (seen, error)
}

/// What AWS's library reads of a stream; `None` where it finds fault with it.
fn by_reference(mut stream: &[u8]) -> Option<Vec<Seen>> {
    let mut decoder = MessageFrameDecoder::new();
    let mut seen = Vec::new();
    while !stream.is_empty() {
        let DecodedFrame::Complete(message) = decoder.decode_frame(&mut stream).ok()? else { return None };
        seen.push(seen_of(&message));
    }
    Some(seen)
}

fn seen_of(message: &Message) -> Seen {
    let headers = message.headers().iter();
    let headers = headers.map(|header| (header.name().as_str().to_owned(), theirs(header.value())));
    (headers.collect(), message.payload().to_vec())
}

fn ours(value: Value<'_>) -> String {
    match value {
        Value::TimestampMs(ms) => format!("Timestamp({ms})"),
        Value::Uuid(bytes) => format!("Uuid({})", u128::from_be_bytes(bytes)),
        value => format!("{value:?}"),
    }
}

fn theirs(value: &HeaderValue) -> String {
    match value {
        HeaderValue::Bool(value) => format!("Bool({value})"),
        HeaderValue::Byte(value) => format!("Byte({value})"),
        HeaderValue::Int16(value) => format!("Short({value})"),
        HeaderValue::Int32(value) => format!("Int({value})"),
        HeaderValue::Int64(value) => format!("Long({value})"),
        HeaderValue::ByteArray(value) => format!("Bytes({:?})", value.to_vec()),
        HeaderValue::String(value) => format!("String({:?})", value.as_str()),
        HeaderValue::Timestamp(value) => format!("Timestamp({})", value.to_millis().unwrap()),
        HeaderValue::Uuid(value) => format!("Uuid({value})"),
        other => format!("{other:?}"),
    }
}

fn value() -> impl Strategy<Value = HeaderValue> {
    prop_oneof![
        any::<bool>().prop_map(HeaderValue::Bool),
        any::<i8>().prop_map(HeaderValue::Byte),
        any::<i16>().prop_map(HeaderValue::Int16),
        any::<i32>().prop_map(HeaderValue::Int32),
        any::<i64>().prop_map(HeaderValue::Int64),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| HeaderValue::ByteArray(bytes.into())),
        "[a-z/€\"]{0,20}".prop_map(|text| HeaderValue::String(text.into())),
        (-1_000_000_000_000_i64..4_000_000_000_000).prop_map(|ms| HeaderValue::Timestamp(DateTime::from_millis(ms))),
        any::<u128>().prop_map(HeaderValue::Uuid),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let headers = proptest::collection::vec((":?[a-z-]{1,20}", value()), 0..6);
    (headers, proptest::collection::vec(any::<u8>(), 0..200)).prop_map(|(headers, payload)| {
        let headers = headers.into_iter().map(|(name, value)| Header::new(name, value)).collect();
        Message::new_from_parts(headers, payload)
    })
}

fn written(messages: &[Message]) -> Vec<u8> {
    let mut stream = Vec::new();
    for message in messages {
        write_message_to(message, &mut stream).unwrap();
    }
    stream
}

proptest! {
    #[test]
    fn reads_what_aws_writes_at_any_split(
        messages in proptest::collection::vec(message(), 0..5),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let stream = written(&messages);
        let expected = (messages.iter().map(seen_of).collect::<Vec<_>>(), None);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).chain([stream.len()]).collect();
        cuts.sort_unstable();
        let starts = [0].into_iter().chain(cuts.iter().copied());
        prop_assert_eq!(by_us(starts.zip(&cuts).map(|(from, to)| &stream[from..*to])), expected.clone());
        prop_assert_eq!(by_us(stream.chunks(1)), expected);
    }

    #[test]
    fn aws_reads_what_we_write(
        headers in proptest::collection::vec((":?[a-z-]{1,20}", "[a-z/€\"]{0,20}"), 0..6),
        payload in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let named: Vec<_> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let bytes = encode(&named, &payload).unwrap();
        let (read, content) = seen_of(&read_message_from(&*bytes).unwrap());
        prop_assert_eq!(content, payload);
        prop_assert_eq!(read, headers.iter().map(|(name, value)| (name.clone(), format!("String({value:?})"))).collect::<Vec<_>>());
    }

    /// What one of the two takes the other takes too, and reads the same in it.
    #[test]
    fn both_refuse_what_is_damaged_or_cut(
        messages in proptest::collection::vec(message(), 1..4),
        at in any::<prop::sample::Index>(),
        damage in proptest::option::of(1_u8..),
    ) {
        let mut stream = written(&messages);
        let at = at.index(stream.len());
        match damage {
            Some(bits) => stream[at] ^= bits,
            None => stream.truncate(at),
        }
        let (seen, error) = by_us([&*stream]);
        match by_reference(&stream) {
            Some(reference) => prop_assert_eq!((seen, error), (reference, None)),
            None => prop_assert!(error.is_some()),
        }
        // A cut between two messages is no damage.
        prop_assert!(damage.is_none() || error.is_some());
    }
}
