//! A whole answer for the client.

use std::borrow::Cow;

use super::{
    answer::{AnswerWire, CandidateWire, LogprobsWire, moves_on},
    grounding::{GroundingWire, Standing, encode_citation},
};
use crate::{
    canonical::{Answer, AnswerBlock, Choice, FinishReason, Losses, Usage, Vendor},
    dialect::{EncodeResponse, Translation},
    formats::gemini_generate::{
        client::finish::encode_finish,
        usage::encode_usage,
        wire::{
            offsets::Offsets,
            part::{CallWire, PartWire, arguments},
        },
    },
};

/// Encodes a gathered answer: <https://ai.google.dev/api/generate-content#generatecontentresponse>.
#[derive(Debug)]
pub(super) struct ResponseEncoder {
    id: String,
    model: String,
}

impl ResponseEncoder {
    pub(super) fn new(translation: &Translation<'_>) -> Self {
        Self { id: translation.exchange.to_owned(), model: translation.model.to_owned() }
    }
}

impl EncodeResponse for ResponseEncoder {
    fn encode(&self, answer: &Answer, losses: &mut Losses) -> Vec<u8> {
        let candidates = answer.choices.iter().enumerate();
        let mut candidates: Vec<_> = candidates.map(|(index, choice)| encode_choice(index, choice, losses)).collect();
        if candidates.is_empty() {
            candidates.push(encode_choice(0, &EMPTY, losses));
        }
        let body = AnswerWire {
            candidates,
            usage_metadata: answer.usage.as_ref().map(|usage| {
                declare_usage(usage, losses);
                encode_usage(usage)
            }),
            model_version: if answer.model.is_empty() { &self.model } else { &answer.model },
            response_id: &self.id,
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

static EMPTY: Choice = Choice { blocks: Vec::new(), finish: None };

fn encode_choice<'e>(index: usize, choice: &'e Choice, losses: &mut Losses) -> CandidateWire<'e> {
    let mut parts: Vec<PartWire<'e>> = Vec::with_capacity(choice.blocks.len());
    let mut seal: Option<Cow<'e, str>> = None;
    let (mut chunks, mut supports) = (Vec::new(), Vec::new());
    let mut reason = choice.finish.as_ref().map_or(FinishReason::Stop, |finish| finish.reason);
    for block in &choice.blocks {
        match block {
            AnswerBlock::Text { text, citations, .. } => {
                if text.is_empty() && citations.is_empty() && seal.is_none() {
                    continue;
                }
                let mut offsets = Offsets::default();
                offsets.push(text);
                for citation in citations {
                    let (chunk, support) =
                        encode_citation(citation, chunks.len(), &offsets, Standing::Part(parts.len()));
                    chunks.push(chunk);
                    supports.push(support);
                }
                parts.push(PartWire::text(text).sealed(seal.take()));
            }
            AnswerBlock::Refusal(text) => {
                declare_refusal(losses);
                parts.push(PartWire::text(text).sealed(seal.take()));
            }
            AnswerBlock::Thinking { text, seal: given } => {
                parts.extend(seal.take().map(|seal| PartWire::text("").sealed(Some(seal))));
                let carried = given.as_ref().map(|seal| seal.carried_by(Vendor::Google));
                let moves = given.as_ref().is_some_and(|seal| moves_on(seal, !text.is_empty()));
                let (own, next) = if moves { (None, carried) } else { (carried, None) };
                if !text.is_empty() {
                    parts.push(PartWire::thought(text).sealed(own));
                }
                seal = next;
            }
            AnswerBlock::ToolUse { id, name, input } => match arguments(input) {
                Some(args) => {
                    let call = CallWire { id: Some(id), name, args };
                    parts.push(PartWire { function_call: Some(call), ..PartWire::default() }.sealed(seal.take()));
                }
                None => reason = malformed_call(reason, losses),
            },
        }
    }
    if parts.is_empty() || seal.is_some() {
        parts.push(PartWire::text("").sealed(seal));
    }
    let logprobs = choice.blocks.iter().flat_map(|block| match block {
        AnswerBlock::Text { logprobs, .. } => logprobs.as_slice(),
        _ => &[],
    });
    let grounding = GroundingWire { grounding_chunks: chunks, grounding_supports: supports };
    CandidateWire {
        finish_reason: Some(finish_word(reason, losses)),
        grounding_metadata: (!grounding.grounding_chunks.is_empty()).then_some(grounding),
        logprobs_result: LogprobsWire::new(logprobs),
        ..CandidateWire::new(index, parts)
    }
}

/// The reason in Google's words, with what that leaves out.
pub(super) fn finish_word(reason: FinishReason, losses: &mut Losses) -> &'static str {
    let (word, says_less) = encode_finish(reason);
    if says_less {
        losses.approximate("finish_reason", "the client's format has no such reason");
    }
    word
}

/// A call whose arguments are no object cannot be said, and Google has a reason for an answer that lacks it.
pub(super) fn malformed_call(reason: FinishReason, losses: &mut Losses) -> FinishReason {
    losses.declare("tool_use", "its arguments are not the JSON text of an object");
    match reason {
        FinishReason::Stop | FinishReason::ToolUse => FinishReason::Malformed,
        reason => reason,
    }
}

/// A refusal is text here.
pub(super) fn declare_refusal(losses: &mut Losses) {
    losses.approximate("refusal", "the client's format tells no refusal from other text");
}

/// What was written to a cache is prompt here.
pub(super) fn declare_usage(usage: &Usage, losses: &mut Losses) {
    if usage.cache_write_5m > 0 || usage.cache_write_1h > 0 {
        losses.approximate("usage.cache_write", "the client's format counts it as prompt");
    }
}
