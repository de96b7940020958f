//! A whole answer for the client.

use super::wire::{ChoiceWire, CompletionWire, LogprobsWire, TEXT_ONLY, finish_reason};
use crate::{
    canonical::{Answer, AnswerBlock, Choice, FinishReason, Losses},
    dialect::{EncodeResponse, Translation},
    vendors::openai::encode_usage,
};

/// Encodes a gathered answer: <https://platform.openai.com/docs/api-reference/completions/object>.
#[derive(Debug)]
pub(super) struct ResponseEncoder {
    id: String,
    created_s: u64,
    model: String,
}

impl ResponseEncoder {
    pub(super) fn new(translation: &Translation<'_>) -> Self {
        Self {
            id: super::wire::completion_id(translation),
            created_s: translation.created_s,
            model: translation.model.to_owned(),
        }
    }
}

impl EncodeResponse for ResponseEncoder {
    fn encode(&self, answer: &Answer, losses: &mut Losses) -> Vec<u8> {
        let nothing = [Choice::default()];
        let choices = if answer.choices.is_empty() { &nothing } else { &*answer.choices };
        let texts: Vec<String> = choices.iter().map(|choice| text_of(choice, losses)).collect();
        let choices = choices.iter().zip(&texts).zip(0..).map(|((choice, text), index)| {
            let tokens = choice.blocks.iter().filter_map(|block| match block {
                AnswerBlock::Text { logprobs, .. } => Some(logprobs),
                _ => None,
            });
            let finish = choice.finish.clone().unwrap_or(FinishReason::Stop.into());
            ChoiceWire {
                text,
                index,
                logprobs: LogprobsWire::of(tokens.flatten(), &mut 0),
                finish_reason: Some(finish_reason(&finish, losses)),
            }
        });
        let choices: Vec<ChoiceWire<'_>> = choices.collect();
        let body = CompletionWire {
            id: &self.id,
            object: "text_completion",
            created: self.created_s,
            model: if answer.model.is_empty() { &self.model } else { &answer.model },
            choices: &choices,
            usage: answer.usage.as_ref().map(|usage| Some(encode_usage(usage))),
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

fn text_of(choice: &Choice, losses: &mut Losses) -> String {
    let mut all = String::new();
    for block in &choice.blocks {
        match block {
            AnswerBlock::Text { text, citations, .. } => {
                all.push_str(text);
                if !citations.is_empty() {
                    losses.declare("citations", TEXT_ONLY);
                }
            }
            AnswerBlock::Refusal(text) => all.push_str(text),
            AnswerBlock::Thinking { .. } => losses.declare("reasoning", TEXT_ONLY),
            AnswerBlock::ToolUse { .. } => losses.declare("tool_calls", TEXT_ONLY),
        }
    }
    all
}
