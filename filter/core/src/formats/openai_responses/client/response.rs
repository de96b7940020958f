//! A whole answer for the client.

use super::{
    object::{Head, Outcome, incompleteness},
    output::{Annotation, Content, Item, Part, Status, TextPart, ending},
};
use crate::{
    canonical::{Answer, AnswerBlock, BlockStart, Citation, FinishReason, Losses, TokenLogprob},
    dialect::{EncodeResponse, Translation},
};

/// Encodes a gathered answer as a response: <https://platform.openai.com/docs/api-reference/responses/object>.
#[derive(Debug)]
pub(super) struct ResponseEncoder {
    head: Head,
}

impl ResponseEncoder {
    pub(super) fn new(translation: &Translation<'_>) -> Self {
        Self { head: Head::new(translation) }
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
        let reason = ending(reason, &output);
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
            (AnswerBlock::Thinking { text, seal }, Content::Reasoning { summary, .. }) => {
                summary.clone_from(text);
                if let Some(seal) = seal {
                    item.seal(seal);
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        canonical::{Choice, Seal, Usage, Vendor},
        dialect::Framing,
        words::Format,
    };

    fn encode(blocks: Vec<AnswerBlock>, reason: FinishReason) -> (serde_json::Value, Losses) {
        let translation = Translation {
            client: Format::OpenaiResponses,
            upstream: Format::AnthropicMessages,
            model: "m",
            default_max_tokens: 1,
            stream: false,
            include_usage: false,
            framing: Framing::Sse,
            exchange: "e1",
            created_s: 7,
        };
        let mut answer = Answer::default();
        answer.model = "claude".into();
        answer.choices.push(Choice { blocks, finish: Some(reason.into()) });
        answer.usage = Some(Usage { input: 3, output: 2, ..Usage::default() });
        let mut losses = Losses::default();
        let body = ResponseEncoder::new(&translation).encode(&answer, &mut losses);
        (serde_json::from_slice(&body).unwrap(), losses)
    }

    fn said(text: &str) -> AnswerBlock {
        AnswerBlock::Text { text: text.into(), citations: Vec::new(), logprobs: Vec::new() }
    }

    #[test]
    fn a_response_has_every_member_that_clients_ask_for() {
        let (body, _) = encode(vec![said("Hi")], FinishReason::Stop);
        for member in ["id", "object", "created_at", "error", "incomplete_details", "instructions", "model", "tools"] {
            assert!(body.get(member).is_some(), "{member}");
        }
        for member in ["output", "parallel_tool_calls", "metadata", "tool_choice", "temperature", "top_p"] {
            assert!(body.get(member).is_some(), "{member}");
        }
        assert_eq!(
            (&body["model"], &body["status"], &body["created_at"]),
            (&"claude".into(), &"completed".into(), &7.into())
        );
        let part = json!({"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []});
        let item =
            json!({"type": "message", "id": "msg_e1_0", "status": "completed", "role": "assistant", "content": [part]});
        assert_eq!(body["output"], json!([item]));
    }

    #[test]
    fn texts_in_a_row_are_parts_of_one_message() {
        let thinking = AnswerBlock::Thinking {
            text: String::new(),
            seal: Some(Seal { vendor: Vendor::Google, redacted: false, data: "CiQ".into() }),
        };
        let call = AnswerBlock::ToolUse { id: "c".into(), name: "f".into(), input: String::new() };
        let blocks = vec![thinking, said("a"), AnswerBlock::Refusal("b".into()), call, said("c")];
        let (body, losses) = encode(blocks, FinishReason::Paused);
        let kinds: Vec<_> =
            body["output"].as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["reasoning", "message", "function_call", "message"]);
        assert_eq!(body["output"][0]["summary"].to_string(), "[]");
        assert_eq!(body["output"][1]["content"].as_array().unwrap().len(), 2);
        assert_eq!(body["output"][2]["arguments"], "{}");
        assert_eq!(losses.iter().map(|loss| loss.path.as_str()).collect::<Vec<_>>(), ["finish_reason"]);
    }

    #[test]
    fn endings_are_told_apart() {
        for (reason, status, why) in [
            (FinishReason::ContextFull, "incomplete", "max_output_tokens"),
            (FinishReason::Refusal, "incomplete", "content_filter"),
        ] {
            let (body, _) = encode(vec![said("a")], reason);
            assert_eq!((&body["status"], &body["incomplete_details"]["reason"]), (&status.into(), &why.into()));
            assert_eq!(body["output"][0]["status"], "incomplete");
        }
        assert_eq!(encode(Vec::new(), FinishReason::Stop).0["output"].to_string(), "[]");
    }
}
