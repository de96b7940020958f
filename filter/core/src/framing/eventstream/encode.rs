//! Headers and payload in, bytes out.

use super::OVERHEAD;

/// One message with these headers, all of them strings. `None` when a name has more than 255 bytes, a value more than
/// 65,535, or the message more than its length can say.
///
/// The gateway only reads event streams; what makes one up, a test or a tool, needs the other direction.
#[must_use]
pub fn encode(headers: &[(&str, &str)], payload: &[u8]) -> Option<Vec<u8>> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(u8::try_from(name.len()).ok()?);
        block.extend_from_slice(name.as_bytes());
        block.push(7);
        block.extend(u16::try_from(value.len()).ok()?.to_be_bytes());
        block.extend_from_slice(value.as_bytes());
    }
    let total = OVERHEAD.saturating_add(block.len()).saturating_add(payload.len());
    let mut message = Vec::with_capacity(total);
    message.extend(u32::try_from(total).ok()?.to_be_bytes());
    message.extend(u32::try_from(block.len()).ok()?.to_be_bytes());
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message.extend(block);
    message.extend_from_slice(payload);
    message.extend(crc32fast::hash(&message).to_be_bytes());
    Some(message)
}
