//! Client keys.

use tollgate_core::words::{KeyDigest, Secret};

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

impl BootstrapKey {
    /// What is kept of the key itself.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        KeyDigest::of(self.key.expose().as_bytes())
    }
}

impl Key {
    /// The record of a key.
    #[must_use]
    pub fn of(stated: &BootstrapKey, source: Source, created_at: i64) -> Self {
        let digest = stated.digest();
        Self {
            id: format!("key_{}", hex::encode(&digest.as_bytes()[..8])),
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
}
