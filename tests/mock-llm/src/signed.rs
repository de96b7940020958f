//! Thinking that is signed or sealed, as the vendors do so that it comes back untouched.
//!
//! A signature is a digest of the words that it signs, so that the mock can tell later, in any process, whether they came back as they were
//! sent. A seal carries the words too, for vendors whose thinking is not to be read. Neither is a secret: this is a mock.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

const DIGEST: usize = 32;

/// The vendor's signature of `words`.
pub(crate) fn signature(vendor: &str, words: &str) -> String {
    STANDARD.encode(digest(vendor, words))
}

/// Whether `signature` is the vendor's of `words`.
pub(crate) fn is_signature(vendor: &str, words: &str, signature: &str) -> bool {
    self::signature(vendor, words) == signature
}

/// `words` in a form that only this vendor opens.
pub(crate) fn sealed(vendor: &str, words: &str) -> String {
    let mut bytes = digest(vendor, words);
    bytes.extend(words.bytes().map(|byte| !byte));
    STANDARD.encode(bytes)
}

/// The words that the vendor sealed; none when a single byte has changed.
pub(crate) fn opened(vendor: &str, seal: &str) -> Option<String> {
    let bytes = STANDARD.decode(seal).ok()?;
    let words = bytes.get(DIGEST..)?.iter().map(|byte| !byte).collect();
    let words = String::from_utf8(words).ok()?;
    (sealed(vendor, &words) == seal).then_some(words)
}

fn digest(vendor: &str, words: &str) -> Vec<u8> {
    Sha256::new().chain_update(vendor).chain_update([0]).chain_update(words).finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_byte_or_another_vendor_is_noticed() {
        let signature = signature("a", "words");
        assert!(is_signature("a", "words", &signature));
        assert!(!is_signature("a", "word", &signature) && !is_signature("b", "words", &signature));

        let seal = sealed("a", "häng");
        assert_eq!(opened("a", &seal).as_deref(), Some("häng"));
        assert_eq!(opened("b", &seal), None);
        assert_eq!(opened("a", &seal.replace(seal.get(..1).expect("a byte"), "_")), None);
        assert_eq!(opened("a", ""), None);
    }
}
