//! Streams, decoded.

use super::*;
use crate::canonical::{Answer, AnswerBlock, Choice, FinishReason, Seal, Vendor};

/// The answer, the losses, and how it ended; blocks must not overlap.
fn decode(events: &[&str]) -> (Answer, Vec<String>, Result<(), ResponseError>) {
    let (mut answer, mut lost, mut open) = (Answer::default(), Vec::new(), false);
    let mut decoder = StreamDecoder::default();
    let mut sink = |event: Event<'_>| {
        match &event {
            Event::BlockStart(_) => assert!(!std::mem::replace(&mut open, true)),
            Event::BlockStop => assert!(std::mem::replace(&mut open, false)),
            Event::BlockDelta(_) => assert!(open),
            Event::Finish(_) | Event::End => assert!(!open),
            Event::Lost { path, .. } => lost.push(path.to_string()),
            _ => {}
        }
        answer.add(event);
    };
    let mut result = Ok(());
    for data in events {
        result = decoder.decode(Frame { name: b"", data: data.as_bytes(), is_exception: false }, &mut sink);
        if result.is_err() {
            break;
        }
    }
    let result = result.and_then(|()| decoder.finish(&mut sink));
    (answer, lost, result)
}

fn only(events: &[&str]) -> Choice {
    let (answer, _, result) = decode(events);
    assert_eq!(result, Ok(()));
    <[_; 1]>::try_from(answer.choices).unwrap().into_iter().next().unwrap()
}

fn said(text: &str) -> AnswerBlock {
    AnswerBlock::Text { text: text.into(), citations: Vec::new(), logprobs: Vec::new() }
}

fn call(id: &str, name: &str, input: &str) -> AnswerBlock {
    AnswerBlock::ToolUse { id: id.into(), name: name.into(), input: input.into() }
}

const CREATED: &str =
    r#"{"type":"response.created","response":{"id":"resp_1","model":"gpt-5.2","status":"in_progress"}}"#;
const COMPLETED: &str = r#"{"type":"response.completed","response":{"id":"resp_1","status":"completed","output":[],
    "usage":{"input_tokens":3,"output_tokens":2}}}"#;

#[test]
fn items_are_given_as_they_come() {
    let (answer, lost, result) = decode(&[
        CREATED,
        r#"{"type":"response.in_progress","response":{"id":"resp_1","model":"gpt-5.2"}}"#,
        r#"{"type":"keepalive"}"#,
        r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[]}}"#,
        r#"{"type":"response.reasoning_summary_part.added","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":""}}"#,
        r#"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"A"}"#,
        r#"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":1,"delta":"B"}"#,
        r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"A"}],"encrypted_content":"gAAA"}}"#,
        r#"{"type":"response.output_item.added","output_index":1,"item":{"type":"web_search_call","id":"ws_1"}}"#,
        r#"{"type":"response.web_search_call.searching","output_index":1,"item_id":"ws_1"}"#,
        r#"{"type":"response.output_item.done","output_index":1,"item":{"type":"web_search_call","id":"ws_1"}}"#,
        r#"{"type":"response.output_item.added","output_index":2,"item":{"type":"message","id":"msg_1","content":[]}}"#,
        r#"{"type":"response.content_part.added","output_index":2,"content_index":0,"part":{"type":"output_text","text":""}}"#,
        r#"{"type":"response.output_text.delta","output_index":2,"content_index":0,"delta":"Hi","logprobs":[{"token":"Hi","logprob":-0.5,"top_logprobs":[]}]}"#,
        r#"{"type":"response.output_text.annotation.added","output_index":2,"content_index":0,"annotation_index":0,"annotation":{"type":"url_citation","url":"https://a","title":"T","start_index":0,"end_index":2}}"#,
        r#"{"type":"response.output_text.done","output_index":2,"content_index":0,"text":"Hi"}"#,
        r#"{"type":"response.output_item.done","output_index":2,"item":{"type":"message","content":[{"type":"output_text","text":"Hi","annotations":[{"type":"url_citation","url":"https://a"},{"type":"url_citation","url":"https://b"}]}]}}"#,
        r#"{"type":"response.output_item.added","output_index":3,"item":{"type":"function_call","id":"fc_1","call_id":"c1","name":"f","arguments":""}}"#,
        r#"{"type":"response.function_call_arguments.delta","output_index":3,"delta":"{}"}"#,
        r#"{"type":"response.function_call_arguments.done","output_index":3,"arguments":"{}"}"#,
        r#"{"type":"response.output_item.done","output_index":3,"item":{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"}}"#,
        COMPLETED,
        "[DONE]",
    ]);
    assert_eq!((result, lost), (Ok(()), vec!["output.web_search_call".to_owned()]));
    assert_eq!((answer.model.as_str(), answer.usage.unwrap().input), ("gpt-5.2", 3));
    let choice = &answer.choices[0];
    assert_eq!(choice.finish.as_ref().unwrap().reason, FinishReason::ToolUse);
    let [thinking, AnswerBlock::Text { text, citations, logprobs }, tool] = &choice.blocks[..] else {
        panic!("{choice:?}")
    };
    let seal = Seal { vendor: Vendor::Openai, redacted: false, data: "rs_1|gAAA".into() };
    assert_eq!(thinking, &AnswerBlock::Thinking { text: "A\n\nB".into(), seal: Some(seal) });
    assert_eq!((text.as_str(), citations.len(), logprobs.len()), ("Hi", 2, 1));
    assert_eq!(tool, &call("c1", "f", "{}"));
}

#[test]
fn what_comes_only_as_done_is_given_once() {
    let message = r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"message","content":[{"type":"output_text","text":"Hi"},{"type":"refusal","refusal":"No."}]}}"#;
    let expected = [said("Hi"), AnswerBlock::Refusal("No.".into())];
    assert_eq!(only(&[CREATED, message, message, COMPLETED]).blocks, expected);
    let text_done = r#"{"type":"response.output_text.done","output_index":0,"content_index":0,"text":"Hi"}"#;
    let added = r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"message","content":[]}}"#;
    assert_eq!(only(&[CREATED, added, text_done, message, COMPLETED]).blocks, expected);
    let call_added = r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","call_id":"c","name":"f"}}"#;
    let call_done = r#"{"type":"response.function_call_arguments.done","output_index":0,"arguments":"{\"a\":1}"}"#;
    assert_eq!(only(&[CREATED, call_added, call_done, COMPLETED]).blocks, [call("c", "f", "{\"a\":1}")]);
    assert_eq!(only(&[CREATED, call_added, COMPLETED]).blocks, [call("c", "f", "{}")]);
}

#[test]
fn the_last_event_has_what_was_never_streamed() {
    let completed = r#"{"type":"response.completed","response":{"id":"resp_1","status":"completed","output":[
        {"type":"message","content":[{"type":"output_text","text":"Hi"}]},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}]}}"#;
    assert_eq!(only(&[CREATED, completed]).blocks, [said("Hi"), call("c", "f", "{}")]);
    let delta = r#"{"type":"response.output_text.delta","output_index":0,"delta":"Hi"}"#;
    assert_eq!(only(&[delta, completed]).blocks, [said("Hi"), call("c", "f", "{}")]);
    // Numbered from 1: nothing is missing.
    let second = |index: u32| {
        format!(
            r#"{{"type":"response.output_item.done","output_index":{index},"item":{{"type":"message","content":[{{"type":"output_text","text":"x"}}]}}}}"#
        )
    };
    assert_eq!(only(&[CREATED, &second(1), &second(2), completed]).blocks, [said("x"), said("x")]);
}

#[test]
fn mixed_items_come_one_after_the_other() {
    let added = |index: u32| {
        format!(
            r#"{{"type":"response.output_item.added","output_index":{index},"item":{{"type":"function_call","call_id":"c{index}","name":"f"}}}}"#
        )
    };
    let delta = |index: u32| {
        format!(
            r#"{{"type":"response.function_call_arguments.delta","output_index":{index},"delta":"{{\"a\":{index}}}"}}"#
        )
    };
    let done = |index: u32| {
        format!(
            r#"{{"type":"response.output_item.done","output_index":{index},"item":{{"type":"function_call","call_id":"c{index}","name":"f","arguments":"{{\"a\":{index}}}"}}}}"#
        )
    };
    let expected = [call("c0", "f", "{\"a\":0}"), call("c1", "f", "{\"a\":1}"), call("c2", "f", "{\"a\":2}")];
    let events =
        [added(0), added(1), added(2), delta(1), delta(0), delta(2), done(2), done(1), done(0), COMPLETED.to_owned()];
    let events: Vec<_> = events.iter().map(String::as_str).collect();
    assert_eq!(only(&events).blocks, expected);
}

#[test]
fn an_incomplete_answer_keeps_its_figures() {
    let delta = r#"{"type":"response.output_text.delta","output_index":0,"delta":"Hi"}"#;
    let (answer, _, result) = decode(&[
        CREATED,
        delta,
        r#"{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[],"usage":{"input_tokens":9,"output_tokens":16}}}"#,
    ]);
    assert_eq!(result, Ok(()));
    assert_eq!(answer.usage.unwrap().output, 16);
    assert_eq!(answer.choices[0].finish.as_ref().unwrap().reason, FinishReason::Length);
}

#[test]
fn a_refusal_is_the_end_that_it_is_streamed_or_whole() {
    let delta = r#"{"type":"response.refusal.delta","output_index":0,"delta":"No."}"#;
    let added = r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"message","content":[]}}"#;
    let part = r#"{"type":"message","content":[{"type":"refusal","refusal":"No."}]}"#;
    let whole = format!(r#"{{"object":"response","status":"completed","output":[{part}]}}"#);
    for events in [vec![CREATED, added, delta, COMPLETED], vec![&*whole]] {
        let choice = only(&events);
        assert_eq!(choice.blocks, [AnswerBlock::Refusal("No.".to_owned())]);
        assert_eq!(choice.finish.unwrap().reason, FinishReason::Refusal);
    }
}

#[test]
fn a_failure_keeps_its_figures_whether_or_not_an_error_comes_before_it() {
    let failed = r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"oops"},"usage":{"input_tokens":9,"output_tokens":1}}}"#;
    let error = r#"{"type":"error","error":{"type":"insufficient_quota","code":"insufficient_quota","message":"pay"}}"#;
    for (events, message, status, figures) in [
        (vec![CREATED, failed], "oops", Some(500), true),
        (vec![CREATED, error, failed], "pay", Some(429), true),
        (vec![CREATED, error], "pay", Some(429), false),
        (vec![error], "pay", Some(429), false),
    ] {
        let (answer, _, result) = decode(&events);
        let Err(ResponseError::Provider(failure)) = result else { panic!("{result:?}") };
        assert_eq!((&*failure.message, failure.status, answer.usage.is_some()), (message, status, figures));
    }
    let (_, _, result) = decode(&[r#"{"error":{"message":"plain","code":"server_error"}}"#]);
    assert!(matches!(result, Err(ResponseError::Provider(failure)) if failure.message == "plain"));
}

#[test]
fn unknown_events_are_passed_over_and_broken_ones_are_not() {
    let unknown = r#"{"type":"response.hologram.delta","delta":{"x":1},"output_index":"left"}"#;
    let delta = r#"{"type":"response.output_text.delta","delta":"Hi","output_index":null,"logprobs":null}"#;
    assert_eq!(only(&[CREATED, unknown, delta, COMPLETED]).blocks, [said("Hi")]);
    let (_, _, result) = decode(&[CREATED, r#"{"type":"response.output_text.delta","delta":5}"#]);
    assert!(matches!(result, Err(ResponseError::Malformed(_))));
    assert!(matches!(decode(&["{"]).2, Err(ResponseError::Malformed(_))));
}

#[test]
fn a_whole_response_in_one_event_is_an_answer() {
    let whole = r#"{"object":"response","status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"Hi"}]}]}"#;
    assert_eq!(only(&[whole]).blocks, [said("Hi")]);
}

#[test]
fn there_is_a_bound_to_the_number_of_items() {
    let items: Vec<_> = (0..=MAX_ITEMS)
        .map(|index| format!(r#"{{"type":"response.output_item.added","output_index":{index},"item":{{"type":"x"}}}}"#))
        .collect();
    let items: Vec<_> = items.iter().map(String::as_str).collect();
    assert_eq!(decode(&items).2, Err(ResponseError::TooLarge));
}
