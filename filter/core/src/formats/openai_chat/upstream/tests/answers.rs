//! Answers of providers, decoded.

use std::fmt::Write;

use super::super::{response::decode_response, stream::StreamDecoder};
use crate::{
    canonical::{BlockStart, Delta, Event, Usage},
    dialect::{DecodeStream, Frame, ResponseError},
};

/// Events in short: blocks in brackets, `#` before a seal, `^` before a citation, `%` before probabilities.
fn short(out: &mut String, event: &Event<'_>) {
    let _ = match event {
        Event::Start { model } => write!(out, "{model}:"),
        Event::Choice(index) => write!(out, "@{index}"),
        Event::BlockStart(BlockStart::ToolUse { id, name }) => write!(out, "<{name} {id} "),
        Event::BlockStart(start) => write!(out, "<{start:?} "),
        Event::BlockDelta(Delta::Text(text) | Delta::Thinking(text) | Delta::Input(text)) => write!(out, "{text}"),
        Event::BlockDelta(Delta::Seal(seal)) => {
            write!(out, "#{:?}{}{}", seal.vendor, if seal.redacted { "!" } else { "" }, seal.data)
        }
        Event::BlockDelta(Delta::Citation(citation)) => {
            write!(out, "^{}{:?}", citation.url.as_deref().unwrap_or_default(), citation.span)
        }
        Event::BlockDelta(Delta::Logprobs(tokens)) => {
            write!(out, "%{}", tokens.iter().map(|token| &*token.token).collect::<Vec<_>>().join("|"))
        }
        Event::BlockStop => write!(out, ">"),
        Event::Usage { usage, terminal } => {
            write!(out, "({}+{}{})", usage.total_input(), usage.output, if *terminal { "." } else { "" })
        }
        Event::Finish(finish) => write!(out, "={:?}{}", finish.reason, finish.stop_sequence.as_deref().unwrap_or("")),
        Event::End => write!(out, "$"),
        Event::Ping => write!(out, "~"),
        Event::Lost { path, .. } => write!(out, "-{path}"),
    };
}

fn streamed(chunks: &[&str]) -> Result<String, ResponseError> {
    let mut out = String::new();
    let mut decoder = StreamDecoder::default();
    for chunk in chunks {
        let frame = Frame { name: b"", data: chunk.as_bytes(), is_exception: false };
        decoder.decode(frame, &mut |event| short(&mut out, &event))?;
    }
    decoder.finish(&mut |event| short(&mut out, &event))?;
    Ok(out)
}

/// A stream of one choice whose chunks have these deltas.
fn deltas(deltas: &[&str], finish: &str) -> String {
    let mut chunks: Vec<String> = deltas
        .iter()
        .map(|delta| {
            format!(r#"{{"id":"c1","model":"m","choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#)
        })
        .collect();
    chunks.push(format!(
        r#"{{"id":"c1","model":"m","choices":[{{"index":0,"delta":{{}},"finish_reason":"{finish}"}}]}}"#
    ));
    chunks.push("[DONE]".to_owned());
    streamed(&chunks.iter().map(|chunk| &**chunk).collect::<Vec<_>>()).unwrap()
}

fn whole(body: &str) -> Result<String, ResponseError> {
    let mut out = String::new();
    decode_response(body.as_bytes(), &mut |event| short(&mut out, &event))?;
    Ok(out)
}

#[test]
fn a_role_alone_begins_no_block() {
    assert_eq!(
        deltas(&[r#"{"role":"assistant","content":""}"#, r#"{"content":"Hi"}"#, r#"{"content":"!"}"#], "stop"),
        "m:<Text Hi!>=Stop$",
    );
}

#[test]
fn reasoning_is_told_once_however_often_it_is_said() {
    let twice = r#"{"reasoning":"Hm","reasoning_details":[{"type":"reasoning.text","text":"Hm","format":"unknown","index":0}]}"#;
    let sealed = r#"{"reasoning_details":[{"type":"reasoning.text","signature":"Et0B","format":"anthropic-claude-v1","index":0}]}"#;
    assert_eq!(deltas(&[twice, sealed, r#"{"content":"4"}"#], "stop"), "m:<Thinking Hm#AnthropicEt0B><Text 4>=Stop$",);
    assert_eq!(
        deltas(&[r#"{"reasoning_content":"Hm","content":null}"#, r#"{"content":"4"}"#], "stop"),
        "m:<Thinking Hm><Text 4>=Stop$",
    );
}

#[test]
fn redacted_and_encrypted_reasoning_keep_their_seals() {
    let list = r#"{"reasoning_details":[
        {"type":"reasoning.encrypted","data":"EmwK","format":"anthropic-claude-v1","index":0},
        {"type":"reasoning.summary","summary":"Sum","format":"openai-responses-v1","index":1},
        {"type":"reasoning.encrypted","data":"gAAA","format":"openai-responses-v1","id":"rs_1","index":1}]}"#;
    assert_eq!(deltas(&[list], "stop"), "m:<Thinking #Anthropic!EmwK><Thinking Sum#OpenaigAAA>=Stop$",);
    let blocks = r#"{"reasoning_content":"Hm","thinking_blocks":[
        {"type":"thinking","thinking":"Hm","signature":"EqQB"},{"type":"redacted_thinking","data":"EmwK"}]}"#;
    assert_eq!(deltas(&[blocks], "stop"), "m:<Thinking Hm#AnthropicEqQB><Thinking #Anthropic!EmwK>=Stop$");
}

#[test]
fn googles_seal_stands_before_what_it_belongs_to() {
    let call = |id: &str, extra: &str| {
        format!(
            r#"{{"tool_calls":[{{"index":0,"id":"{id}","type":"function","function":{{"name":"f","arguments":"{{}}"}}{extra}}}]}}"#
        )
    };
    let first = call("a", r#","extra_content":{"google":{"thought_signature":"CiQB"}}"#);
    // Gemini gives every call the index 0.
    assert_eq!(deltas(&[&first, &call("b", "")], "tool_calls"), "m:<Thinking #GoogleCiQB><f a {}><f b {}>=ToolUse$",);
}

#[test]
fn calls_in_turns_come_out_one_by_one() {
    assert_eq!(
        deltas(
            &[
                r#"{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}},{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":""}}]}"#,
                r#"{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\":"}},{"index":1,"function":{"arguments":"{\"y\":2}"}}]}"#,
                r#"{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}"#,
            ],
            "tool_calls",
        ),
        r#"m:<f a {"x":1}><g b {"y":2}>=ToolUse$"#,
    );
}

#[test]
fn a_call_repeated_in_each_piece_is_one_call() {
    let piece = |arguments: &str| {
        format!(
            r#"{{"tool_calls":[{{"index":0,"id":"a","type":"function","function":{{"name":"f","arguments":"{arguments}"}}}}]}}"#
        )
    };
    assert_eq!(deltas(&[&piece("{"), &piece("}")], "tool_calls"), "m:<f a {}>=ToolUse$");
}

#[test]
fn calls_without_ids_get_stable_ones() {
    let nameless = r#"{"tool_calls":[{"function":{"name":"f","arguments":{"x":1}}},{"function":{"name":"f"}}]}"#;
    let out = deltas(&[nameless], "tool_calls");
    assert_eq!(out, deltas(&[nameless], "tool_calls"));
    let ids: Vec<&str> = out.split("<f ").skip(1).filter_map(|call| call.split(' ').next()).collect();
    assert!(matches!(ids[..], [a, b] if a.starts_with("call_") && b.starts_with("call_") && a != b), "{out}");
    assert!(out.contains(r#"{"x":1}>"#) && out.contains("{}>"), "{out}");
}

#[test]
fn what_is_kept_of_calls_is_bounded() {
    let call = |index: usize, name: &str| {
        format!(r#"{{"choices":[{{"delta":{{"tool_calls":[{{"index":{index},"function":{{"name":"{name}"}}}}]}}}}]}}"#)
    };
    let many: Vec<String> = (0..300).map(|index| call(index, "f")).collect();
    let many: Vec<&str> = many.iter().map(|chunk| &**chunk).collect();
    assert_eq!(streamed(&many), Err(ResponseError::TooLarge));
    assert_eq!(streamed(&[&call(0, &"f".repeat(5000))]), Err(ResponseError::TooLarge));
}

#[test]
fn a_legacy_function_call_is_a_call() {
    let out = deltas(
        &[r#"{"function_call":{"name":"f","arguments":""}}"#, r#"{"function_call":{"arguments":"{\"x\":1}"}}"#],
        "function_call",
    );
    assert!(out.starts_with("m:<f call_") && out.ends_with(r#" {"x":1}>=ToolUse$"#), "{out}");
}

#[test]
fn stop_after_a_call_or_a_refusal_says_what_it_was() {
    let call = r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#;
    assert_eq!(deltas(&[call], "stop"), "m:<f a {}>=ToolUse$");
    assert_eq!(deltas(&[r#"{"refusal":"No."}"#], "stop"), "m:<Refusal No.>=Refusal$");
}

#[test]
fn every_wording_of_a_finish_reason_is_known() {
    let cases = [
        ("stop", "=Stop$"),
        ("eos", "=Stop$"),
        ("length", "=Length$"),
        ("max_tokens", "=Length$"),
        ("model_length", "=ContextFull$"),
        ("content_filter", "=Filter$"),
        ("sensitive", "=Filter$"),
    ];
    for (word, expected) in cases {
        assert_eq!(deltas(&[r#"{"content":"x"}"#], word), format!("m:<Text x>{expected}"), "{word}");
    }
}

#[test]
fn choices_keep_apart() {
    let chunk = |index: u32, text: &str, finish: &str| {
        format!(
            r#"{{"model":"m","choices":[{{"index":{index},"delta":{{"content":"{text}"}},"finish_reason":{finish}}}]}}"#
        )
    };
    let chunks = [chunk(1, "b", "null"), chunk(0, "a", "null"), chunk(1, "B", "\"stop\""), chunk(0, "A", "\"length\"")];
    assert_eq!(
        streamed(&chunks.iter().map(|chunk| &**chunk).collect::<Vec<_>>()).unwrap(),
        "m:@1<Text b@0<Text a@1B>=Stop@0A>=Length",
    );
}

#[test]
fn usage_is_final_from_the_last_reason_on() {
    let chunk = |finish: &str, output: u64| {
        format!(
            r#"{{"model":"m","choices":[{{"index":0,"delta":{{"content":"x"}},"finish_reason":{finish}}}],"usage":{{"prompt_tokens":3,"completion_tokens":{output}}}}}"#
        )
    };
    assert_eq!(streamed(&[&chunk("null", 1), &chunk("\"stop\"", 2)]).unwrap(), "m:<Text x(3+1)x>=Stop(3+2.)");
    let added = r#"{"model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#;
    let plain = r#"{"model":"m","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}"#;
    assert_eq!(streamed(&[plain, added, "[DONE]"]).unwrap(), "m:<Text x>=Stop(3+2.)$");
    let groq = r#"{"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x_groq":{"usage":{"prompt_tokens":3,"completion_tokens":2}}}"#;
    assert_eq!(streamed(&[groq, "[DONE]"]).unwrap(), "m:=Stop(3+2.)$");
}

#[test]
fn done_without_a_reason_is_a_plain_stop_and_an_end_without_either_is_none() {
    let open = r#"{"model":"m","choices":[{"index":0,"delta":{"content":"x"}}]}"#;
    assert_eq!(streamed(&[open, "[DONE]"]).unwrap(), "m:<Text x>=Stop$");
    assert_eq!(streamed(&[open]).unwrap(), "m:<Text x>");
    assert_eq!(streamed(&["[DONE]"]).unwrap(), "");
}

#[test]
fn azures_first_chunk_begins_nothing() {
    let filters =
        r#"{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0}]}"#;
    let text = r#"{"id":"c","model":"gpt-4o","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}"#;
    assert_eq!(streamed(&[filters, text]).unwrap(), "gpt-4o:<Text x>=Stop");
}

#[test]
fn an_error_in_a_stream_is_the_providers() {
    let open = r#"{"model":"m","choices":[{"index":0,"delta":{"content":"x"}}]}"#;
    let cases = [
        r#"{"error":{"message":"rate limited","code":429}}"#,
        r#"{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}],"error":{"message":"rate limited"}}"#,
    ];
    for error in cases {
        let Err(ResponseError::Provider(failure)) = streamed(&[open, error]) else { panic!("{error}") };
        assert_eq!(failure.message, "rate limited");
    }
    assert!(matches!(streamed(&["{\"choices\":"]), Err(ResponseError::Malformed(_))));
}

#[test]
fn contents_of_every_shape_are_read() {
    let mistral = r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm"}],"closed":true},{"type":"text","text":"4"},{"type":"reference","reference_ids":[1]}]}"#;
    assert_eq!(deltas(&[mistral], "stop"), "m:<Thinking Hm><Text 4-content.reference>=Stop$");
    assert_eq!(deltas(&[r#"{"content":{"a":1}}"#], "stop"), r#"m:<Text {"a":1}>=Stop$"#);
    let audio = r#"{"content":null,"audio":{"id":"a","data":"AAAA","transcript":"Hello"}}"#;
    assert_eq!(deltas(&[audio], "stop"), "m:-audio<Text Hello>=Stop$");
}

#[test]
fn citations_and_probabilities_go_with_their_text() {
    let body = r#"{"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"So it is.","annotations":[
        {"type":"url_citation","url_citation":{"url":"https://a.example","title":"A","start_index":0,"end_index":2}},
        {"type":"file","file":{"hash":"x"}}]},
        "logprobs":{"content":[{"token":"So","logprob":-0.1,"bytes":null,"top_logprobs":[]}],
        "refusal":[{"token":"No","logprob":-0.1}]},"finish_reason":"stop"}]}"#;
    let expected = "m:<Text So it is.-logprobs.refusal%So^https://a.exampleSome((0, 2))-annotations>=Stop$";
    assert_eq!(whole(body).unwrap(), expected);
    let first = r#"{"content":"","annotations":[{"type":"url_citation","url_citation":{"url":"https://a.example","start_index":0,"end_index":0}}]}"#;
    assert_eq!(deltas(&[first, r#"{"content":"So."}"#], "stop"), "m:<Text ^https://a.exampleNoneSo.>=Stop$");
    let sources = r#"{"model":"m","choices":[{"index":0,"delta":{"content":"So [1]."},"message":{"content":"So [1]."},"finish_reason":"stop"}],"citations":["https://a.example"]}"#;
    assert_eq!(streamed(&[sources]).unwrap(), "m:<Text So [1].^https://a.exampleNone>=Stop");
}

#[test]
fn a_stop_text_is_told_where_the_provider_tells() {
    let body =
        r#"{"model":"m","choices":[{"index":0,"message":{"content":"a"},"finish_reason":"stop","stop_reason":"END"}]}"#;
    assert_eq!(whole(body).unwrap(), "m:<Text a>=StopSequenceEND$");
    let id = r#"{"model":"m","choices":[{"index":0,"message":{"content":"a"},"finish_reason":"stop","stop_reason":151645}]}"#;
    assert_eq!(whole(id).unwrap(), "m:<Text a>=Stop$");
}

#[test]
fn whole_answers_that_are_none_are_told_apart() {
    assert!(matches!(whole(r#"{"choices":[]}"#), Err(ResponseError::Malformed(_))));
    assert!(matches!(whole(r#"{"error":{"message":"m"}}"#), Err(ResponseError::Provider(_))));
    assert!(matches!(whole(r#"{"object":"error","message":"m","code":400}"#), Err(ResponseError::Provider(_))));
    assert_eq!(whole(r#"{"choices":[{"index":0,"message":null,"finish_reason":null}]}"#).unwrap(), ":=Stop$");
}

#[test]
fn usage_reaches_the_canonical_buckets() {
    let mut seen = None;
    let body = br#"{"model":"m","choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4}}}"#;
    decode_response(body, &mut |event| {
        if let Event::Usage { usage, terminal: true } = event {
            seen = Some(usage);
        }
    })
    .unwrap();
    assert_eq!(seen, Some(Usage { input: 6, cache_read: 4, output: 5, ..Usage::default() }));
}
