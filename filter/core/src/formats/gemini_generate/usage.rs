//! Usage, as this format counts it.

use serde::{Deserialize, Serialize};

use super::wire::word::Word;
use crate::canonical::Usage;

/// `usageMetadata` (<https://ai.google.dev/api/generate-content#UsageMetadata>), the Gemini API's and Vertex's alike.
///
/// | member | bucket |
/// |---|---|
/// | `promptTokenCount` | all input but the next: `input` is what the members below leave of it |
/// | `toolUsePromptTokenCount` | `input`: what Google's own tools fed back to the model, beside the prompt |
/// | `cachedContentTokenCount` | `cache_read`, a part of the prompt |
/// | `AUDIO` in `promptTokensDetails`, less `AUDIO` in `cacheTokensDetails` | `audio_in`, a part of the prompt |
/// | `candidatesTokenCount` | all output but the next |
/// | `thoughtsTokenCount` | `reasoning`, which stands outside of `candidatesTokenCount`: both are `output` |
/// | `AUDIO` in `candidatesTokensDetails` | `audio_out`, a part of the candidates |
///
/// A stream states its figures in each chunk. They are cumulative: a later one replaces an earlier one and is never added to
/// it; one that is absent changes nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures {
    prompt_token_count: Option<u64>,
    tool_use_prompt_token_count: Option<u64>,
    cached_content_token_count: Option<u64>,
    candidates_token_count: Option<u64>,
    thoughts_token_count: Option<u64>,
    prompt_tokens_details: Option<Vec<Share>>,
    cache_tokens_details: Option<Vec<Share>>,
    candidates_tokens_details: Option<Vec<Share>>,
}

/// A part of a count, by modality.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Share {
    modality: Option<Word>,
    token_count: Option<u64>,
}

/// The figures of a whole answer.
pub(super) fn decode_usage(usage: &[u8]) -> Option<Usage> {
    serde_json::from_slice::<Figures>(usage).ok()?.usage()
}

impl Figures {
    /// Replaces what `later` states.
    pub(super) fn update(&mut self, later: Self) {
        let Self {
            prompt_token_count,
            tool_use_prompt_token_count,
            cached_content_token_count,
            candidates_token_count,
            thoughts_token_count,
            prompt_tokens_details,
            cache_tokens_details,
            candidates_tokens_details,
        } = later;
        self.prompt_token_count = prompt_token_count.or(self.prompt_token_count);
        self.tool_use_prompt_token_count = tool_use_prompt_token_count.or(self.tool_use_prompt_token_count);
        self.cached_content_token_count = cached_content_token_count.or(self.cached_content_token_count);
        self.candidates_token_count = candidates_token_count.or(self.candidates_token_count);
        self.thoughts_token_count = thoughts_token_count.or(self.thoughts_token_count);
        self.prompt_tokens_details = prompt_tokens_details.or(self.prompt_tokens_details.take());
        self.cache_tokens_details = cache_tokens_details.or(self.cache_tokens_details.take());
        self.candidates_tokens_details = candidates_tokens_details.or(self.candidates_tokens_details.take());
    }

    /// The figures in our buckets; `None` when none was stated. Zero is left out on the wire, so one count is enough.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.prompt_token_count.or(self.candidates_token_count).or(self.thoughts_token_count)?;
        let prompt = self.prompt_token_count.unwrap_or_default();
        let cache_read = self.cached_content_token_count.unwrap_or_default().min(prompt);
        let cached_audio = audio(self.cache_tokens_details.as_deref());
        let uncached = prompt.saturating_sub(cache_read);
        let audio_in = audio(self.prompt_tokens_details.as_deref()).saturating_sub(cached_audio).min(uncached);
        let candidates = self.candidates_token_count.unwrap_or_default();
        let audio_out = audio(self.candidates_tokens_details.as_deref()).min(candidates);
        let reasoning = self.thoughts_token_count.unwrap_or_default();
        let tools = self.tool_use_prompt_token_count.unwrap_or_default();
        Some(Usage {
            input: uncached.saturating_sub(audio_in).saturating_add(tools),
            cache_read,
            output: candidates.saturating_sub(audio_out).saturating_add(reasoning),
            reasoning,
            audio_in,
            audio_out,
            ..Usage::default()
        })
    }
}

fn audio(shares: Option<&[Share]>) -> u64 {
    let audio = shares.unwrap_or_default().iter().filter(|share| share.modality.as_ref().is_some_and(is_audio));
    audio.filter_map(|share| share.token_count).fold(0, u64::saturating_add)
}

/// In words or, as `Modality` numbers them, 4.
fn is_audio(modality: &Word) -> bool {
    matches!(modality.0.as_str(), "AUDIO" | "4")
}

/// The member as Google writes it. What was written to a cache counts as prompt, as there is no member for it.
pub(super) fn encode_usage(usage: &Usage) -> UsageWire {
    let prompt = usage.total_input();
    let output = usage.total_output();
    let shares = |audio: u64, all: u64| match audio {
        0 => Vec::new(),
        audio => vec![
            ShareWire { modality: "TEXT", token_count: all.saturating_sub(audio) },
            ShareWire { modality: "AUDIO", token_count: audio },
        ],
    };
    let candidates = output.saturating_sub(usage.reasoning);
    UsageWire {
        prompt_token_count: prompt,
        cached_content_token_count: usage.cache_read,
        candidates_token_count: candidates,
        thoughts_token_count: usage.reasoning,
        total_token_count: prompt.saturating_add(output),
        prompt_tokens_details: shares(usage.audio_in, prompt),
        candidates_tokens_details: shares(usage.audio_out, candidates),
    }
}

/// See [`encode_usage`].
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UsageWire {
    prompt_token_count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cached_content_token_count: u64,
    candidates_token_count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    thoughts_token_count: u64,
    total_token_count: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    prompt_tokens_details: Vec<ShareWire>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    candidates_tokens_details: Vec<ShareWire>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ShareWire {
    modality: &'static str,
    token_count: u64,
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
    fn the_prompt_includes_what_was_cached_and_not_what_tools_fed_back() {
        let usage = decode(
            r#"{"promptTokenCount":1107,"cachedContentTokenCount":1081,"toolUsePromptTokenCount":1171,
            "candidatesTokenCount":21,"thoughtsTokenCount":41,"totalTokenCount":2340}"#,
        );
        assert_eq!((usage.input, usage.cache_read, usage.output, usage.reasoning), (26 + 1171, 1081, 62, 41));
        assert_eq!(usage.total_input() + usage.total_output(), 2340);
    }

    #[test]
    fn audio_has_its_own_buckets() {
        let usage = decode(
            r#"{"promptTokenCount":125,"promptTokensDetails":[{"modality":"TEXT","tokenCount":6},{"modality":"AUDIO","tokenCount":119}],
            "candidatesTokenCount":30,"candidatesTokensDetails":[{"modality":"AUDIO","tokenCount":30}]}"#,
        );
        assert_eq!((usage.input, usage.audio_in, usage.output, usage.audio_out), (6, 119, 0, 30));
        let again = serde_json::to_string(&encode_usage(&usage)).unwrap();
        assert_eq!(decode(&again), usage);
    }

    #[test]
    fn later_figures_replace_and_absent_ones_do_not() {
        let parse = |text: &str| serde_json::from_str::<Figures>(text).unwrap();
        let mut figures = parse(r#"{"promptTokenCount":9,"candidatesTokenCount":21,"thoughtsTokenCount":35}"#);
        figures.update(parse(r#"{"trafficType":"ON_DEMAND"}"#));
        figures.update(parse(r#"{"promptTokenCount":87,"thoughtsTokenCount":78}"#));
        assert_eq!(figures.usage().map(|usage| (usage.input, usage.output)), Some((87, 99)));
    }

    #[test]
    fn tells_zero_from_missing() {
        assert_eq!(decode_usage(br#"{"trafficType":"ON_DEMAND"}"#), None);
        assert_eq!(decode_usage(b"null"), None);
        assert_eq!(decode(r#"{"promptTokenCount":0}"#), Usage::default());
    }

    #[test]
    fn what_is_written_is_read_back() {
        let usage = Usage { input: 5, cache_read: 7, output: 11, reasoning: 3, ..Usage::default() };
        let text = serde_json::to_string(&encode_usage(&usage)).unwrap();
        assert_eq!(
            text,
            r#"{"promptTokenCount":12,"cachedContentTokenCount":7,"candidatesTokenCount":8,"thoughtsTokenCount":3,"totalTokenCount":23}"#
        );
        assert_eq!(decode(&text), usage);
    }
}
