//! What a whole answer and the chunks of a stream have in common: they are of one shape
//! (<https://platform.openai.com/docs/api-reference/completions/object>).

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    canonical::{Finish, FinishReason, Losses, TokenLogprob},
    dialect::Translation,
    vendors::openai::EncodedUsage,
};

#[derive(Serialize)]
pub(super) struct CompletionWire<'e> {
    pub(super) id: &'e str,
    pub(super) object: &'static str,
    pub(super) created: u64,
    pub(super) model: &'e str,
    pub(super) choices: &'e [ChoiceWire<'e>],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<Option<EncodedUsage>>,
}

#[derive(Serialize)]
pub(super) struct ChoiceWire<'e> {
    pub(super) text: &'e str,
    pub(super) index: u32,
    pub(super) logprobs: Option<LogprobsWire<'e>>,
    pub(super) finish_reason: Option<&'static str>,
}

/// Four lists that go side by side.
#[derive(Default, Serialize)]
pub(super) struct LogprobsWire<'e> {
    tokens: Vec<&'e str>,
    token_logprobs: Vec<f64>,
    top_logprobs: Vec<TopWire<'e>>,
    /// Where each token begins in the text, in characters.
    text_offset: Vec<u64>,
}

/// An object from tokens to numbers.
struct TopWire<'e>(&'e [(String, f64)]);

impl Serialize for TopWire<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (token, logprob) in self.0 {
            map.serialize_entry(token, logprob)?;
        }
        map.end()
    }
}

impl<'e> LogprobsWire<'e> {
    /// `offset` is where the first token begins, and then where the next would.
    pub(super) fn of(tokens: impl Iterator<Item = &'e TokenLogprob>, offset: &mut u64) -> Option<Self> {
        let mut all = Self::default();
        for TokenLogprob { token, logprob, top } in tokens {
            all.tokens.push(token);
            all.token_logprobs.push(*logprob);
            all.top_logprobs.push(TopWire(top));
            all.text_offset.push(*offset);
            *offset = offset.saturating_add(u64::try_from(token.chars().count()).unwrap_or(u64::MAX));
        }
        (!all.tokens.is_empty()).then_some(all)
    }
}

/// One of the three reasons that this API has.
pub(super) fn finish_reason(finish: &Finish<'_>, losses: &mut Losses) -> &'static str {
    if finish.stop_sequence.is_some() {
        losses.declare("stop_sequence", "the client's format does not tell which stop text was met");
    }
    let mut nearest = |word| {
        losses.approximate("finish_reason", "the client's format has no such reason");
        word
    };
    match finish.reason {
        FinishReason::Stop | FinishReason::StopSequence => "stop",
        FinishReason::ToolUse | FinishReason::Paused | FinishReason::Malformed => nearest("stop"),
        FinishReason::Length => "length",
        FinishReason::ContextFull => nearest("length"),
        FinishReason::Refusal | FinishReason::Filter => "content_filter",
    }
}

/// Why what is no text is lost.
pub(super) const TEXT_ONLY: &str = "the client's format has text only";

/// The id of a completion that we encode.
pub(super) fn completion_id(translation: &Translation<'_>) -> String {
    format!("cmpl-{}", translation.exchange)
}
