//! Usage of chats and completions.

use serde::{Deserialize, Serialize};

use crate::canonical::Usage;

/// The `usage` of a chat completion, or of a legacy one, as OpenAI and the providers that follow it write it.
///
/// | member | bucket |
/// |---|---|
/// | `prompt_tokens` | all input: `input` is what the members below leave of it |
/// | `prompt_tokens_details.cached_tokens`, `prompt_cache_hit_tokens` (DeepSeek), `cached_tokens` (Moonshot, Together) | `cache_read` |
/// | `prompt_tokens_details.cache_write_tokens`, `cache_creation_input_tokens` | `cache_write_5m` |
/// | `prompt_tokens_details.audio_tokens` | `audio_in` |
/// | `completion_tokens` | all output: `output` is this less `completion_tokens_details.audio_tokens` |
/// | `completion_tokens_details.reasoning_tokens` | `reasoning`, a part of `output` |
/// | `completion_tokens_details.audio_tokens` | `audio_out` |
///
/// Some count a part outside of its whole. `total_tokens` tells: where the total is exactly the two counts and the part,
/// the part stood outside. That holds for xAI's reasoning (<https://docs.x.ai/docs/guides/reasoning>) and for Mistral's
/// audio input (<https://docs.mistral.ai/capabilities/audio/>).
///
/// Reasoning beyond `completion_tokens` stood outside as well, whatever the total says: Vercel's gateway reports Gemini so,
/// and bills both.
///
/// `None` when there is neither a prompt nor a completion count: zero is a figure, absence is none.
pub(crate) fn decode_usage(usage: &[u8]) -> Option<Usage> {
    let wire: Decoded = serde_json::from_slice(usage).ok()?;
    if wire.prompt_tokens.is_none() && wire.completion_tokens.is_none() {
        return None;
    }
    let prompt = wire.prompt_tokens.unwrap_or_default();
    let completion = wire.completion_tokens.unwrap_or_default();
    let input = wire.prompt_tokens_details.unwrap_or_default();
    let output = wire.completion_tokens_details.unwrap_or_default();
    let stands_outside = |part: u64| {
        let whole = prompt.saturating_add(completion);
        part > 0 && wire.total_tokens == Some(whole.saturating_add(part))
    };
    let reasoning = output.reasoning_tokens.or(wire.reasoning_tokens).unwrap_or_default();
    let audio_in = input.audio_tokens.unwrap_or_default();
    let audio_out = output.audio_tokens.unwrap_or_default();
    let all_input = if stands_outside(audio_in) { prompt.saturating_add(audio_in) } else { prompt };
    let all_output = if stands_outside(reasoning) || reasoning > completion {
        completion.saturating_add(reasoning)
    } else {
        completion
    };
    let cache_read = input.cached_tokens.or(wire.prompt_cache_hit_tokens).or(wire.cached_tokens).unwrap_or_default();
    let cache_write = input.cache_write_tokens.or(wire.cache_creation_input_tokens).unwrap_or_default();
    // A part is never more than what is left of its whole, whatever some providers state.
    let audio_in = audio_in.min(all_input);
    let cache_read = cache_read.min(all_input.saturating_sub(audio_in));
    let uncached = all_input.saturating_sub(audio_in).saturating_sub(cache_read);
    let cache_write = cache_write.min(uncached);
    let audio_out = audio_out.min(all_output);
    Some(Usage {
        input: uncached.saturating_sub(cache_write),
        cache_read,
        cache_write_5m: cache_write,
        cache_write_1h: 0,
        output: all_output.saturating_sub(audio_out),
        reasoning: reasoning.min(all_output.saturating_sub(audio_out)),
        audio_in,
        audio_out,
    })
}

/// The member as OpenAI writes it. `cache_write_tokens` is OpenRouter's addition, there only when it says something.
pub(crate) fn encode_usage(usage: &Usage) -> EncodedUsage {
    let (prompt, completion) = (usage.total_input(), usage.total_output());
    EncodedUsage {
        prompt_tokens: prompt,
        completion_tokens: completion,
        total_tokens: prompt.saturating_add(completion),
        prompt_tokens_details: EncodedInput {
            cached_tokens: usage.cache_read,
            audio_tokens: usage.audio_in,
            cache_write_tokens: usage.cache_write_5m.saturating_add(usage.cache_write_1h),
        },
        completion_tokens_details: EncodedOutput { reasoning_tokens: usage.reasoning, audio_tokens: usage.audio_out },
    }
}

#[derive(Deserialize)]
struct Decoded {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
    prompt_tokens_details: Option<DecodedInput>,
    completion_tokens_details: Option<DecodedOutput>,
    prompt_cache_hit_tokens: Option<u64>,
    cached_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
}

#[derive(Default, Deserialize)]
struct DecodedInput {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
    audio_tokens: Option<u64>,
}

#[derive(Default, Deserialize)]
struct DecodedOutput {
    reasoning_tokens: Option<u64>,
    audio_tokens: Option<u64>,
}

/// See [`encode_usage`].
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct EncodedUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: EncodedInput,
    completion_tokens_details: EncodedOutput,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct EncodedInput {
    cached_tokens: u64,
    audio_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cache_write_tokens: u64,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct EncodedOutput {
    reasoning_tokens: u64,
    audio_tokens: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &str) -> Usage {
        decode_usage(text.as_bytes()).unwrap()
    }

    #[test]
    fn takes_cached_tokens_out_of_the_input() {
        let usage =
            decode(r#"{"prompt_tokens":100,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":60}}"#);
        assert_eq!(usage, Usage { input: 40, cache_read: 60, output: 5, ..Usage::default() });
        let usage = decode(
            r#"{"prompt_tokens":100,"completion_tokens":5,"prompt_cache_hit_tokens":60,"prompt_cache_miss_tokens":40}"#,
        );
        assert_eq!((usage.input, usage.cache_read), (40, 60));
    }

    #[test]
    fn adds_reasoning_that_stands_outside() {
        let xai = r#"{"prompt_tokens":506,"completion_tokens":12,"total_tokens":556,"completion_tokens_details":{"reasoning_tokens":38}}"#;
        assert_eq!((decode(xai).output, decode(xai).reasoning), (50, 38));
        let vercel = r#"{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11,"completion_tokens_details":{"reasoning_tokens":25}}"#;
        assert_eq!((decode(vercel).output, decode(vercel).reasoning), (27, 25));
        let openai = r#"{"prompt_tokens":506,"completion_tokens":50,"total_tokens":556,"completion_tokens_details":{"reasoning_tokens":38}}"#;
        assert_eq!((decode(openai).output, decode(openai).reasoning), (50, 38));
    }

    #[test]
    fn keeps_audio_apart() {
        let usage = decode(
            r#"{"prompt_tokens":22,"completion_tokens":18,"total_tokens":40,"prompt_tokens_details":{"audio_tokens":2},
            "completion_tokens_details":{"audio_tokens":12}}"#,
        );
        assert_eq!((usage.input, usage.audio_in, usage.output, usage.audio_out), (20, 2, 6, 12));
        let outside = r#"{"prompt_tokens":11,"completion_tokens":15,"total_tokens":401,"prompt_tokens_details":{"audio_tokens":375}}"#;
        assert_eq!((decode(outside).input, decode(outside).audio_in), (11, 375));
    }

    #[test]
    fn holds_parts_within_their_whole() {
        let usage =
            decode(r#"{"prompt_tokens":371,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":493}}"#);
        assert_eq!((usage.input, usage.cache_read, usage.total_input()), (0, 371, 371));
    }

    #[test]
    fn tells_zero_from_missing() {
        assert_eq!(decode(r#"{"prompt_tokens":0,"completion_tokens":0}"#), Usage::default());
        assert_eq!(decode_usage(b"{}"), None);
        assert_eq!(decode_usage(b"null"), None);
        assert!(decode_usage(br#"{"prompt_tokens":1,"prompt_tokens_details":null}"#).is_some());
    }
}
