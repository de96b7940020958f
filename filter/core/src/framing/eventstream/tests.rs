//! Published examples, damage, bounds and any split.

use proptest::prelude::*;

use super::*;
use crate::framing::MAX_EVENT;

/// A published message in hexadecimal, its headers and its payload.
type Example<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [u8]);

/// Headers, payload and raw bytes of a message.
type Seen = (Vec<(String, String)>, Vec<u8>, Vec<u8>);

/// What all messages were, and how the stream ended.
fn decode<'b>(chunks: impl IntoIterator<Item = &'b [u8]>) -> (Vec<Seen>, Option<Error>) {
    let mut decoder = Decoder::default();
    let mut seen = Vec::new();
    for chunk in chunks {
        decoder.push(chunk);
        if let Some(error) = drain(&mut decoder, &mut seen) {
            return (seen, Some(error));
        }
    }
    decoder.finish();
    let error = drain(&mut decoder, &mut seen);
    assert_eq!(error.is_none(), decoder.pending().is_empty());
    (seen, error)
}

fn drain(decoder: &mut Decoder, seen: &mut Vec<Seen>) -> Option<Error> {
    while let Some(message) = decoder.next() {
        let Ok(message) = message else { return message.err() };
        let headers = message.headers.iter().map(|(name, value)| (name.to_owned(), format!("{value:?}"))).collect();
        seen.push((headers, message.payload.to_vec(), message.raw.to_vec()));
    }
    None
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

/// A message of these header bytes, with sums that hold.
fn summed(total: u32, headers_length: u32, rest: &[u8]) -> Vec<u8> {
    let mut message = [total.to_be_bytes(), headers_length.to_be_bytes()].concat();
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message.extend_from_slice(rest);
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message
}

const ONE_STRING_HEADER: &str = "0000003d0000002007fd83960c636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e\
    7b27666f6f273a27626172277d8d9c08b1";

/// The examples that AWS's own libraries are tested with (`empty_message`, `payload_no_headers`,
/// `payload_one_str_header`, `int32_header`, `all_headers`).
#[test]
fn reads_the_published_examples() {
    let payload = b"{'foo':'bar'}".to_vec();
    let examples: [Example<'_>; 5] = [
        ("000000100000000005c248eb7d98c8ff", &[], b""),
        ("0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936", &[], &payload),
        (ONE_STRING_HEADER, &[("content-type", "String(\"application/json\")")], &payload),
        (
            "0000002d0000001041c424b80a6576656e742d74797065040000a00c7b27666f6f273a27626172277d36f480a0",
            &[("event-type", "Int(40972)")],
            &payload,
        ),
        (
            "000000cc000000af0fae64ca0a6576656e742d74797065040000a00c0c636f6e74656e742d747970650700106170706c69636174\
             696f6e2f6a736f6e0a626f6f6c2066616c73650109626f6f6c207472756500046279746502cf0862797465206275660600144927\
             6d2061206c6974746c6520746561706f74210974696d657374616d70080000000000845fed05696e74313603002a05696e743634\
             0500000000028757b20475756964090102030405060708090a0b0c0d0e0f107b27666f6f273a27626172277daba5f10c",
            &[
                ("event-type", "Int(40972)"),
                ("content-type", "String(\"application/json\")"),
                ("bool false", "Bool(false)"),
                ("bool true", "Bool(true)"),
                ("byte", "Byte(-49)"),
                (
                    "byte buf",
                    "Bytes([73, 39, 109, 32, 97, 32, 108, 105, 116, 116, 108, 101, 32, 116, 101, 97, 112, 111, 116, 33])",
                ),
                ("timestamp", "TimestampMs(8675309)"),
                ("int16", "Short(42)"),
                ("int64", "Long(42424242)"),
                ("uuid", "Uuid([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])"),
            ],
            &payload,
        ),
    ];
    for (text, headers, payload) in examples {
        let message = bytes(text);
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(decode([&*message]), (vec![(headers, payload.to_vec(), message.clone())], None));
    }
}

#[test]
fn writes_what_it_reads() {
    let message = encode(&[("content-type", "application/json")], b"{'foo':'bar'}").unwrap();
    assert_eq!(message, bytes(ONE_STRING_HEADER));
    assert_eq!(encode(&[(&"n".repeat(256), "")], b""), None);
    assert_eq!(encode(&[("n", &"v".repeat(65_536))], b""), None);
}

#[test]
fn finds_a_header_that_is_a_string() {
    let message = encode(&[(":message-type", "event"), (":event-type", "messageStop")], b"{}").unwrap();
    let mut decoder = Decoder::default();
    decoder.push(&message);
    let headers = decoder.next().unwrap().unwrap().headers;
    assert_eq!(headers.string(":event-type"), Some("messageStop"));
    assert_eq!(headers.string("event-type"), None);
}

#[test]
fn notices_every_damaged_byte() {
    let good = bytes(ONE_STRING_HEADER);
    for at in 0..good.len() {
        let mut damaged = good.clone();
        damaged[at] ^= 0x10;
        assert_eq!(decode([&*damaged]), (vec![], Some(Error::Checksum)), "byte {at}");
    }
}

#[test]
fn a_damaged_length_is_an_error_before_the_rest_arrives() {
    let mut decoder = Decoder::default();
    decoder.push(&[0, 0xff, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
    assert_eq!(decoder.next(), Some(Err(Error::Checksum)));
}

#[test]
fn refuses_lengths_that_make_no_sense() {
    for (total, headers) in [(0, 0), (15, 0), (16, 1), (40, 25), (16, u32::MAX)] {
        assert_eq!(decode([&*summed(total, headers, &[0; 24])]).1, Some(Error::Malformed), "{total} {headers}");
    }
}

#[test]
fn refuses_headers_that_make_no_sense() {
    let cases: [&[u8]; 8] = [
        b"\x01",                // a name that is not there
        b"\x01n",               // no type
        b"\x01n\x0a",           // an unknown type
        b"\x01n\x04\0\0\0",     // a number cut short
        b"\x01n\x07\0\x02v",    // a string cut short
        b"\x01n\x07\0\x01\xff", // a string that is no UTF-8
        b"\x01\xff\x00",        // a name that is no UTF-8
        b"\x01n\x00\x05",       // a good header, then a bad one
    ];
    for headers in cases {
        let length = u32::try_from(headers.len()).unwrap();
        assert_eq!(decode([&*summed(16 + length, length, headers)]), (vec![], Some(Error::Malformed)), "{headers:?}");
    }
}

#[test]
fn says_that_the_stream_ended_inside_a_message() {
    let two = [bytes(ONE_STRING_HEADER), bytes(ONE_STRING_HEADER)].concat();
    for end in 0..two.len() {
        let (seen, error) = decode([&two[..end]]);
        assert_eq!(seen.len(), end / 61);
        assert_eq!(error, (end % 61 != 0).then_some(Error::Truncated), "{end}");
    }
}

#[test]
fn refuses_a_message_beyond_the_bound_by_its_prelude_and_stays_refusing() {
    let total = u32::try_from(MAX_EVENT + 1).unwrap();
    let mut decoder = Decoder::default();
    decoder.push(&summed(total, 0, b"")[..PRELUDE]);
    assert_eq!(decoder.next(), Some(Err(Error::TooLong)));
    decoder.push(&bytes(ONE_STRING_HEADER));
    assert_eq!(decoder.next(), Some(Err(Error::TooLong)));
    assert_eq!(decoder.pending().len(), PRELUDE);
}

#[test]
fn takes_the_longest_message_in_small_pieces() {
    let payload = vec![b'x'; MAX_EVENT - OVERHEAD];
    let message = encode(&[], &payload).unwrap();
    let (seen, error) = decode(message.chunks(1000));
    assert_eq!((seen.len(), error), (1, None));
    assert_eq!(seen[0].1.len(), payload.len());
}

/// Keeping up one message at a time with a sender that is ahead must not move the backlog each time.
#[test]
fn taking_one_message_for_each_piece_of_a_backlog_gives_them_all() {
    let one = encode(&[("n", "v")], b"payload").unwrap();
    let mut decoder = Decoder::default();
    decoder.push(&one.repeat(20_000));
    let mut taken = 0;
    while let Some(message) = decoder.next() {
        assert_eq!(message.unwrap().raw, one);
        taken += 1;
        decoder.push(if taken <= 20_000 { &one } else { b"" });
    }
    assert_eq!(taken, 40_000);
}

proptest! {
    #[test]
    fn split_anywhere_gives_the_same_messages(
        messages in proptest::collection::vec(
            (proptest::collection::vec(("[a-z:é]{0,9}", "[a-z€]{0,9}"), 0..4), proptest::collection::vec(any::<u8>(), 0..60)),
            0..6,
        ),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
        end in any::<prop::sample::Index>(),
        damage in proptest::option::of((any::<prop::sample::Index>(), 1u8..)),
    ) {
        let mut stream: Vec<u8> = messages
            .iter()
            .flat_map(|(headers, payload)| {
                let headers: Vec<_> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
                encode(&headers, payload).unwrap()
            })
            .collect();
        let whole = decode([&*stream]);
        prop_assert_eq!(whole.1, None);
        prop_assert_eq!(whole.0.iter().flat_map(|seen| seen.2.clone()).collect::<Vec<_>>(), stream.clone());
        prop_assert_eq!(whole.0.iter().map(|seen| &seen.1).collect::<Vec<_>>(), messages.iter().map(|m| &m.1).collect::<Vec<_>>());

        stream.truncate(end.index(stream.len() + 1));
        if let (Some((at, by)), false) = (damage, stream.is_empty()) {
            let at = at.index(stream.len());
            stream[at] ^= by;
        }
        let whole = decode([&*stream]);
        prop_assert_eq!(&decode(stream.chunks(1)), &whole);
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        at.sort_unstable();
        let ends = at.iter().copied().chain([stream.len()]);
        let starts = [0].into_iter().chain(at.iter().copied());
        let chunks: Vec<&[u8]> = starts.zip(ends).map(|(from, to)| &stream[from..to]).collect();
        prop_assert_eq!(&decode(chunks), &whole);
    }
}
