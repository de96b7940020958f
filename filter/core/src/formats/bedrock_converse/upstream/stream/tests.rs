//! Streams, decoded.

use super::*;
use crate::canonical::{Answer, AnswerBlock, Citation, FinishReason};

/// What the frames, `name data` each, decode to, and whether an end was given out.
fn decode(frames: &[(&str, &str)]) -> Result<(Answer, Vec<String>, bool), ResponseError> {
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
        seal: Some(answer::seal(data.into(), redacted)),
    };
    assert_eq!(answer.choices[0].blocks, [thinking("hm", "Eq==", false), thinking("", "Red", true), text("Hello")]);
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
    let calls = [text("I look."), call("t1", "f", r#"{"a":1}"#), call("t2", "g", "{}"), call("tooluse_3", "h", "{}")];
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
    let cited =
        |text: &str, citation| AnswerBlock::Text { text: text.to_owned(), citations: vec![citation], logprobs: vec![] };
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
    let Err(ResponseError::Provider(failure)) = error else { panic!("no failure") };
    assert_eq!((failure.status, &*failure.message), (Some(429), "Too many tokens."));
    let error = decode(&[("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"toolUse":{"input":"{"}}}"#)]);
    assert!(matches!(error, Err(ResponseError::Malformed(_))));
    assert!(matches!(decode(&[("messageStop", "{")]), Err(ResponseError::Malformed(_))));
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
