//! Usage, as this format counts it.

use serde::{Deserialize, Serialize};

use crate::canonical::Usage;

/// The `usage` of a message, of `message_start` and of `message_delta`.
///
/// | member | bucket |
/// |---|---|
/// | `input_tokens` | `input`: it excludes what was read from or written to a cache |
/// | `cache_read_input_tokens` | `cache_read` |
/// | `cache_creation_input_tokens` | all cache writes: what the split below leaves is `cache_write_5m` |
/// | `cache_creation.ephemeral_1h_input_tokens` | `cache_write_1h` |
/// | `output_tokens` | `output`, thinking included |
/// | `output_tokens_details.thinking_tokens` | `reasoning`, a part of `output` |
///
/// Figures of a stream are cumulative: a later one replaces an earlier one and is never added to it
/// (<https://platform.claude.com/docs/en/build-with-claude/streaming>); one that is absent or null changes nothing.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Figures {
    input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_creation: Option<Split>,
    output_tokens: Option<u64>,
    output_tokens_details: Option<Details>,
}

#[derive(Clone, Debug, Deserialize)]
struct Split {
    ephemeral_5m_input_tokens: Option<u64>,
    ephemeral_1h_input_tokens: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
struct Details {
    thinking_tokens: Option<u64>,
}

/// The figures of a whole message.
pub(super) fn decode_usage(usage: &[u8]) -> Option<Usage> {
    serde_json::from_slice::<Figures>(usage).ok()?.usage()
}

impl Figures {
    /// Replaces what `later` states.
    pub(super) fn update(&mut self, later: Self) {
        let Self {
            input_tokens,
            cache_read_input_tokens,
            cache_creation_input_tokens,
            cache_creation,
            output_tokens,
            output_tokens_details,
        } = later;
        self.input_tokens = input_tokens.or(self.input_tokens);
        self.cache_read_input_tokens = cache_read_input_tokens.or(self.cache_read_input_tokens);
        self.cache_creation_input_tokens = cache_creation_input_tokens.or(self.cache_creation_input_tokens);
        self.cache_creation = cache_creation.or(self.cache_creation.take());
        self.output_tokens = output_tokens.or(self.output_tokens);
        self.output_tokens_details = output_tokens_details.or(self.output_tokens_details.take());
    }

    /// The figures in our buckets; `None` when none was stated.
    pub(super) fn usage(&self) -> Option<Usage> {
        if self.input_tokens.is_none() && self.output_tokens.is_none() {
            return None;
        }
        let split = self.cache_creation.as_ref();
        let hour = split.and_then(|split| split.ephemeral_1h_input_tokens).unwrap_or_default();
        let five_minutes = split.and_then(|split| split.ephemeral_5m_input_tokens).unwrap_or_default();
        let written = self.cache_creation_input_tokens.unwrap_or(hour.saturating_add(five_minutes));
        Some(Usage {
            input: self.input_tokens.unwrap_or_default(),
            cache_read: self.cache_read_input_tokens.unwrap_or_default(),
            cache_write_5m: written.saturating_sub(hour),
            cache_write_1h: hour.min(written),
            output: self.output_tokens.unwrap_or_default(),
            reasoning: self.output_tokens_details.as_ref().and_then(|d| d.thinking_tokens).unwrap_or_default(),
            ..Usage::default()
        })
    }
}

/// The member as Anthropic writes it. Audio, which it does not know, counts as input and output.
pub(super) fn encode_usage(usage: &Usage) -> EncodedUsage {
    EncodedUsage {
        cache_creation: Some(EncodedSplit {
            ephemeral_5m_input_tokens: usage.cache_write_5m,
            ephemeral_1h_input_tokens: usage.cache_write_1h,
        }),
        ..encode_final_usage(usage)
    }
}

/// The member at the end of a stream, where the lifetimes of caches are not told apart
/// (`MessageDeltaUsage` in <https://platform.claude.com/docs/en/api/messages/create>).
pub(super) fn encode_final_usage(usage: &Usage) -> EncodedUsage {
    EncodedUsage {
        input_tokens: usage.input.saturating_add(usage.audio_in),
        cache_creation_input_tokens: usage.cache_write_5m.saturating_add(usage.cache_write_1h),
        cache_read_input_tokens: usage.cache_read,
        cache_creation: None,
        output_tokens: usage.total_output(),
        output_tokens_details: (usage.reasoning > 0).then_some(EncodedDetails { thinking_tokens: usage.reasoning }),
    }
}

/// See [`encode_usage`].
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct EncodedUsage {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_creation: Option<EncodedSplit>,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<EncodedDetails>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct EncodedSplit {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct EncodedDetails {
    thinking_tokens: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(text: &str) -> Figures {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn splits_cache_writes_by_lifetime() {
        let usage = figures(
            r#"{"input_tokens":3,"cache_read_input_tokens":10,"cache_creation_input_tokens":7,
            "cache_creation":{"ephemeral_5m_input_tokens":5,"ephemeral_1h_input_tokens":2},"output_tokens":4}"#,
        );
        let expected =
            Usage { input: 3, cache_read: 10, cache_write_5m: 5, cache_write_1h: 2, output: 4, ..Usage::default() };
        assert_eq!(usage.usage(), Some(expected));
    }

    #[test]
    fn later_figures_replace_and_absent_ones_do_not() {
        let mut figures_so_far = figures(r#"{"input_tokens":9,"cache_read_input_tokens":2,"output_tokens":1}"#);
        figures_so_far.update(figures(r#"{"input_tokens":null,"output_tokens":15}"#));
        let usage = figures_so_far.usage().unwrap();
        assert_eq!((usage.input, usage.cache_read, usage.output), (9, 2, 15));
        figures_so_far.update(figures(r#"{"input_tokens":30,"output_tokens":15}"#));
        assert_eq!(figures_so_far.usage().unwrap().input, 30);
    }

    #[test]
    fn tells_zero_from_missing() {
        assert_eq!(figures("{}").usage(), None);
        assert_eq!(figures(r#"{"output_tokens":0}"#).usage(), Some(Usage::default()));
    }
}
