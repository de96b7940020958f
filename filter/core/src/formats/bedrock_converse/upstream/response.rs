//! A whole answer of the provider, decoded.

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::answer::{self, CitationWire, TextWire};
use crate::{
    canonical::{BlockStart, Delta, Event},
    dialect::{ResponseError, Sink},
    formats::bedrock_converse::{error::decode_error, usage::Figures},
    json::Text,
};

/// Decodes a whole answer. It does not name its model.
pub(super) fn decode_response(body: &[u8], sink: Sink<'_>) -> Result<(), ResponseError> {
    let wire: Wire<'_> = serde_json::from_slice(body).map_err(|error| ResponseError::Malformed(error.to_string()))?;
    let Some(output) = wire.output else {
        return Err(decode_error(body)
            .map_or_else(|| ResponseError::Malformed("an answer without output".to_owned()), ResponseError::Provider));
    };
    sink(Event::Start { model: Cow::Borrowed("") });
    let content = output.message.and_then(|message| message.content).unwrap_or_default();
    for (index, block) in content.into_iter().enumerate() {
        block.decode(index, sink);
    }
    // Without a reason it is complete all the same: it is one JSON text.
    let reason = wire.stop_reason.unwrap_or_default();
    sink(Event::Finish(answer::finish(&reason.0, wire.additional_model_response_fields)));
    if let Some(usage) = wire.usage.and_then(|figures| figures.usage()) {
        sink(Event::Usage { usage, terminal: true });
    }
    sink(Event::End);
    Ok(())
}

impl BlockWire<'_> {
    fn decode(self, index: usize, sink: Sink<'_>) {
        let Self { text, tool_use, tool_result, reasoning_content, citations_content, image } = self;
        if let Some(text) = text {
            decode_text(text.0, Vec::new(), sink);
        } else if let Some(tool) = tool_use {
            tool.decode(index, sink);
        } else if let Some(reasoning) = reasoning_content {
            reasoning.decode(sink);
        } else if let Some(cited) = citations_content {
            let text = answer::join(cited.content.unwrap_or_default());
            decode_text(text, cited.citations.unwrap_or_default(), sink);
        } else {
            let path = match (tool_result, image) {
                (Some(_), _) => "content.toolResult",
                (_, Some(_)) => "content.image",
                _ => "content",
            };
            answer::pass_over(path, sink);
        }
    }
}

/// An empty text says nothing, and in a stream it does not begin a block either.
fn decode_text(text: Cow<'_, str>, citations: Vec<CitationWire<'_>>, sink: Sink<'_>) {
    if text.is_empty() && citations.is_empty() {
        return;
    }
    sink(Event::BlockStart(BlockStart::Text));
    if !text.is_empty() {
        sink(Event::BlockDelta(Delta::Text(text)));
    }
    for citation in citations {
        let citation = citation.decode(sink);
        sink(Event::BlockDelta(Delta::Citation(citation)));
    }
    sink(Event::BlockStop);
}

impl ToolUseWire<'_> {
    fn decode(self, index: usize, sink: Sink<'_>) {
        if self.r#type.is_some_and(|kind| kind.0 == SERVER_TOOL) {
            return answer::pass_over("content.toolUse", sink);
        }
        let id = self.tool_use_id.map(|id| id.0).filter(|id| !id.is_empty());
        let id = id.unwrap_or_else(|| format!("tooluse_{index}").into());
        sink(Event::BlockStart(BlockStart::ToolUse { id, name: self.name.unwrap_or_default().0 }));
        let input = self.input.map(RawValue::get).filter(|input| *input != "null").unwrap_or("{}");
        sink(Event::BlockDelta(Delta::Input(input.into())));
        sink(Event::BlockStop);
    }
}

impl ReasoningWire<'_> {
    fn decode(self, sink: Sink<'_>) {
        let Self { reasoning_text, redacted_content } = self;
        let (text, signature) = match reasoning_text {
            Some(reasoning) => (reasoning.text, reasoning.signature),
            None => (None, None),
        };
        let seal = match signature.filter(|signature| !signature.0.is_empty()) {
            Some(signature) => Some(answer::seal(signature.0, false)),
            None => redacted_content.and_then(|bytes| answer::decode_redacted(&bytes.0, sink)),
        };
        let text = text.filter(|text| !text.0.is_empty());
        if text.is_none() && seal.is_none() {
            return;
        }
        sink(Event::BlockStart(BlockStart::Thinking));
        if let Some(text) = text {
            sink(Event::BlockDelta(Delta::Thinking(text.0)));
        }
        if let Some(seal) = seal {
            sink(Event::BlockDelta(Delta::Seal(seal)));
        }
        sink(Event::BlockStop);
    }
}

/// The type of a call that the provider answers itself.
pub(super) const SERVER_TOOL: &str = "server_tool_use";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'e> {
    #[serde(borrow)]
    output: Option<OutputWire<'e>>,
    #[serde(borrow)]
    stop_reason: Option<Text<'e>>,
    #[serde(borrow)]
    additional_model_response_fields: Option<&'e RawValue>,
    #[serde(borrow)]
    usage: Option<Figures<'e>>,
}

#[derive(Deserialize)]
struct OutputWire<'e> {
    #[serde(borrow)]
    message: Option<MessageWire<'e>>,
}

#[derive(Deserialize)]
struct MessageWire<'e> {
    #[serde(borrow)]
    content: Option<Vec<BlockWire<'e>>>,
}

/// One of these members says what it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockWire<'e> {
    #[serde(borrow)]
    text: Option<Text<'e>>,
    #[serde(borrow)]
    tool_use: Option<ToolUseWire<'e>>,
    tool_result: Option<IgnoredAny>,
    #[serde(borrow)]
    reasoning_content: Option<ReasoningWire<'e>>,
    #[serde(borrow)]
    citations_content: Option<CitedWire<'e>>,
    image: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolUseWire<'e> {
    #[serde(borrow)]
    tool_use_id: Option<Text<'e>>,
    #[serde(borrow)]
    name: Option<Text<'e>>,
    #[serde(borrow)]
    input: Option<&'e RawValue>,
    #[serde(borrow)]
    r#type: Option<Text<'e>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReasoningWire<'e> {
    #[serde(borrow)]
    reasoning_text: Option<ReasoningTextWire<'e>>,
    #[serde(borrow)]
    redacted_content: Option<Text<'e>>,
}

#[derive(Deserialize)]
struct ReasoningTextWire<'e> {
    #[serde(borrow)]
    text: Option<Text<'e>>,
    #[serde(borrow)]
    signature: Option<Text<'e>>,
}

#[derive(Deserialize)]
struct CitedWire<'e> {
    #[serde(borrow)]
    content: Option<Vec<TextWire<'e>>>,
    #[serde(borrow)]
    citations: Option<Vec<CitationWire<'e>>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::{Answer, AnswerBlock, Citation, FinishReason, Usage};

    fn answer(body: &str) -> (Answer, Vec<String>) {
        let (mut answer, mut lost) = (Answer::default(), Vec::new());
        let mut sink = |event: Event<'_>| {
            if let Event::Lost { path, .. } = &event {
                lost.push(path.to_string());
            }
            answer.add(event);
        };
        decode_response(body.as_bytes(), &mut sink).unwrap();
        (answer, lost)
    }

    #[test]
    fn thinking_text_and_calls_keep_their_order_and_their_seals() {
        let (answer, lost) = answer(
            r#"{"metrics":{"latencyMs":1},"output":{"message":{"role":"assistant","content":[
            {"reasoningContent":{"reasoningText":{"text":"hm","signature":"Eq=="}}},
            {"reasoningContent":{"redactedContent":"UmVk"}},
            {"reasoningContent":{"redactedContent":""}},
            {"reasoningContent":{"reasoningText":{"text":"","signature":""}}},
            {"reasoningContent":{"reasoningText":{"text":"","signature":"Ab"}}},
            {"text":"I look."},
            {"toolUse":{"toolUseId":"tooluse_1","name":"look","input":{"at":1.0},"type":"tool_use"}},
            {"toolUse":{"toolUseId":"tooluse_2","name":"wait","input":{}}}]}},
            "stopReason":"tool_use","usage":{"inputTokens":5,"outputTokens":7,"totalTokens":12}}"#,
        );
        let thinking = |text: &str, data: &'static str, redacted| AnswerBlock::Thinking {
            text: text.to_owned(),
            seal: Some(answer::seal(data.into(), redacted)),
        };
        let call = |id: &str, name: &str, input: &str| AnswerBlock::ToolUse {
            id: id.to_owned(),
            name: name.to_owned(),
            input: input.to_owned(),
        };
        let expected = vec![
            thinking("hm", "Eq==", false),
            thinking("", "Red", true),
            thinking("", "Ab", false),
            AnswerBlock::Text { text: "I look.".to_owned(), citations: vec![], logprobs: vec![] },
            call("tooluse_1", "look", r#"{"at":1.0}"#),
            call("tooluse_2", "wait", "{}"),
        ];
        assert_eq!(answer.choices[0].blocks, expected);
        assert_eq!(answer.choices[0].finish, Some(FinishReason::ToolUse.into()));
        assert_eq!(answer.usage, Some(Usage { input: 5, output: 7, ..Usage::default() }));
        assert_eq!((answer.model.as_str(), lost.len()), ("", 0));
    }

    #[test]
    fn citations_stand_with_the_text_they_are_about() {
        let (answer, lost) = answer(
            r#"{"output":{"message":{"content":[{"text":"So "},{"citationsContent":{"content":[{"text":"twenty"},{"text":" days"}],
            "citations":[{"title":"policy","sourceContent":[{"text":"20 "},{"text":"days"}],"location":{"documentPage":{"start":1}}},
            {"location":{"web":{"url":"https://a.example/","domain":"a.example"}}}]}}]}},"stopReason":"end_turn"}"#,
        );
        let inside =
            Citation { title: Some("policy".into()), cited_text: Some("20 days".into()), ..Citation::default() };
        let web = Citation { url: Some("https://a.example/".into()), ..Citation::default() };
        let expected =
            AnswerBlock::Text { text: "twenty days".to_owned(), citations: vec![inside, web], logprobs: vec![] };
        assert_eq!(answer.choices[0].blocks[1], expected);
        assert_eq!(lost, ["citations.location"]);
        assert_eq!(answer.usage, None);
    }

    #[test]
    fn what_has_no_place_is_passed_over_and_named() {
        let (answer, lost) = answer(
            r#"{"output":{"message":{"content":[{"toolUse":{"toolUseId":"t","name":"nova_grounding","input":{},"type":"server_tool_use"}},
            {"toolResult":{"toolUseId":"t","content":[{"text":"[HIDDEN]"}]}},{"image":{"format":"png"}},{"ofNextYear":{}},{"text":""},
            {"text":"ok"}]}},"stopReason":"end_turn"}"#,
        );
        assert_eq!(answer.choices[0].blocks.len(), 1);
        assert_eq!(lost, ["content.toolUse", "content.toolResult", "content.image", "content"]);
    }

    #[test]
    fn a_call_without_an_id_gets_one() {
        let (answer, _) = answer(r#"{"output":{"message":{"content":[{"text":"a"},{"toolUse":{"name":"f"}}]}}}"#);
        let made = AnswerBlock::ToolUse { id: "tooluse_1".to_owned(), name: "f".to_owned(), input: "{}".to_owned() };
        assert_eq!(answer.choices[0].blocks[1], made);
    }

    #[test]
    fn an_error_with_a_good_status_is_an_error() {
        let decoded = |body: &str| decode_response(body.as_bytes(), &mut |_| {});
        let error = decoded(r#"{"__type":"a#ThrottlingException","message":"slow down"}"#);
        assert!(matches!(error, Err(ResponseError::Provider(failure)) if failure.status == Some(429)));
        assert!(matches!(decoded("{}"), Err(ResponseError::Malformed(_))));
        assert!(matches!(decoded("[]"), Err(ResponseError::Malformed(_))));
        assert!(matches!(decoded("<html>"), Err(ResponseError::Malformed(_))));
    }
}
