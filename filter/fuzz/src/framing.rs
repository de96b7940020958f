//! What cuts streams into events.

use serde_json::value::RawValue;
use tollgate_core::framing::{ArrayDecoder, eventstream, sse};

use crate::split::{choices, split};

/// Server-sent events: any split gives the same blocks, and the blocks are the stream.
pub(crate) fn sse(data: &[u8]) {
    let Some(([how], stream)) = choices(data) else { return };
    let decode = |pieces: Vec<&[u8]>| {
        let mut decoder = sse::Decoder::default();
        let mut seen = Vec::new();
        let mut raw = Vec::new();
        let mut take = |decoder: &mut sse::Decoder| {
            while let Some(block) = decoder.next() {
                let block = block.expect("an input of this size is within the bound");
                raw.extend_from_slice(block.raw);
                seen.push((block.name.to_vec(), block.data.map(|data| data.into_owned())));
            }
        };
        for piece in pieces {
            decoder.push(piece);
            take(&mut decoder);
        }
        decoder.finish();
        take(&mut decoder);
        assert_eq!(raw, stream, "the blocks are not the stream");
        seen
    };
    assert_eq!(decode(split(stream, how)), decode(vec![stream]), "the split mattered");
}

/// AWS's binary framing, of bytes as they are or with their sums made right.
pub(crate) fn eventstream(data: &[u8]) {
    let Some(([how, kind], bytes)) = choices(data) else { return };
    let stream = if kind % 2 == 0 { with_sums(bytes) } else { bytes.to_vec() };
    let decode = |pieces: Vec<&[u8]>| {
        let mut decoder = eventstream::Decoder::default();
        let mut seen = Vec::new();
        let mut raw = Vec::new();
        let mut take = |decoder: &mut eventstream::Decoder| {
            while let Some(message) = decoder.next() {
                let message = match message {
                    Ok(message) => message,
                    Err(error) => return Some(error),
                };
                raw.extend_from_slice(message.raw);
                seen.push((format!("{:?}", message.headers), message.payload.to_vec()));
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
        assert!(stream.starts_with(&raw), "the messages are not the stream");
        assert!(error.is_some() || raw.len() == stream.len(), "bytes were left over without an error");
        (seen, error)
    };
    assert_eq!(decode(split(&stream, how)), decode(vec![&stream]), "the split mattered");
}

/// A JSON array that arrives in pieces: any split gives the same elements, and they are those that a parser finds.
pub(crate) fn array(data: &[u8]) {
    let Some(([how], text)) = choices(data) else { return };
    let decode = |pieces: Vec<&[u8]>| {
        let mut decoder = ArrayDecoder::default();
        let mut seen = Vec::new();
        let mut take = |decoder: &mut ArrayDecoder| {
            while let Some(element) = decoder.next() {
                match element {
                    Ok(element) => seen.push(element.to_vec()),
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
    };
    let whole = decode(vec![text]);
    assert_eq!(decode(split(text, how)), whole, "the split mattered");
    if let Ok(parsed) = serde_json::from_slice::<Vec<&RawValue>>(text) {
        let parsed: Vec<_> = parsed.into_iter().map(|raw| raw.get().as_bytes().to_vec()).collect();
        assert_eq!(whole, (parsed, None), "a parser finds other elements");
    }
}

/// `bytes` as frames whose lengths fit and whose sums hold, so that what is behind the sums is reached.
fn with_sums(bytes: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    let mut rest = bytes;
    while let Some(([headers, payload], after)) = choices(rest) {
        let (headers, after) = after.split_at(usize::from(headers).min(after.len()));
        let (payload, after) = after.split_at(usize::from(payload).min(after.len()));
        stream.extend(frame(headers, payload));
        rest = after;
    }
    stream.extend_from_slice(rest);
    stream
}

/// One frame of header bytes that need not make sense.
fn frame(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = |length: usize| u32::try_from(length).unwrap_or_default().to_be_bytes();
    let mut frame = [length(headers.len() + payload.len() + 16), length(headers.len())].concat();
    frame.extend(crc32(&frame).to_be_bytes());
    frame.extend_from_slice(headers);
    frame.extend_from_slice(payload);
    frame.extend(crc32(&frame).to_be_bytes());
    frame
}

/// CRC-32 of IEEE 802.3, bit by bit: an oracle apart from the one that the decoder uses.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg());
    !bytes.iter().fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), step))
}
