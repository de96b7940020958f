//! Client keys.

use std::fmt;

use sha2::{Digest, Sha256};

pub use super::secret::Secret;

/// A key that the configuration file states.
#[derive(Debug, Clone)]
pub struct BootstrapKey {
    /// Unique.
    pub name: String,
    /// The key itself.
    pub key: Secret,
    /// Team, if any.
    pub team: Option<String>,
    /// User, if any.
    pub user: Option<String>,
    /// Patterns over the names of models.
    pub models: Vec<String>,
}

/// SHA-256 of a key: all that is kept of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyDigest([u8; 32]);

/// A key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// `key_` and 16 hexadecimal digits of the digest.
    pub id: String,
    /// For people.
    pub name: String,
    /// All that is known of the key itself.
    pub digest: KeyDigest,
    /// Its first characters, so that people can tell keys apart.
    pub prefix: String,
    /// Empty for none.
    pub team: String,
    /// Empty for none.
    pub user: String,
    /// Patterns over the names of models.
    pub models: Vec<String>,
    /// Where it comes from.
    pub source: Source,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created_at: i64,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
}

/// Where a key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The configuration file, which alone can take it back.
    File,
    /// The HTTP API.
    Api,
}

impl KeyDigest {
    /// Of a key as clients send it.
    #[must_use]
    pub fn of(key: &Secret) -> Self {
        Self(Sha256::digest(key.expose().as_bytes()).into())
    }

    /// From its 32 bytes.
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

impl fmt::Display for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyDigest({}…)", hex::encode(&self.0[..4]))
    }
}

impl Key {
    /// The record of a key.
    #[must_use]
    pub fn of(stated: &BootstrapKey, source: Source, created_at: i64) -> Self {
        let digest = KeyDigest::of(&stated.key);
        Self {
            id: format!("key_{}", hex::encode(&digest.0[..8])),
            name: stated.name.clone(),
            digest,
            prefix: prefix(stated.key.expose()),
            team: stated.team.clone().unwrap_or_default(),
            user: stated.user.clone().unwrap_or_default(),
            models: stated.models.clone(),
            source,
            created_at,
            revoked_at: None,
        }
    }
}

impl Source {
    /// As it is stored and shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Api => "api",
        }
    }
}

/// A new key: `sk-tg-` and 256 random bits.
///
/// # Errors
/// When the operating system gives no random bits.
pub fn generate() -> Result<Secret, getrandom::Error> {
    let mut bits = [0; 32];
    getrandom::fill(&mut bits)?;
    Ok(Secret::new(format!("sk-tg-{}", hex::encode(bits))))
}

/// At most a quarter of a key, and at most ten characters, is shown.
fn prefix(key: &str) -> String {
    let shown = (key.chars().count() / 4).min(10);
    key.chars().take(shown).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_and_show_little_of_themselves() {
        let (one, other) = (generate().unwrap(), generate().unwrap());
        assert_ne!(one.expose(), other.expose());
        assert_eq!(one.expose().len(), "sk-tg-".len() + 64);
        assert_eq!(prefix(one.expose()).chars().count(), 11);
        assert_eq!(prefix("abc"), "…");
    }

    #[test]
    fn a_digest_survives_its_text() {
        let digest = KeyDigest::of(&Secret::new("sk-1"));
        assert_eq!(KeyDigest::from_hex(&digest.to_string()), Some(digest));
        assert_eq!(KeyDigest::from_hex("abc"), None);
    }
}
