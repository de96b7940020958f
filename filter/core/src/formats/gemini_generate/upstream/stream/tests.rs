//! Streams, decoded.

use super::{super::response::decode_response, *};

/// The events of a whole answer, a line each.
fn events(body: &str) -> Vec<String> {
    let mut events = Vec::new();
    decode_response(body.as_bytes(), &mut |event| events.push(show(&event))).unwrap();
    events
}

fn show(event: &Event<'_>) -> String {
    match event {
        Event::Start { model } => format!("start {model}"),
        Event::Choice(index) => format!("choice {index}"),
        Event::BlockStart(BlockStart::ToolUse { name, .. }) => format!("call {name}"),
        Event::BlockStart(start) => format!("{start:?}"),
        Event::BlockDelta(Delta::Text(text)) => format!("+{text}"),
        Event::BlockDelta(Delta::Thinking(text)) => format!("+{text}"),
        Event::BlockDelta(Delta::Input(text)) => format!("+{text}"),
        Event::BlockDelta(Delta::Seal(seal)) => format!("seal {}", seal.data),
        Event::BlockDelta(Delta::Citation(citation)) => format!("cite {:?}", citation.span),
        Event::BlockDelta(Delta::Logprobs(tokens)) => format!("logprobs {}", tokens.len()),
        Event::BlockStop => "stop".to_owned(),
        Event::Finish(finish) => format!("finish {:?}", finish.reason),
        Event::Usage { terminal, .. } => format!("usage {terminal}"),
        Event::End => "end".to_owned(),
        Event::Ping => "ping".to_owned(),
        Event::Lost { path, .. } => format!("lost {path}"),
    }
}

fn answer(parts: &str) -> String {
    format!(r#"{{"candidates":[{{"content":{{"parts":[{parts}]}},"finishReason":"STOP"}}],"modelVersion":"m"}}"#)
}

#[test]
fn a_seal_closes_the_thinking_before_its_part() {
    let body = answer(
        r#"{"text":"a","thought":true},{"text":"b","thought":true},{"functionCall":{"name":"f","args":{}},"thoughtSignature":"s"}"#,
    );
    assert_eq!(
        events(&body),
        ["start m", "Thinking", "+a", "+b", "seal s", "stop", "call f", "+{}", "stop", "finish ToolUse", "end"]
    );
}

#[test]
fn a_seal_without_thoughts_is_a_thinking_of_its_own() {
    let body = answer(r#"{"text":"x"},{"text":"","thoughtSignature":"s"}"#);
    assert_eq!(events(&body), ["start m", "Text", "+x", "stop", "Thinking", "seal s", "stop", "finish Stop", "end"]);
}

#[test]
fn citations_stand_behind_the_text_that_they_are_of() {
    let body = r#"{"candidates":[{"content":{"parts":[{"text":"h"},{"text":"\u00e9!"},{"text":"","thoughtSignature":"s"}]},
        "groundingMetadata":{"groundingChunks":[{"web":{"uri":"u"}}],"groundingSupports":[
            {"segment":{"startIndex":1,"endIndex":3},"groundingChunkIndices":[0,7]}]},"finishReason":"STOP"}]}"#;
    assert_eq!(
        events(body),
        [
            "start ",
            "Text",
            "+h",
            "+\u{e9}!",
            "cite Some((1, 2))",
            "lost groundingMetadata.groundingSupports",
            "stop",
            "Thinking",
            "seal s",
            "stop",
            "finish Stop",
            "end"
        ]
    );
}

#[test]
fn the_reason_is_given_out_once_and_it_is_the_last() {
    let mut decoder = StreamDecoder::default();
    let mut events = Vec::new();
    let chunks = [
        r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"b"}]}}]}"#,
        r#"{"candidates":[{"finishReason":"MAX_TOKENS"}],"usageMetadata":{"promptTokenCount":1}}"#,
        "[DONE]",
    ];
    for chunk in chunks {
        let frame = Frame { name: b"", data: chunk.as_bytes(), is_exception: false };
        decoder.decode(frame, &mut |event| events.push(show(&event))).unwrap();
    }
    decoder.finish(&mut |event| events.push(show(&event))).unwrap();
    assert_eq!(events, ["start ", "Text", "+a", "+b", "usage true", "stop", "finish Length", "usage true"]);
}

#[test]
fn a_stream_that_gives_no_reason_gets_none() {
    let mut decoder = StreamDecoder::default();
    let mut events = Vec::new();
    let chunk = br#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#;
    let frame = Frame { name: b"", data: chunk, is_exception: false };
    decoder.decode(frame, &mut |event| events.push(show(&event))).unwrap();
    decoder.finish(&mut |event| events.push(show(&event))).unwrap();
    assert_eq!(events, ["start ", "Text", "+a", "stop"]);
}

#[test]
fn a_blocked_prompt_is_an_answer_that_was_filtered() {
    let events = events(r#"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":4}}"#);
    assert_eq!(events, ["start ", "usage true", "finish Filter", "usage true", "end"]);
}

#[test]
fn made_ids_differ_within_an_answer_and_between_answers() {
    let ids = |response: &str| {
        let call = r#"{"functionCall":{"name":"f","args":{}}}"#;
        let body = format!(r#"{{"candidates":[{{"content":{{"parts":[{call},{call}]}}}}],"responseId":"{response}"}}"#);
        let mut ids = Vec::new();
        let mut sink = |event: Event<'_>| {
            if let Event::BlockStart(BlockStart::ToolUse { id, .. }) = event {
                ids.push(id.into_owned());
            }
        };
        decode_response(body.as_bytes(), &mut sink).unwrap();
        ids
    };
    let (first, second) = (ids("a"), ids("b"));
    assert_eq!(ids("a"), first);
    assert!(first[0] != first[1] && first[0] != second[0] && first[0].starts_with("call_"), "{first:?}");
}

#[test]
fn neither_an_error_nor_nothing_is_an_answer() {
    let decode = |body: &str| decode_response(body.as_bytes(), &mut |_| {}).unwrap_err();
    let error = decode(r#"[{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}]"#);
    let ResponseError::Provider(failure) = error else { panic!("{error:?}") };
    assert_eq!((failure.status, failure.kind.as_deref()), (Some(429), Some("RESOURCE_EXHAUSTED")));
    for body in ["{}", "[]", r#"{"candidates":[]}"#, "null", "", r#"{"candidates":[{"content":1}]}"#] {
        assert!(matches!(decode(body), ResponseError::Malformed(_)), "{body}");
    }
}
