//! AWS's event stream: messages of binary frames (<https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html>).

use bytes::Bytes;

/// A header's value is a string.
const STRING: u8 = 7;

/// One message: lengths, their checksum, headers, payload, and the checksum of it all.
pub(super) fn message(headers: &[(&str, &str)], payload: &[u8]) -> Bytes {
    let mut head = Vec::new();
    for (name, value) in headers {
        head.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        head.extend(name.bytes());
        head.push(STRING);
        head.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        head.extend(value.bytes());
    }
    let length = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes();
    let mut message = Vec::new();
    message.extend(length(12 + head.len() + payload.len() + 4));
    message.extend(length(head.len()));
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message.extend(head);
    message.extend(payload);
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message without headers and payload that AWS's developers publish with their implementations.
    #[test]
    fn is_what_aws_publishes() {
        let empty = message(&[], b"");
        assert_eq!(hex::encode(&empty), "000000100000000005c248eb7d98c8ff");
    }

    #[test]
    fn holds_what_it_was_given() {
        let message = message(&[(":event-type", "x")], b"{}");
        assert_eq!(message.len(), 12 + (1 + 11 + 1 + 2 + 1) + 2 + 4);
        assert_eq!(message[12..28], *b"\x0b:event-type\x07\x00\x01x");
        assert_eq!(message[28..30], *b"{}");
    }
}
