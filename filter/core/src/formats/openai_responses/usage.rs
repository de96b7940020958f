//! Usage, as this format counts it.

use serde::{Deserialize, Serialize};

use crate::canonical::Usage;

/// The `usage` of a response (<https://platform.openai.com/docs/api-reference/responses/object>).
///
/// | member | bucket |
/// |---|---|
/// | `input_tokens` | all input: `input` is what the members below leave of it |
/// | `input_tokens_details.cached_tokens` | `cache_read` |
/// | `input_tokens_details.cache_write_tokens` | `cache_write_5m`; how long it lives is not stated |
/// | `output_tokens` | `output`, reasoning included |
/// | `output_tokens_details.reasoning_tokens` | `reasoning`, a part of `output` |
///
/// A stream states its figures once, in its last event: `response.completed`, `.incomplete` or `.failed`. `None` when there
/// is neither an input nor an output count: zero is a figure, absence is none.
pub(super) fn decode_usage(usage: &[u8]) -> Option<Usage> {
    let wire: Decoded = serde_json::from_slice(usage).ok()?;
    if wire.input_tokens.is_none() && wire.output_tokens.is_none() {
        return None;
    }
    let input = wire.input_tokens_details.unwrap_or_default();
    let output = wire.output_tokens.unwrap_or_default();
    // A part is never more than what is left of its whole, whatever some providers state.
    let all_input = wire.input_tokens.unwrap_or_default();
    let cache_read = input.cached_tokens.unwrap_or_default().min(all_input);
    let uncached = all_input.saturating_sub(cache_read);
    let cache_write = input.cache_write_tokens.unwrap_or_default().min(uncached);
    let reasoning = wire.output_tokens_details.and_then(|details| details.reasoning_tokens).unwrap_or_default();
    Some(Usage {
        input: uncached.saturating_sub(cache_write),
        cache_read,
        cache_write_5m: cache_write,
        output,
        reasoning: reasoning.min(output),
        ..Usage::default()
    })
}

/// The member as OpenAI writes it. Audio has no place of its own and counts into the totals.
pub(super) fn encode_usage(usage: &Usage) -> EncodedUsage {
    let (input, output) = (usage.total_input(), usage.total_output());
    EncodedUsage {
        input_tokens: input,
        input_tokens_details: EncodedInput {
            cached_tokens: usage.cache_read,
            cache_write_tokens: usage.cache_write_5m.saturating_add(usage.cache_write_1h),
        },
        output_tokens: output,
        output_tokens_details: EncodedOutput { reasoning_tokens: usage.reasoning },
        total_tokens: input.saturating_add(output),
    }
}

#[derive(Deserialize)]
struct Decoded {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    input_tokens_details: Option<DecodedInput>,
    output_tokens_details: Option<DecodedOutput>,
}

#[derive(Default, Deserialize)]
struct DecodedInput {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct DecodedOutput {
    reasoning_tokens: Option<u64>,
}

/// See [`encode_usage`].
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct EncodedUsage {
    input_tokens: u64,
    input_tokens_details: EncodedInput,
    output_tokens: u64,
    output_tokens_details: EncodedOutput,
    total_tokens: u64,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct EncodedInput {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct EncodedOutput {
    reasoning_tokens: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_was_cached_out_of_the_input() {
        let usage = decode_usage(
            br#"{"input_tokens":100,"input_tokens_details":{"cached_tokens":60,"cache_write_tokens":30},
            "output_tokens":50,"output_tokens_details":{"reasoning_tokens":40},"total_tokens":150}"#,
        );
        let expected =
            Usage { input: 10, cache_read: 60, cache_write_5m: 30, output: 50, reasoning: 40, ..Usage::default() };
        assert_eq!(usage, Some(expected));
    }

    #[test]
    fn what_it_encodes_it_decodes_again() {
        let usage =
            Usage { input: 10, cache_read: 60, cache_write_5m: 30, output: 50, reasoning: 40, ..Usage::default() };
        let encoded = serde_json::to_vec(&encode_usage(&usage)).unwrap();
        assert_eq!(decode_usage(&encoded), Some(usage));
    }

    #[test]
    fn tells_zero_from_missing() {
        assert_eq!(decode_usage(br#"{"input_tokens":0,"output_tokens":0}"#), Some(Usage::default()));
        assert_eq!(decode_usage(b"{}"), None);
        assert_eq!(decode_usage(b"null"), None);
        assert!(decode_usage(br#"{"input_tokens":1,"input_tokens_details":null,"output_tokens":1}"#).is_some());
    }

    #[test]
    fn holds_parts_within_their_whole() {
        let usage = decode_usage(
            br#"{"input_tokens":5,"input_tokens_details":{"cached_tokens":9},"output_tokens":1,
            "output_tokens_details":{"reasoning_tokens":3}}"#,
        );
        assert_eq!(usage, Some(Usage { cache_read: 5, output: 1, reasoning: 1, ..Usage::default() }));
    }
}
