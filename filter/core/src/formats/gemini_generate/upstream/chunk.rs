//! The shape of a chunk as the provider sends it.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::{
    grounding::{Grounding, Recited},
    partial::PartialArgument,
};
use crate::{
    canonical::TokenLogprob,
    formats::gemini_generate::{usage::Figures, wire::word::Word},
    json::Text,
};

/// A `GenerateContentResponse`, all of it optional: <https://ai.google.dev/api/generate-content#generatecontentresponse>.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Chunk<'e> {
    #[serde(borrow)]
    pub(super) candidates: Option<Vec<Candidate<'e>>>,
    pub(super) prompt_feedback: Option<Feedback>,
    pub(super) usage_metadata: Option<Figures>,
    #[serde(borrow)]
    pub(super) model_version: Option<Text<'e>>,
    #[serde(borrow)]
    pub(super) response_id: Option<Text<'e>>,
    pub(super) error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Feedback {
    pub(super) block_reason: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate<'e> {
    pub(super) index: Option<u32>,
    #[serde(borrow)]
    pub(super) content: Option<Content<'e>>,
    pub(super) finish_reason: Option<Word>,
    #[serde(borrow)]
    pub(super) grounding_metadata: Option<Grounding<'e>>,
    #[serde(borrow)]
    pub(super) citation_metadata: Option<Recited<'e>>,
    pub(super) logprobs_result: Option<Logprobs>,
    pub(super) url_context_metadata: Option<IgnoredAny>,
}

#[derive(Deserialize)]
pub(super) struct Content<'e> {
    #[serde(borrow)]
    pub(super) parts: Option<Vec<Part<'e>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part<'e> {
    #[serde(borrow)]
    pub(super) text: Option<Text<'e>>,
    pub(super) thought: Option<bool>,
    #[serde(borrow)]
    pub(super) thought_signature: Option<Text<'e>>,
    #[serde(borrow)]
    pub(super) function_call: Option<Call<'e>>,
    pub(super) inline_data: Option<IgnoredAny>,
    pub(super) file_data: Option<IgnoredAny>,
    pub(super) executable_code: Option<IgnoredAny>,
    pub(super) code_execution_result: Option<IgnoredAny>,
    pub(super) tool_call: Option<IgnoredAny>,
    pub(super) tool_response: Option<IgnoredAny>,
}

impl Part<'_> {
    /// Whether it is text for the user, and some.
    pub(super) fn is_text(&self) -> bool {
        self.thought != Some(true) && self.text.as_ref().is_some_and(|text| !text.0.is_empty())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Call<'e> {
    #[serde(borrow)]
    pub(super) id: Option<Text<'e>>,
    #[serde(borrow)]
    pub(super) name: Option<Text<'e>>,
    #[serde(borrow)]
    pub(super) args: Option<&'e RawValue>,
    #[serde(borrow)]
    pub(super) partial_args: Option<Vec<PartialArgument<'e>>>,
    pub(super) will_continue: Option<bool>,
}

impl Call<'_> {
    /// Whether it is more of the call before it: only the first piece has the name.
    pub(super) fn goes_on(&self) -> bool {
        self.name.as_ref().is_none_or(|name| name.0.is_empty())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Logprobs {
    pub(super) chosen_candidates: Option<Vec<Token>>,
    pub(super) top_candidates: Option<Vec<Top>>,
}

#[derive(Deserialize)]
pub(super) struct Top {
    pub(super) candidates: Option<Vec<Token>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Token {
    pub(super) token: Option<String>,
    pub(super) log_probability: Option<f64>,
}

impl Logprobs {
    /// <https://ai.google.dev/api/generate-content#LogprobsResult>
    pub(super) fn decode(self) -> Vec<TokenLogprob> {
        let pair = |token: Token| (token.token.unwrap_or_default(), token.log_probability.unwrap_or_default());
        let tops = self.top_candidates.unwrap_or_default().into_iter();
        let mut tops = tops.map(|top| top.candidates.unwrap_or_default().into_iter().map(pair).collect());
        let chosen = self.chosen_candidates.unwrap_or_default().into_iter().map(pair);
        chosen.map(|(token, logprob)| TokenLogprob { token, logprob, top: tops.next().unwrap_or_default() }).collect()
    }
}
