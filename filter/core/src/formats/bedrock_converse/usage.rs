//! Usage, as this format counts it.

use serde::Deserialize;

use crate::{canonical::Usage, json::Text};

/// The `usage` of a whole answer and of a stream's `metadata`
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html>).
///
/// | member | bucket |
/// |---|---|
/// | `inputTokens` | `input`: it excludes what was read from or written to a cache |
/// | `cacheReadInputTokens` | `cache_read` |
/// | `cacheWriteInputTokens` | all cache writes: what the details below leave is `cache_write_5m` |
/// | `cacheDetails` with a `ttl` of `1h` | `cache_write_1h` |
/// | `outputTokens` | `output`, reasoning included, which is stated nowhere |
/// | `totalTokens` | none: it is the sum |
///
/// A stream states its figures once, in its last event. Models without a cache leave its members out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures<'e> {
    input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_write_input_tokens: Option<u64>,
    #[serde(borrow)]
    cache_details: Option<Vec<Detail<'e>>>,
    output_tokens: Option<u64>,
}

/// What was written to the cache with one lifetime.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail<'e> {
    #[serde(borrow)]
    ttl: Option<Text<'e>>,
    input_tokens: Option<u64>,
}

/// The figures of a whole answer.
pub(super) fn decode_usage(usage: &[u8]) -> Option<Usage> {
    serde_json::from_slice::<Figures<'_>>(usage).ok()?.usage()
}

impl Figures<'_> {
    /// The figures in our buckets; `None` when none was stated.
    pub(super) fn usage(&self) -> Option<Usage> {
        if self.input_tokens.is_none() && self.output_tokens.is_none() {
            return None;
        }
        let details = self.cache_details.as_deref().unwrap_or_default();
        let sum = |hour_only: bool| {
            let counted = details.iter().filter(|detail| !hour_only || detail.is_hour());
            counted.filter_map(|detail| detail.input_tokens).fold(0, u64::saturating_add)
        };
        let written = self.cache_write_input_tokens.unwrap_or_else(|| sum(false));
        let hour = sum(true).min(written);
        Some(Usage {
            input: self.input_tokens.unwrap_or_default(),
            cache_read: self.cache_read_input_tokens.unwrap_or_default(),
            cache_write_5m: written.saturating_sub(hour),
            cache_write_1h: hour,
            output: self.output_tokens.unwrap_or_default(),
            ..Usage::default()
        })
    }
}

impl Detail<'_> {
    fn is_hour(&self) -> bool {
        self.ttl.as_ref().is_some_and(|ttl| ttl.0 == "1h")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_input_is_not_a_part_of_the_input() {
        let usage = decode_usage(
            br#"{"inputTokens":433,"cacheReadInputTokens":2752,"cacheReadInputTokenCount":2752,
            "cacheWriteInputTokens":0,"outputTokens":16,"serverToolUsage":{},"totalTokens":3201}"#,
        );
        let expected = Usage { input: 433, cache_read: 2752, output: 16, ..Usage::default() };
        assert_eq!(usage, Some(expected));
    }

    #[test]
    fn cache_writes_are_told_apart_by_lifetime() {
        let written = |usage: &[u8]| {
            let usage = decode_usage(usage).unwrap();
            (usage.cache_write_5m, usage.cache_write_1h)
        };
        let details = br#"{"inputTokens":3,"outputTokens":1,"cacheWriteInputTokens":7,
            "cacheDetails":[{"ttl":"1h","inputTokens":2},{"ttl":"5m","inputTokens":5}]}"#;
        assert_eq!(written(details), (5, 2));
        assert_eq!(written(br#"{"inputTokens":3,"cacheWriteInputTokens":7}"#), (7, 0));
        assert_eq!(written(br#"{"inputTokens":3,"cacheDetails":[{"ttl":"1h","inputTokens":2}]}"#), (0, 2));
        assert_eq!(written(br#"{"inputTokens":3,"cacheWriteInputTokens":1,"cacheDetails":null}"#), (1, 0));
    }

    #[test]
    fn zero_is_not_missing() {
        assert_eq!(decode_usage(b"{}"), None);
        assert_eq!(decode_usage(br#"{"inputTokens":0,"outputTokens":0,"totalTokens":0}"#), Some(Usage::default()));
    }
}
