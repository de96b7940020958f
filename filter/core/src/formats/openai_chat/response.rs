use serde::Serialize;

use super::{
    stream::finish_reason,
    usage::{EncodedUsage, encode_usage},
};
use crate::{
    canonical::{Answer, AnswerBlock, FinishReason, Losses},
    formats::{Attempt, dialect::EncodeResponse},
};

/// Encodes a gathered answer as a chat completion: <https://platform.openai.com/docs/api-reference/chat/object>.
#[derive(Debug)]
pub(super) struct ResponseEncoder {
    id: String,
    created_s: u64,
    model: String,
}

impl ResponseEncoder {
    pub(super) fn new(attempt: &Attempt<'_>) -> Self {
        Self { id: super::completion_id(attempt), created_s: attempt.created_s, model: attempt.model.to_owned() }
    }
}

impl EncodeResponse for ResponseEncoder {
    /// Several text blocks become one text, several thinking blocks one `reasoning_content`.
    fn encode(&self, answer: &Answer, _losses: &mut Losses) -> Vec<u8> {
        let mut content = None::<String>;
        let mut reasoning_content = None::<String>;
        let mut tool_calls = Vec::new();
        let choice = answer.choices.first();
        for block in choice.map(|choice| choice.blocks.iter()).into_iter().flatten() {
            match block {
                AnswerBlock::Text { text, .. } | AnswerBlock::Refusal(text) => {
                    content.get_or_insert_default().push_str(text);
                }
                AnswerBlock::Thinking { text, .. } => reasoning_content.get_or_insert_default().push_str(text),
                AnswerBlock::ToolUse { id, name, input } => {
                    tool_calls.push(ToolCall { id, r#type: "function", function: Function { name, arguments: input } });
                }
            }
        }
        let message = Message { role: "assistant", content, refusal: None, reasoning_content, tool_calls };
        let finish_reason = finish_reason(
            choice.and_then(|choice| choice.finish.as_ref()).map_or(FinishReason::Stop, |finish| finish.reason),
        );
        let body = Body {
            id: &self.id,
            object: "chat.completion",
            created: self.created_s,
            model: if answer.model.is_empty() { &self.model } else { &answer.model },
            choices: [Choice { index: 0, message, logprobs: None, finish_reason }],
            usage: answer.usage.as_ref().map(encode_usage),
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Body<'e> {
    id: &'e str,
    object: &'static str,
    created: u64,
    model: &'e str,
    choices: [Choice<'e>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<EncodedUsage>,
}

#[derive(Serialize)]
struct Choice<'e> {
    index: u32,
    message: Message<'e>,
    logprobs: Option<()>,
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct Message<'e> {
    role: &'static str,
    content: Option<String>,
    refusal: Option<()>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall<'e>>,
}

#[derive(Serialize)]
struct ToolCall<'e> {
    id: &'e str,
    r#type: &'static str,
    function: Function<'e>,
}

#[derive(Serialize)]
struct Function<'e> {
    name: &'e str,
    arguments: &'e str,
}
