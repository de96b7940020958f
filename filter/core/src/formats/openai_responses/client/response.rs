use super::{
    object::{Head, Outcome, incompleteness},
    output::{Annotation, Content, Item, Part, Status, TextPart},
};
use crate::{
    canonical::{Answer, AnswerBlock, BlockStart, Citation, FinishReason, Losses, TokenLogprob},
    formats::{Attempt, dialect::EncodeResponse},
};

/// Encodes a gathered answer as a response: <https://platform.openai.com/docs/api-reference/responses/object>.
#[derive(Debug)]
pub(in crate::formats::openai_responses) struct ResponseEncoder {
    head: Head,
}

impl ResponseEncoder {
    pub(in crate::formats::openai_responses) fn new(attempt: &Attempt<'_>) -> Self {
        Self { head: Head::new(attempt) }
    }
}

impl EncodeResponse for ResponseEncoder {
    fn encode(&self, answer: &Answer, losses: &mut Losses) -> Vec<u8> {
        let mut output: Vec<Item> = Vec::new();
        let choice = answer.choices.first();
        for block in choice.map(|choice| choice.blocks.iter()).into_iter().flatten() {
            self.add(block, &mut output, losses);
        }
        let finish = choice.and_then(|choice| choice.finish.as_ref());
        let reason = finish.map_or(FinishReason::Stop, |finish| finish.reason);
        declare_ending(reason, losses);
        // What was cut off is the last item.
        if let (Some(last), Some(_)) = (output.last_mut(), incompleteness(reason)) {
            last.status = Status::Incomplete;
        }
        let mut head = self.head.clone();
        head.answered_by(&answer.model);
        let object = head.object(&output, Outcome::Ended(reason), answer.usage.as_ref());
        serde_json::to_vec(&object).unwrap_or_default()
    }
}

impl ResponseEncoder {
    fn add(&self, block: &AnswerBlock, output: &mut Vec<Item>, losses: &mut Losses) {
        let start = match block {
            AnswerBlock::Text { .. } => BlockStart::Text,
            AnswerBlock::Refusal(_) => BlockStart::Refusal,
            AnswerBlock::Thinking { .. } => BlockStart::Thinking,
            AnswerBlock::ToolUse { id, name, .. } => BlockStart::ToolUse { id: id.into(), name: name.into() },
        };
        if !output.last().is_some_and(|last| last.takes(&start)) {
            let index = output.len();
            output.push(Item { status: Status::Completed, ..Item::new(&start, self.head.exchange(), index) });
        }
        let Some(item) = output.last_mut() else { return };
        match (block, &mut item.content) {
            (AnswerBlock::Text { text, citations, logprobs }, Content::Message(parts)) => {
                parts.push(Part::Text(text_part(text, citations, logprobs, losses)));
            }
            (AnswerBlock::Refusal(text), Content::Message(parts)) => parts.push(Part::Refusal(text.clone())),
            (AnswerBlock::Thinking { text, signature }, Content::Reasoning { summary, .. }) => {
                summary.clone_from(text);
                if let Some(signature) = signature {
                    item.seal(signature);
                }
            }
            (AnswerBlock::ToolUse { input, .. }, Content::Call { arguments, .. }) => {
                if input.is_empty() { "{}" } else { input }.clone_into(arguments);
            }
            _ => {}
        }
    }
}

fn text_part(text: &str, citations: &[Citation<'_>], logprobs: &[TokenLogprob], losses: &mut Losses) -> TextPart {
    let mut part = TextPart::default();
    part.push(text);
    let characters = part.characters;
    part.annotations.extend(citations.iter().filter_map(|one| Annotation::new(one, characters, losses)));
    part.logprobs.extend_from_slice(logprobs);
    part
}

/// Endings that the API has no word for are complete ones here.
pub(super) fn declare_ending(reason: FinishReason, losses: &mut Losses) {
    match reason {
        FinishReason::Paused => {
            losses
                .approximate("finish_reason", "the client's format has no word for a turn that is to be gone on with");
        }
        FinishReason::Malformed => {
            losses.approximate("finish_reason", "the client's format has no word for a call that could not be read");
        }
        FinishReason::Stop
        | FinishReason::StopSequence
        | FinishReason::ToolUse
        | FinishReason::Length
        | FinishReason::ContextFull
        | FinishReason::Refusal
        | FinishReason::Filter => {}
    }
}
