//! What is known of a client's key: never the key itself.

use std::fmt;

use sha2::{Digest, Sha256};

/// SHA-256 of a client's key: all that is ever kept or sent of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// Digests a key as the client sent it.
    #[must_use]
    pub fn of(key: &[u8]) -> Self {
        Self(Sha256::digest(key).into())
    }

    /// From its 32 bytes; nothing else is a digest.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// From what [`Display`](fmt::Display) writes.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        Self::from_bytes(&hex::decode(text).ok()?)
    }

    /// Its 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// 64 hexadecimal digits.
impl fmt::Display for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// The first four bytes: enough to tell two apart.
impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "KeyDigest({a:02x}{b:02x}{c:02x}{d:02x}…)")
    }
}

#[cfg(test)]
mod tests {
    use super::KeyDigest;

    #[test]
    fn a_digest_survives_its_text_and_its_bytes() {
        let digest = KeyDigest::of(b"sk-1");
        assert_eq!(KeyDigest::from_hex(&digest.to_string()), Some(digest));
        assert_eq!(KeyDigest::from_bytes(digest.as_bytes()), Some(digest));
        assert_eq!((KeyDigest::from_hex("abc"), KeyDigest::from_bytes(&[7; 31])), (None, None));
    }
}
