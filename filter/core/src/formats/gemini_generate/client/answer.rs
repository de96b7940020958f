//! The shape of an answer as the client reads it, whole or as a chunk.

use serde::Serialize;

use super::grounding::GroundingWire;
use crate::{
    canonical::{Seal, TokenLogprob, Vendor},
    formats::gemini_generate::{
        usage::UsageWire,
        wire::part::{ContentWire, PartWire},
    },
};

/// An answer, or a piece of one: <https://ai.google.dev/api/generate-content#generatecontentresponse>.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AnswerWire<'e> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) candidates: Vec<CandidateWire<'e>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage_metadata: Option<UsageWire>,
    pub(super) model_version: &'e str,
    pub(super) response_id: &'e str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CandidateWire<'e> {
    pub(super) content: ContentWire<'e>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) finish_reason: Option<&'static str>,
    pub(super) index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) grounding_metadata: Option<GroundingWire<'e>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logprobs_result: Option<LogprobsWire<'e>>,
}

impl<'e> CandidateWire<'e> {
    /// The candidate of that number with these parts.
    pub(super) fn new(index: usize, parts: Vec<PartWire<'e>>) -> Self {
        let content = ContentWire { parts, role: Some("model") };
        Self { content, finish_reason: None, index, grounding_metadata: None, logprobs_result: None }
    }
}

/// <https://ai.google.dev/api/generate-content#LogprobsResult>
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogprobsWire<'e> {
    chosen_candidates: Vec<TokenWire<'e>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    top_candidates: Vec<TopWire<'e>>,
}

#[derive(Serialize)]
struct TopWire<'e> {
    candidates: Vec<TokenWire<'e>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TokenWire<'e> {
    token: &'e str,
    log_probability: f64,
}

impl<'e> LogprobsWire<'e> {
    /// `None` for no tokens.
    pub(super) fn new(tokens: impl Iterator<Item = &'e TokenLogprob>) -> Option<Self> {
        let wire = |(token, log_probability): (&'e str, f64)| TokenWire { token, log_probability };
        let (mut chosen_candidates, mut top_candidates) = (Vec::new(), Vec::new());
        for TokenLogprob { token, logprob, top } in tokens {
            chosen_candidates.push(wire((token, *logprob)));
            let candidates = top.iter().map(|(token, logprob)| wire((token, *logprob))).collect();
            top_candidates.push(TopWire { candidates });
        }
        if top_candidates.iter().all(|top| top.candidates.is_empty()) {
            top_candidates.clear();
        }
        (!chosen_candidates.is_empty()).then_some(Self { chosen_candidates, top_candidates })
    }
}

/// Whether a seal goes onto the part after its thinking, as Google's do, or stays on the thinking: the seal of another vendor
/// is worth something with its text only, so a client that drops thoughts must drop both.
pub(super) fn moves_on(seal: &Seal<'_>, has_text: bool) -> bool {
    seal.vendor == Vendor::Google || !has_text
}
