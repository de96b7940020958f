//! The upstream side, request and answer.

use std::fmt::Write;

use super::{request::encode_request, response::decode_response, stream::StreamDecoder};
use crate::{
    canonical::{Block, Chat, Delta, Event, Given, Losses, Message, Part, ResponseFormat, Role, Tool, ToolKind},
    dialect::{DecodeStream, Frame, Framing, ResponseError, Translation},
    words::Format,
};

fn short(out: &mut String, event: &Event<'_>) {
    let _ = match event {
        Event::Start { model } => write!(out, "{model}:"),
        Event::Choice(index) => write!(out, "@{index}"),
        Event::BlockStart(_) => write!(out, "<"),
        Event::BlockDelta(Delta::Text(text)) => write!(out, "{text}"),
        Event::BlockDelta(Delta::Logprobs(tokens)) => write!(out, "%{tokens:?}"),
        Event::BlockStop => write!(out, ">"),
        Event::Usage { usage, terminal } => {
            write!(out, "({}+{}{})", usage.total_input(), usage.output, if *terminal { "." } else { "" })
        }
        Event::Finish(finish) => write!(out, "={:?}{}", finish.reason, finish.stop_sequence.as_deref().unwrap_or("")),
        Event::End => write!(out, "$"),
        other => write!(out, "{other:?}"),
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

fn whole(body: &str) -> Result<String, ResponseError> {
    let mut out = String::new();
    decode_response(body.as_bytes(), &mut |event| short(&mut out, &event))?;
    Ok(out)
}

#[test]
fn a_stream_is_text_a_reason_and_figures() {
    let text = r#"{"model":"m","choices":[{"index":0,"text":"Hi","logprobs":null,"finish_reason":null}],"usage":null}"#;
    let last = r#"{"model":"m","choices":[{"index":0,"text":"!","logprobs":null,"finish_reason":"length"}]}"#;
    let usage = r#"{"model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#;
    assert_eq!(streamed(&[text, last, usage, "[DONE]"]).unwrap(), "m:<Hi!>=Length(3+2.)$");
    assert_eq!(streamed(&[text, "[DONE]"]).unwrap(), "m:<Hi>=Stop$");
    assert_eq!(streamed(&[text]).unwrap(), "m:<Hi>");
    assert_eq!(streamed(&["[DONE]"]).unwrap(), "");
}

#[test]
fn choices_keep_apart() {
    let chunk = |index: u32, text: &str, finish: &str| {
        format!(r#"{{"model":"m","choices":[{{"index":{index},"text":"{text}","finish_reason":{finish}}}]}}"#)
    };
    let chunks = [chunk(1, "b", "null"), chunk(0, "a", "\"stop\""), chunk(1, "B", "\"stop\""), chunk(0, "x", "null")];
    let chunks: Vec<&str> = chunks.iter().map(|chunk| &**chunk).collect();
    assert_eq!(streamed(&chunks).unwrap(), "m:@1<b@0<a>=Stop@1B>=Stop");
}

#[test]
fn whole_answers_are_read_and_told_from_errors() {
    let body = r#"{"model":"m","choices":[{"index":0,"text":"a","finish_reason":"stop","stop_reason":"END"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#;
    assert_eq!(whole(body).unwrap(), "m:<a>=StopSequenceEND(1+1.)$");
    assert_eq!(whole(&body.replace("END", r"\nUser:")).unwrap(), "m:<a>=Stop(1+1.)$");
    assert_eq!(whole(r#"{"choices":[{"text":""}]}"#).unwrap(), ":=Stop$");
    assert!(matches!(whole(r#"{"choices":[]}"#), Err(ResponseError::Malformed(_))));
    assert!(matches!(whole(r#"{"object":"error","message":"m","code":400}"#), Err(ResponseError::Provider(_))));
    assert!(matches!(streamed(&[r#"{"error":{"message":"m"}}"#]), Err(ResponseError::Provider(_))));
    assert!(matches!(streamed(&["{"]), Err(ResponseError::Malformed(_))));
}

#[test]
fn probabilities_of_the_old_shape_are_read() {
    let body = r#"{"choices":[{"text":"ab","finish_reason":"stop","logprobs":{"tokens":["a","b"],"token_logprobs":[null,-0.5],"top_logprobs":[null,{"b":-0.5,"c":-1}],"text_offset":[0,1]}}]}"#;
    let expected = r#":<ab%[TokenLogprob { token: "b", logprob: -0.5, top: [("b", -0.5), ("c", -1.0)] }]>=Stop$"#;
    assert_eq!(whole(body).unwrap(), expected);
}

fn translation(stream: bool) -> Translation<'static> {
    Translation {
        client: Format::OpenaiChat,
        upstream: Format::OpenaiCompletions,
        model: "m",
        default_max_tokens: 4096,
        stream,
        include_usage: false,
        framing: Framing::Sse,
        exchange: "0",
        created_s: 0,
    }
}

fn message(role: Role, block: Block<'static>) -> Message<'static> {
    let part = Part { block, cache: None, path: "part".to_owned() };
    Message { role, parts: vec![part], path: "message".to_owned() }
}

fn text(role: Role, text: &'static str) -> Message<'static> {
    message(role, Block::Text(text.into()))
}

fn sent(chat: &Chat<'_>, stream: bool) -> (String, Vec<String>) {
    let mut losses = Losses::default();
    let body = encode_request(&translation(stream), chat, &mut losses).unwrap();
    (String::from_utf8(body).unwrap(), losses.iter().map(|loss| loss.path.clone()).collect())
}

#[test]
fn one_message_of_the_user_is_the_prompt() {
    let chat = Chat { messages: vec![text(Role::User, "Once upon")], ..Chat::default() };
    let expected = r#"{"model":"m","prompt":"Once upon","max_tokens":4096}"#;
    assert_eq!(sent(&chat, false), (expected.to_owned(), vec![]));
    let expected =
        r#"{"model":"m","prompt":"Once upon","max_tokens":4096,"stream":true,"stream_options":{"include_usage":true}}"#;
    assert_eq!(sent(&chat, true).0, expected);
}

#[test]
fn a_conversation_is_a_transcript() {
    let mut chat = Chat { messages: vec![text(Role::System, "Be kind."), text(Role::User, "Hi")], ..Chat::default() };
    let (body, losses) = sent(&chat, false);
    assert!(body.contains(r#""prompt":"System: Be kind.\n\nUser: Hi\n\nAssistant:""#), "{body}");
    assert!(body.ends_with(r#""stop":["\nUser:"]}"#), "{body}");
    assert_eq!(losses, ["message"]);
    chat.messages.push(text(Role::Assistant, "Good"));
    assert!(sent(&chat, false).0.contains(r#"User: Hi\n\nAssistant: Good""#));
}

#[test]
fn content_without_words_is_refused_and_parameters_are_lost() {
    let call = Block::ToolUse { id: "a".into(), name: "f".into(), input: "{}".into() };
    let chat = Chat { messages: vec![message(Role::Assistant, call)], ..Chat::default() };
    let error = encode_request(&translation(false), &chat, &mut Losses::default()).unwrap_err();
    assert_eq!(error.param.as_deref(), Some("part"));
    let mut chat = Chat { messages: vec![text(Role::User, "Hi")], ..Chat::default() };
    chat.tools = vec![Tool { kind: ToolKind::CodeExecution, cache: None, path: "tools.0".to_owned() }];
    chat.response_format = Some(Given::new(ResponseFormat::JsonObject, "response_format"));
    chat.logprobs = Some(Given::new(9, "top_logprobs"));
    chat.sampling.top_k = Some(Given::new(9, "top_k"));
    chat.stop = ["a", "b", "c", "d", "e"].into_iter().map(|stop| Given::new(stop.into(), stop)).collect();
    let (body, losses) = sent(&chat, false);
    assert_eq!(body, r#"{"model":"m","prompt":"Hi","max_tokens":4096,"logprobs":5,"stop":["a","b","c","d"]}"#);
    assert_eq!(losses, ["tools.0", "top_k", "response_format", "e", "top_logprobs"]);
}
