//! A whole answer for the client.

use serde::Serialize;

use super::{
    super::wire::reasoning::DetailWire,
    wire::{
        AnnotationWire, CallWire, ExtraWire, FunctionWire, LogprobsWire, MessageWire, WORDS_FIRST, count, finish_reason,
    },
};
use crate::{
    canonical::{Answer, AnswerBlock, Choice, Citation, FinishReason, Losses, Seal, Vendor},
    dialect::{EncodeResponse, Translation},
    vendors::openai::{EncodedUsage, encode_usage},
};

/// Encodes a gathered answer as a chat completion: <https://platform.openai.com/docs/api-reference/chat/object>.
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
        let gathered: Vec<Gathered<'_>> = choices.iter().map(|choice| Gathered::of(choice, losses)).collect();
        let body = Body {
            id: &self.id,
            object: "chat.completion",
            created: self.created_s,
            model: if answer.model.is_empty() { &self.model } else { &answer.model },
            choices: gathered
                .iter()
                .zip(0..)
                .zip(choices)
                .map(|((all, at), choice)| all.wire(at, choice, losses))
                .collect(),
            usage: answer.usage.as_ref().map(encode_usage),
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

/// What a choice says, by member: several texts become one text, several pieces of reasoning one `reasoning_content`.
#[derive(Default)]
struct Gathered<'e> {
    content: Option<String>,
    refusal: Option<String>,
    reasoning_content: Option<String>,
    /// With its place among all that is said.
    reasoning: Vec<(&'e str, Option<&'e Seal<'static>>, u32)>,
    /// With the text's offset in the message.
    citations: Vec<(&'e Citation<'static>, u64)>,
    calls: Vec<(&'e str, &'e str, &'e str, Option<&'e str>)>,
}

impl<'e> Gathered<'e> {
    fn of(choice: &'e Choice, losses: &mut Losses) -> Self {
        let mut all = Self::default();
        let (mut place, mut characters, mut seal) = (0_u32, 0_u64, None);
        let mut blocks = choice.blocks.iter().peekable();
        while let Some(block) = blocks.next() {
            match block {
                AnswerBlock::Text { text, citations, .. } => {
                    place = place.saturating_add(u32::from(all.content.is_none()));
                    if !all.calls.is_empty() {
                        losses.approximate("content", WORDS_FIRST);
                    }
                    all.content.get_or_insert_default().push_str(text);
                    all.citations.extend(citations.iter().map(|citation| (citation, characters)));
                    characters = characters.saturating_add(count(text));
                }
                AnswerBlock::Refusal(text) => {
                    place = place.saturating_add(u32::from(all.refusal.is_none()));
                    all.refusal.get_or_insert_default().push_str(text);
                }
                AnswerBlock::Thinking { text, seal: given } => {
                    if !text.is_empty() {
                        all.reasoning_content.get_or_insert_default().push_str(text);
                    }
                    let mut own = given.as_ref();
                    if let Some(Seal { vendor: Vendor::Google, data, .. }) = own
                        && matches!(blocks.peek(), Some(AnswerBlock::ToolUse { .. }))
                    {
                        (own, seal) = (None, Some(&**data));
                    }
                    if own.is_some() || !text.is_empty() {
                        all.reasoning.push((text, own, place));
                        place = place.saturating_add(1);
                    }
                }
                AnswerBlock::ToolUse { id, name, input } => {
                    place = place.saturating_add(if seal.is_some() { 2 } else { 1 });
                    all.calls.push((id, name, input, seal.take()));
                }
            }
        }
        all
    }

    fn wire<'g>(&'g self, index: u32, choice: &'g Choice, losses: &mut Losses) -> ChoiceWire<'g> {
        let details = self.reasoning.iter().flat_map(|(text, seal, place)| DetailWire::whole(text, *seal, *place));
        let annotations = self.citations.iter().filter_map(|(citation, at)| AnnotationWire::of(citation, *at, losses));
        let annotations = annotations.collect();
        let calls = self.calls.iter().map(|(id, name, arguments, seal)| CallWire {
            index: None,
            id: Some(id),
            r#type: Some("function"),
            function: FunctionWire { name: Some(name), arguments },
            extra_content: seal.map(ExtraWire::of),
        });
        let tokens = choice.blocks.iter().filter_map(|block| match block {
            AnswerBlock::Text { logprobs, .. } => Some(logprobs),
            _ => None,
        });
        let finish = choice.finish.clone().unwrap_or(FinishReason::Stop.into());
        ChoiceWire {
            index,
            message: MessageWire {
                role: Some("assistant"),
                content: Some(self.content.as_deref()),
                refusal: Some(self.refusal.as_deref()),
                reasoning_content: self.reasoning_content.as_deref(),
                reasoning_details: details.collect(),
                annotations,
                tool_calls: calls.collect(),
            },
            logprobs: LogprobsWire::of(tokens.flatten()),
            finish_reason: finish_reason(&finish, self.refusal.is_some(), losses),
        }
    }
}

#[derive(Serialize)]
struct Body<'e> {
    id: &'e str,
    object: &'static str,
    created: u64,
    model: &'e str,
    choices: Vec<ChoiceWire<'e>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<EncodedUsage>,
}

#[derive(Serialize)]
struct ChoiceWire<'e> {
    index: u32,
    message: MessageWire<'e>,
    logprobs: Option<LogprobsWire<'e>>,
    finish_reason: &'static str,
}
