//! The client side, request and answer.

use super::{request::decode_request, response::ResponseEncoder, stream::StreamEncoder};
use crate::{
    canonical::{Answer, Block, BlockStart, Chat, Delta, Event, FinishReason, Losses, Role, TokenLogprob, Usage},
    dialect::{EncodeResponse, EncodeStream, Framing, InvalidRequest, Translation},
    json::Envelope,
    words::Format,
};

fn decode(body: &str) -> Result<Chat<'_>, InvalidRequest> {
    decode_request(body.as_bytes(), &Envelope::scan(body.as_bytes()).unwrap())
}

#[test]
fn a_prompt_is_the_words_of_a_user() {
    for body in [r#"{"model":"m","prompt":"Hi"}"#, r#"{"model":"m","prompt":["Hi"]}"#] {
        let chat = decode(body).unwrap();
        assert_eq!(chat.messages.len(), 1);
        assert_eq!(chat.messages[0].role, Role::User);
        assert_eq!(chat.messages[0].parts[0].block, Block::Text("Hi".into()));
        assert_eq!(chat.max_tokens.unwrap().value, 16);
        assert!(chat.extra.is_empty());
    }
}

#[test]
fn every_sayable_member_is_said() {
    let chat = decode(
        r#"{"prompt":"Hi","max_tokens":5,"temperature":0,"top_p":0.5,"frequency_penalty":1,"presence_penalty":1,"seed":3,
        "n":2,"logprobs":0,"logit_bias":{"1":1},"stop":["a","b"],"user":"u","stream":true,"stream_options":{"include_usage":true}}"#,
    )
    .unwrap();
    assert_eq!(chat.max_tokens.unwrap().value, 5);
    assert_eq!((chat.choices.unwrap().value, chat.logprobs.unwrap().value), (2, 0));
    assert_eq!(chat.stop[1].path, "stop.1");
    assert_eq!(chat.sampling.seed.unwrap().value, 3);
    assert!(chat.extra.is_empty());
}

#[test]
fn what_has_no_place_is_named_unless_it_is_the_default() {
    let body = r#"{"prompt":"Hi","suffix":"","echo":false,"best_of":1,"n":1,"logprobs":null,"logit_bias":{}}"#;
    assert!(decode(body).unwrap().extra.is_empty());
    let body = r#"{"prompt":"Hi","suffix":"end","echo":true,"best_of":3,"min_p":0.1}"#;
    assert_eq!(decode(body).unwrap().extra, ["suffix", "echo", "best_of", "min_p"]);
}

#[test]
fn prompts_that_are_not_one_text_are_refused_with_advice() {
    let cases = [
        (r#"{"prompt":["a","b"]}"#, "send each in its own"),
        (r#"{"prompt":[1,2]}"#, "send the text they stand for"),
        (r#"{"prompt":[[1,2]]}"#, "send the text they stand for"),
        (r#"{"prompt":[]}"#, "must be a text"),
        (r#"{"prompt":null}"#, "must be a text"),
        (r#"{"model":"m"}"#, "must be a text"),
    ];
    for (body, expected) in cases {
        let error = decode(body).unwrap_err();
        assert!(error.param.as_deref() == Some("prompt") && error.message.ends_with(expected), "{body}: {error}");
    }
}

fn translation(include_usage: bool) -> Translation<'static> {
    Translation {
        client: Format::OpenaiCompletions,
        upstream: Format::AnthropicMessages,
        model: "m",
        default_max_tokens: 4096,
        stream: true,
        include_usage,
        framing: Framing::Sse,
        exchange: "0",
        created_s: 1,
    }
}

/// The body of a whole answer, a stream, and what both lost.
fn encoded(events: &[Event<'static>], include_usage: bool) -> (String, String, Vec<String>) {
    let mut losses = Losses::default();
    let mut answer = Answer::default();
    let mut encoder = StreamEncoder::new(&translation(include_usage));
    let mut out = Vec::new();
    for event in events {
        answer.add(event.clone());
        encoder.encode(event, &mut out, &mut losses);
    }
    let whole = ResponseEncoder::new(&translation(include_usage)).encode(&answer, &mut losses);
    let paths = losses.iter().map(|loss| loss.path.clone()).collect();
    (String::from_utf8(whole).unwrap(), String::from_utf8(out).unwrap(), paths)
}

fn said(text: &'static str) -> Event<'static> {
    Event::BlockDelta(Delta::Text(text.into()))
}

#[test]
fn an_answer_is_its_text_and_the_rest_is_lost() {
    let (whole, stream, losses) = encoded(
        &[
            Event::Start { model: "claude".into() },
            Event::BlockStart(BlockStart::Thinking),
            Event::BlockDelta(Delta::Thinking("Hm".into())),
            Event::BlockStop,
            Event::BlockStart(BlockStart::Text),
            said("H"),
            said("i"),
            Event::BlockStop,
            Event::BlockStart(BlockStart::ToolUse { id: "a".into(), name: "f".into() }),
            Event::BlockDelta(Delta::Input("{}".into())),
            Event::BlockStop,
            Event::Finish(FinishReason::ToolUse.into()),
            Event::Usage { usage: Usage { input: 1, output: 2, ..Usage::default() }, terminal: true },
            Event::End,
        ],
        true,
    );
    let usage = r#""usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}}"#;
    let head = r#"{"id":"cmpl-0","object":"text_completion","created":1,"model":"claude","choices":["#;
    assert_eq!(whole, format!(r#"{head}{{"text":"Hi","index":0,"logprobs":null,"finish_reason":"stop"}}],{usage}}}"#));
    let chunk = |text: &str, finish: &str| {
        format!(
            "data: {head}{{\"text\":\"{text}\",\"index\":0,\"logprobs\":null,\"finish_reason\":{finish}}}],\"usage\":null}}\n\n"
        )
    };
    let expected = [
        chunk("H", "null"),
        chunk("i", "null"),
        chunk("", "\"stop\""),
        format!("data: {head}],{usage}}}\n\ndata: [DONE]\n\n"),
    ];
    assert_eq!(stream, expected.concat());
    assert_eq!(losses, ["reasoning", "tool_calls", "finish_reason"]);
}

#[test]
fn probabilities_have_the_old_shape() {
    let token =
        |token: &str| TokenLogprob { token: token.to_owned(), logprob: -0.5, top: vec![("x".to_owned(), -1.0)] };
    let (whole, stream, _) = encoded(
        &[
            Event::BlockStart(BlockStart::Text),
            said("é"),
            Event::BlockDelta(Delta::Logprobs(vec![token("é")])),
            said("b"),
            Event::BlockDelta(Delta::Logprobs(vec![token("b")])),
            Event::BlockStop,
            Event::Finish(FinishReason::Length.into()),
            Event::End,
        ],
        false,
    );
    let expected = r#""logprobs":{"tokens":["é","b"],"token_logprobs":[-0.5,-0.5],"top_logprobs":[{"x":-1.0},{"x":-1.0}],"text_offset":[0,1]},"finish_reason":"length""#;
    assert!(whole.contains(expected), "{whole}");
    assert!(stream.contains(r#""tokens":["b"],"token_logprobs":[-0.5],"top_logprobs":[{"x":-1.0}],"text_offset":[1]"#));
    assert!(!stream.contains("usage"));
}

#[test]
fn choices_keep_apart() {
    let (whole, stream, _) = encoded(
        &[
            Event::Start { model: "m".into() },
            Event::BlockStart(BlockStart::Text),
            said("a"),
            Event::Choice(1),
            Event::BlockStart(BlockStart::Text),
            said("b"),
            Event::BlockStop,
            Event::Finish(FinishReason::Stop.into()),
            Event::Choice(0),
            Event::BlockStop,
            Event::Finish(FinishReason::Refusal.into()),
            Event::End,
        ],
        false,
    );
    assert!(whole.contains(
        r#"[{"text":"a","index":0,"logprobs":null,"finish_reason":"content_filter"},{"text":"b","index":1,"logprobs":null,"finish_reason":"stop"}]"#
    ));
    assert!(stream.contains(r#"{"text":"b","index":1,"#));
}
