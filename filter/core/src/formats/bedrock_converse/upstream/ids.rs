//! Ids of calls and names of tools as AWS takes them.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

/// An id of a call, or the name of a tool that was called: letters, digits, `_` and `-`, at most 64. Other characters become
/// `_` (Kimi: `functions.search:0`), and of a longer one a digest stands for the end. The same text always becomes the same, so
/// a call and its result still meet.
pub(super) fn encode_id(id: &str) -> Cow<'_, str> {
    /// What is left beside an underscore and sixteen digits.
    const KEPT: usize = MAX_ID - 17;
    if is_identifier(id) {
        return Cow::Borrowed(id);
    }
    let mut text: String = id
        .chars()
        .take(MAX_ID.saturating_add(1))
        .map(|letter| if u8::try_from(letter).is_ok_and(is_allowed_byte) { letter } else { '_' })
        .collect();
    if text.len() > MAX_ID || text.is_empty() {
        text.truncate(KEPT);
        let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(Sha256::digest(id));
        let digest = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        text.push_str(&format!("_{digest:016x}"));
    }
    Cow::Owned(text)
}

/// The most letters of a tool's name or a call's id.
const MAX_ID: usize = 64;

/// What AWS takes as the name of a tool, and Claude as the id of a call.
pub(super) fn is_identifier(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(is_allowed_byte)
}

fn is_allowed_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_cleaned_and_shortened_alike_each_time() {
        assert_eq!(encode_id("call_9-A"), "call_9-A");
        assert_eq!(encode_id("functions.search:0"), "functions_search_0");
        let long = |end: &str| format!("{}{end}", "x".repeat(70));
        let (one, other) = (encode_id(&long("1")).into_owned(), encode_id(&long("2")).into_owned());
        assert_eq!((one.len(), other.len()), (64, 64));
        assert_ne!(one, other);
        assert_eq!(encode_id(&long("1")), one);
        assert!(is_identifier(&encode_id("")));
        assert!(is_identifier(&encode_id(&"é€".repeat(40))));
    }
}
