//! Usage of embeddings, which is all input.

use serde::Deserialize;

use crate::canonical::Usage;

/// The `usage` of an embeddings response.
///
/// | member | bucket |
/// |---|---|
/// | `prompt_tokens` | `input` |
/// | `total_tokens` | `input`, where `prompt_tokens` is missing |
///
/// `None` when it has neither figure.
pub(super) fn decode_usage(usage: &[u8]) -> Option<Usage> {
    #[derive(Deserialize)]
    struct Wire {
        prompt_tokens: Option<u64>,
        total_tokens: Option<u64>,
    }

    let wire: Wire = serde_json::from_slice(usage).ok()?;
    Some(Usage { input: wire.prompt_tokens.or(wire.total_tokens)?, ..Usage::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_all_as_input() {
        let usage = decode_usage(br#"{"prompt_tokens":8,"total_tokens":8}"#).unwrap();
        assert_eq!(usage, Usage { input: 8, ..Usage::default() });
        assert_eq!(decode_usage(br#"{"total_tokens":0}"#), Some(Usage::default()));
        assert_eq!(decode_usage(b"{}"), None);
        assert_eq!(decode_usage(b"null"), None);
    }
}
