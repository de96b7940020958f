use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::{
    answer::{self, CitationWire},
    error::decode_exception,
    response::SERVER_TOOL,
    usage::Figures,
};
use crate::{
    canonical::{BlockStart, Delta, Event, Usage},
    formats::{
        RelayError,
        dialect::{DecodeStream, Frame, Sink},
    },
    json::Text,
};

/// Decodes the events of a streamed answer
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html>).
///
/// Only calls of tools have a `contentBlockStart`; text and reasoning begin with their first delta, whose index may be any:
/// gpt-oss begins with an empty text, then reasons at 1 and answers at 2. Usage comes after the reason to stop, in `metadata`,
/// so that this event is the end; some proxies send it before. Members that pad an event (`p`) are passed over.
#[derive(Debug, Default)]
pub(super) struct StreamDecoder {
    phase: Phase,
    block: Option<Open>,
    usage: Option<Usage>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Nothing was decoded yet.
    #[default]
    Waiting,
    Answering,
    /// It was said why the answer ended.
    Stopped,
}

/// The block being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Open {
    /// Its `contentBlockIndex`.
    index: Option<u64>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
    /// A tool call. `input` is whether any of its arguments was seen.
    ToolUse {
        input: bool,
    },
    /// One that has no place in an answer.
    PassedOver,
}

impl DecodeStream for StreamDecoder {
    fn decode(&mut self, frame: Frame<'_>, sink: Sink<'_>) -> Result<(), RelayError> {
        let Frame { name, data, is_exception } = frame;
        if is_exception || name.ends_with(b"Exception") {
            return Err(RelayError::Provider(decode_exception(name, data)));
        }
        match name {
            b"metadata" => self.note_figures(&parse(data)?, sink),
            // An answer that has ended is not gone on with.
            _ if self.phase == Phase::Stopped => {}
            b"messageStart" => self.start(sink),
            b"contentBlockStart" => self.start_block(parse(data)?, sink),
            b"contentBlockDelta" => self.continue_block(parse(data)?, sink)?,
            b"contentBlockStop" => self.stop_block(sink),
            b"messageStop" => self.stop(&parse(data)?, sink),
            // More kinds of events may come, as AWS's service models always allow.
            _ => {}
        }
        Ok(())
    }
}

impl StreamDecoder {
    fn start(&mut self, sink: Sink<'_>) {
        if self.phase == Phase::Waiting {
            self.phase = Phase::Answering;
            sink(Event::Start { model: Cow::Borrowed("") });
        }
    }

    fn start_block(&mut self, event: BlockStartWire<'_>, sink: Sink<'_>) {
        let index = event.content_block_index;
        let Some(StartWire { tool_use, tool_result, image }) = event.start else { return };
        if let Some(tool) = tool_use {
            if tool.r#type.is_some_and(|kind| kind.0 == SERVER_TOOL) {
                return self.pass_over(index, "content.toolUse", sink);
            }
            let id = tool.tool_use_id.map(|id| id.0).filter(|id| !id.is_empty());
            let id = id.unwrap_or_else(|| format!("tooluse_{}", index.unwrap_or_default()).into());
            let block = BlockStart::ToolUse { id, name: tool.name.unwrap_or_default().0 };
            self.stop_block(sink);
            self.begin(index, Kind::ToolUse { input: false }, block, sink);
        } else if tool_result.is_some() {
            self.pass_over(index, "content.toolResult", sink);
        } else if image.is_some() {
            self.pass_over(index, "content.image", sink);
        }
    }

    fn continue_block(&mut self, event: BlockDeltaWire<'_>, sink: Sink<'_>) -> Result<(), RelayError> {
        let index = event.content_block_index;
        if self.block.is_some_and(|block| block.index == index && block.kind == Kind::PassedOver) {
            return Ok(());
        }
        let Some(delta) = event.delta else { return Ok(()) };
        let DeltaWire { text, tool_use, tool_result, reasoning_content, citation, image } = delta;
        if let Some(text) = text {
            if !text.0.is_empty() {
                self.go_on(index, Kind::Text, sink);
                sink(Event::BlockDelta(Delta::Text(text.0)));
            }
        } else if let Some(tool) = tool_use {
            self.add_input(index, tool.input.unwrap_or_default().0, sink)?;
        } else if let Some(reasoning) = reasoning_content {
            self.reason(index, reasoning, sink);
        } else if let Some(citation) = citation {
            let citation = citation.decode(sink);
            self.go_on(index, Kind::Text, sink);
            sink(Event::BlockDelta(Delta::Citation(citation)));
        } else {
            let path = match (tool_result, image) {
                (Some(_), _) => "content.toolResult",
                (_, Some(_)) => "content.image",
                _ => "content",
            };
            self.pass_over(index, path, sink);
        }
        Ok(())
    }

    fn add_input(&mut self, index: Option<u64>, more: Cow<'_, str>, sink: Sink<'_>) -> Result<(), RelayError> {
        match &mut self.block {
            Some(Open { index: open, kind: Kind::ToolUse { input } }) if *open == index => {
                if !more.is_empty() {
                    *input = true;
                    sink(Event::BlockDelta(Delta::Input(more)));
                }
                Ok(())
            }
            _ => Err(RelayError::Malformed("arguments of a tool call that did not begin".to_owned())),
        }
    }

    fn reason(&mut self, index: Option<u64>, reasoning: ReasoningWire<'_>, sink: Sink<'_>) {
        let ReasoningWire { text, signature, redacted_content } = reasoning;
        let text = text.map(|text| Delta::Thinking(text.0));
        let signature = signature.map(|data| Delta::Signature(answer::seal(data.0, false)));
        let redacted = redacted_content.map(|data| Delta::Signature(answer::seal(data.0, true)));
        for delta in [text, signature, redacted].into_iter().flatten() {
            let is_empty = match &delta {
                Delta::Thinking(text) => text.is_empty(),
                Delta::Signature(seal) => seal.data.is_empty(),
                _ => false,
            };
            if !is_empty {
                self.go_on(index, Kind::Thinking, sink);
                sink(Event::BlockDelta(delta));
            }
        }
    }

    /// Sees to it that a block of this kind, text or thinking, is open at `index`.
    fn go_on(&mut self, index: Option<u64>, kind: Kind, sink: Sink<'_>) {
        if self.block == Some(Open { index, kind }) {
            return;
        }
        self.stop_block(sink);
        let block = if kind == Kind::Thinking { BlockStart::Thinking } else { BlockStart::Text };
        self.begin(index, kind, block, sink);
    }

    fn begin(&mut self, index: Option<u64>, kind: Kind, block: BlockStart<'_>, sink: Sink<'_>) {
        self.start(sink);
        self.block = Some(Open { index, kind });
        sink(Event::BlockStart(block));
    }

    fn pass_over(&mut self, index: Option<u64>, path: &'static str, sink: Sink<'_>) {
        self.stop_block(sink);
        self.start(sink);
        self.block = Some(Open { index, kind: Kind::PassedOver });
        answer::pass_over(path, sink);
    }

    fn stop_block(&mut self, sink: Sink<'_>) {
        let Some(block) = self.block.take() else { return };
        match block.kind {
            Kind::PassedOver => return,
            // A tool without arguments has no input deltas, or an empty one.
            Kind::ToolUse { input: false } => sink(Event::BlockDelta(Delta::Input("{}".into()))),
            Kind::Text | Kind::Thinking | Kind::ToolUse { input: true } => {}
        }
        sink(Event::BlockStop);
    }

    fn stop(&mut self, event: &StopWire<'_>, sink: Sink<'_>) {
        self.start(sink);
        self.stop_block(sink);
        let reason = event.stop_reason.as_ref().map_or("", |reason| &*reason.0);
        sink(Event::Finish(answer::finish(reason, event.additional_model_response_fields)));
        self.phase = Phase::Stopped;
        self.report_usage(sink);
    }

    fn note_figures(&mut self, event: &MetadataWire<'_>, sink: Sink<'_>) {
        self.usage = event.usage.as_ref().and_then(Figures::usage).or(self.usage);
        self.report_usage(sink);
        if self.phase == Phase::Stopped {
            sink(Event::End);
        }
    }

    fn report_usage(&self, sink: Sink<'_>) {
        if let Some(usage) = self.usage {
            sink(Event::Usage { usage, terminal: self.phase == Phase::Stopped });
        }
    }
}

fn parse<'e, T: Deserialize<'e>>(data: &'e [u8]) -> Result<T, RelayError> {
    serde_json::from_slice(data).map_err(|error| RelayError::Malformed(error.to_string()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockStartWire<'e> {
    content_block_index: Option<u64>,
    #[serde(borrow)]
    start: Option<StartWire<'e>>,
}

/// One of these members says what it is; none for a text, where it is sent at all.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartWire<'e> {
    #[serde(borrow)]
    tool_use: Option<ToolStartWire<'e>>,
    tool_result: Option<IgnoredAny>,
    image: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolStartWire<'e> {
    #[serde(borrow)]
    tool_use_id: Option<Text<'e>>,
    #[serde(borrow)]
    name: Option<Text<'e>>,
    #[serde(borrow)]
    r#type: Option<Text<'e>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockDeltaWire<'e> {
    content_block_index: Option<u64>,
    #[serde(borrow)]
    delta: Option<DeltaWire<'e>>,
}

/// One of these members says what it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeltaWire<'e> {
    #[serde(borrow)]
    text: Option<Text<'e>>,
    #[serde(borrow)]
    tool_use: Option<InputWire<'e>>,
    tool_result: Option<IgnoredAny>,
    #[serde(borrow)]
    reasoning_content: Option<ReasoningWire<'e>>,
    #[serde(borrow)]
    citation: Option<CitationWire<'e>>,
    image: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct InputWire<'e> {
    #[serde(borrow)]
    input: Option<Text<'e>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReasoningWire<'e> {
    #[serde(borrow)]
    text: Option<Text<'e>>,
    #[serde(borrow)]
    signature: Option<Text<'e>>,
    #[serde(borrow)]
    redacted_content: Option<Text<'e>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StopWire<'e> {
    #[serde(borrow)]
    stop_reason: Option<Text<'e>>,
    #[serde(borrow)]
    additional_model_response_fields: Option<&'e RawValue>,
}

#[derive(Deserialize)]
struct MetadataWire<'e> {
    #[serde(borrow)]
    usage: Option<Figures<'e>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::{Answer, AnswerBlock, Citation, FinishReason};

    /// What the frames, `name data` each, decode to, and whether an end was given out.
    fn decode(frames: &[(&str, &str)]) -> Result<(Answer, Vec<String>, bool), RelayError> {
        let (mut answer, mut lost, mut ended, mut depth) = (Answer::default(), Vec::new(), false, 0);
        let mut sink = |event: Event<'_>| {
            match &event {
                Event::Lost { path, .. } => lost.push(path.to_string()),
                Event::BlockStart(_) => depth += 1,
                Event::BlockStop => depth -= 1,
                Event::End => ended = true,
                _ => {}
            }
            assert!((0..=1).contains(&depth), "blocks do not overlap");
            answer.add(event);
        };
        let mut decoder = StreamDecoder::default();
        for (name, data) in frames {
            let frame = Frame { name: name.as_bytes(), data: data.as_bytes(), is_exception: false };
            decoder.decode(frame, &mut sink)?;
        }
        decoder.finish(&mut sink)?;
        Ok((answer, lost, ended))
    }

    fn text(text: &str) -> AnswerBlock {
        AnswerBlock::Text { text: text.to_owned(), citations: vec![], logprobs: vec![] }
    }

    fn call(id: &str, name: &str, input: &str) -> AnswerBlock {
        AnswerBlock::ToolUse { id: id.to_owned(), name: name.to_owned(), input: input.to_owned() }
    }

    const USAGE: &str =
        r#"{"usage":{"inputTokens":5,"outputTokens":7,"totalTokens":12},"metrics":{"latencyMs":1},"p":"ab"}"#;

    #[test]
    fn text_and_reasoning_begin_with_their_first_delta_at_any_index() {
        let (answer, lost, ended) = decode(&[
            ("messageStart", r#"{"role":"assistant","p":"abc"}"#),
            ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":""}}"#),
            ("contentBlockStop", r#"{"contentBlockIndex":0}"#),
            ("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"reasoningContent":{"text":"h"}}}"#),
            ("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"reasoningContent":{"text":"m"}}}"#),
            ("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"reasoningContent":{"signature":"Eq=="}}}"#),
            ("contentBlockStop", r#"{"contentBlockIndex":1}"#),
            ("contentBlockDelta", r#"{"contentBlockIndex":2,"delta":{"reasoningContent":{"redactedContent":"UmVk"}}}"#),
            ("contentBlockStop", r#"{"contentBlockIndex":2}"#),
            ("contentBlockDelta", r#"{"contentBlockIndex":3,"delta":{"text":"Hel"}}"#),
            ("contentBlockDelta", r#"{"contentBlockIndex":3,"delta":{"text":"lo"}}"#),
            ("contentBlockStop", r#"{"contentBlockIndex":3}"#),
            ("messageStop", r#"{"stopReason":"end_turn"}"#),
            ("metadata", USAGE),
        ])
        .unwrap();
        let thinking = |text: &str, data: &'static str, redacted| AnswerBlock::Thinking {
            text: text.to_owned(),
            signature: Some(answer::seal(data.into(), redacted)),
        };
        assert_eq!(
            answer.choices[0].blocks,
            [thinking("hm", "Eq==", false), thinking("", "UmVk", true), text("Hello")]
        );
        assert_eq!(answer.choices[0].finish, Some(FinishReason::Stop.into()));
        assert_eq!(answer.usage, Some(Usage { input: 5, output: 7, ..Usage::default() }));
        assert!(ended && lost.is_empty());
    }

    #[test]
    fn parallel_calls_keep_their_ids_and_one_without_arguments_has_an_empty_object() {
        let (answer, ..) = decode(&[
            ("contentBlockStart", r#"{"contentBlockIndex":0,"start":{}}"#),
            ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"I look."}}"#),
            ("contentBlockStop", r#"{"contentBlockIndex":0}"#),
            ("contentBlockStart", r#"{"contentBlockIndex":1,"start":{"toolUse":{"toolUseId":"t1","name":"f"}}}"#),
            ("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"toolUse":{"input":"{\"a\":"}}}"#),
            ("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"toolUse":{"input":"1}"}}}"#),
            ("contentBlockStop", r#"{"contentBlockIndex":1}"#),
            ("contentBlockStart", r#"{"contentBlockIndex":2,"start":{"toolUse":{"toolUseId":"t2","name":"g"}}}"#),
            ("contentBlockDelta", r#"{"contentBlockIndex":2,"delta":{"toolUse":{"input":""}}}"#),
            ("contentBlockStop", r#"{"contentBlockIndex":2}"#),
            ("contentBlockStart", r#"{"contentBlockIndex":3,"start":{"toolUse":{"name":"h"}}}"#),
            ("messageStop", r#"{"stopReason":"tool_use"}"#),
        ])
        .unwrap();
        let calls =
            [text("I look."), call("t1", "f", r#"{"a":1}"#), call("t2", "g", "{}"), call("tooluse_3", "h", "{}")];
        assert_eq!(answer.choices[0].blocks, calls);
        assert_eq!(answer.choices[0].finish, Some(FinishReason::ToolUse.into()));
    }

    #[test]
    fn figures_before_the_reason_to_stop_become_final_with_it() {
        let mut terminal = Vec::new();
        let mut decoder = StreamDecoder::default();
        for (name, data) in [("metadata", USAGE), ("messageStop", r#"{"stopReason":"end_turn"}"#)] {
            let frame = Frame { name: name.as_bytes(), data: data.as_bytes(), is_exception: false };
            let mut sink = |event: Event<'_>| {
                if let Event::Usage { terminal: last, .. } = event {
                    terminal.push(last);
                }
            };
            decoder.decode(frame, &mut sink).unwrap();
        }
        assert_eq!(terminal, [false, true]);
    }

    #[test]
    fn citations_come_before_or_after_their_text() {
        let (answer, lost, _) = decode(&[
            (
                "contentBlockDelta",
                r#"{"contentBlockIndex":0,"delta":{"citation":{"title":"facts","location":{"documentChar":{"start":0,"end":9}}}}}"#,
            ),
            ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"Ruby"}}"#),
            ("contentBlockStop", r#"{"contentBlockIndex":0}"#),
            (
                "contentBlockDelta",
                r#"{"contentBlockIndex":3,"delta":{"citation":{"location":{"web":{"url":"https://a.example/"}}}}}"#,
            ),
            ("contentBlockStop", r#"{"contentBlockIndex":3}"#),
        ])
        .unwrap();
        let cited = |text: &str, citation| AnswerBlock::Text {
            text: text.to_owned(),
            citations: vec![citation],
            logprobs: vec![],
        };
        let facts = Citation { title: Some("facts".into()), ..Citation::default() };
        let web = Citation { url: Some("https://a.example/".into()), ..Citation::default() };
        assert_eq!(answer.choices[0].blocks, [cited("Ruby", facts), cited("", web)]);
        assert_eq!(lost, ["citations.location"]);
    }

    #[test]
    fn tools_of_the_providers_own_are_passed_over_with_all_that_belongs_to_them() {
        let (answer, lost, _) = decode(&[
            (
                "contentBlockStart",
                r#"{"contentBlockIndex":0,"start":{"toolUse":{"name":"nova_grounding","toolUseId":"t","type":"server_tool_use"}}}"#,
            ),
            ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"toolUse":{"input":"{}"}}}"#),
            ("contentBlockStop", r#"{"contentBlockIndex":0}"#),
            ("contentBlockStart", r#"{"contentBlockIndex":1,"start":{"toolResult":{"toolUseId":"t","status":"success"}}}"#),
            ("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"toolResult":[{"text":"[HIDDEN]"}]}}"#),
            ("contentBlockStop", r#"{"contentBlockIndex":1}"#),
            ("contentBlockDelta", r#"{"contentBlockIndex":2,"delta":{"ofNextYear":{}}}"#),
            ("eventOfNextYear", "[]"),
            ("contentBlockDelta", r#"{"contentBlockIndex":3,"delta":{"text":"3.4"}}"#),
            ("messageStop", r#"{"stopReason":"end_turn"}"#),
        ])
        .unwrap();
        assert_eq!(answer.choices[0].blocks, [text("3.4")]);
        assert_eq!(lost, ["content.toolUse", "content.toolResult", "content"]);
    }

    #[test]
    fn an_exception_ends_the_stream_with_its_status() {
        let error = decode(&[
            ("messageStart", r#"{"role":"assistant"}"#),
            ("throttlingException", r#"{"message":"Too many tokens."}"#),
        ]);
        let Err(RelayError::Provider(failure)) = error else { panic!("no failure") };
        assert_eq!((failure.status, &*failure.message), (Some(429), "Too many tokens."));
        let error = decode(&[("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"toolUse":{"input":"{"}}}"#)]);
        assert!(matches!(error, Err(RelayError::Malformed(_))));
        assert!(matches!(decode(&[("messageStop", "{")]), Err(RelayError::Malformed(_))));
    }

    #[test]
    fn nulls_and_missing_members_do_no_harm_and_nothing_follows_the_end() {
        let (answer, ..) = decode(&[
            ("contentBlockStart", r#"{"contentBlockIndex":null,"start":null}"#),
            ("contentBlockDelta", "{}"),
            ("contentBlockDelta", r#"{"delta":{"text":null,"reasoningContent":{"text":null},"toolUse":null}}"#),
            ("contentBlockDelta", r#"{"delta":{"text":"a"}}"#),
            ("contentBlockDelta", r#"{"delta":{"text":"b"}}"#),
            ("messageStop", "{}"),
            ("contentBlockDelta", r#"{"delta":{"text":"c"}}"#),
            ("messageStop", r#"{"stopReason":"max_tokens"}"#),
            ("metadata", r#"{"usage":null}"#),
        ])
        .unwrap();
        assert_eq!(answer.choices[0].blocks, [text("ab")]);
        assert_eq!((answer.choices[0].finish.clone(), answer.usage), (Some(FinishReason::Stop.into()), None));
    }
}
