//! Streams, encoded.

use serde_json::json;

use super::*;
use crate::{
    canonical::{Citation, Finish, Seal, TokenLogprob, Vendor},
    dialect::Framing,
    words::Format,
};

const TRANSLATION: Translation<'_> = Translation {
    client: Format::OpenaiResponses,
    upstream: Format::AnthropicMessages,
    model: "m",
    default_max_tokens: 1,
    stream: true,
    include_usage: false,
    framing: Framing::Sse,
    exchange: "e1",
    created_s: 7,
};

/// The events as `type: what is particular to it`, and the losses.
fn encode(events: &[Event<'_>]) -> (Vec<serde_json::Value>, Losses) {
    let (mut encoder, mut out, mut losses) = (StreamEncoder::new(&TRANSLATION), Vec::new(), Losses::default());
    for event in events {
        encoder.encode(event, &mut out, &mut losses);
    }
    (read(&out), losses)
}

fn read(out: &[u8]) -> Vec<serde_json::Value> {
    let text = std::str::from_utf8(out).unwrap();
    let blocks = text.split("\n\n").filter(|block| !block.is_empty() && !block.starts_with(':'));
    let events: Vec<serde_json::Value> = blocks
        .map(|block| {
            let (name, data) = block.split_once('\n').unwrap();
            let event: serde_json::Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(event["type"], name.strip_prefix("event: ").unwrap());
            event
        })
        .collect();
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
    }
    events
}

fn types(events: &[serde_json::Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap().strip_prefix("response.").unwrap_or("error")).collect()
}

fn text(text: &'static str) -> Event<'static> {
    Event::BlockDelta(Delta::Text(text.into()))
}

fn finish(reason: FinishReason) -> Event<'static> {
    Event::Finish(Finish::from(reason))
}

#[test]
fn every_block_has_its_events_and_the_last_one_has_them_all() {
    let seal = Seal { vendor: Vendor::Anthropic, redacted: false, data: "EqQB".into() };
    let usage = Usage { input: 3, output: 2, ..Usage::default() };
    let (events, losses) = encode(&[
        Event::Start { model: "claude".into() },
        Event::BlockStart(BlockStart::Thinking),
        Event::BlockDelta(Delta::Thinking("Hm.".into())),
        Event::BlockDelta(Delta::Seal(seal)),
        Event::BlockStop,
        Event::BlockStart(BlockStart::Text),
        text("Hi"),
        Event::Ping,
        Event::BlockStop,
        Event::BlockStart(BlockStart::Refusal),
        text("No."),
        Event::BlockStop,
        Event::BlockStart(BlockStart::ToolUse { id: "c1".into(), name: "f".into() }),
        Event::BlockDelta(Delta::Input("{\"a\"".into())),
        Event::BlockDelta(Delta::Input(":1}".into())),
        Event::BlockStop,
        finish(FinishReason::ToolUse),
        Event::Usage { usage, terminal: true },
        Event::End,
    ]);
    assert_eq!(
        types(&events),
        [
            "created",
            "in_progress",
            "output_item.added",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "output_item.done",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "content_part.added",
            "refusal.delta",
            "refusal.done",
            "content_part.done",
            "output_item.done",
            "output_item.added",
            "function_call_arguments.delta",
            "function_call_arguments.delta",
            "function_call_arguments.done",
            "output_item.done",
            "completed",
        ],
    );
    let done: Vec<_> = events.iter().filter(|event| event["type"] == "response.output_item.done").collect();
    let response = &events.last().unwrap()["response"];
    let output = response["output"].as_array().unwrap();
    assert!(done.iter().map(|event| &event["item"]).eq(output.iter()));
    assert_eq!(
        (&response["status"], &response["model"], &response["id"]),
        (&"completed".into(), &"claude".into(), &"resp_e1".into())
    );
    assert_eq!(response["usage"]["total_tokens"], 5);
    let ids: Vec<_> = output.iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["rs_e1_0", "msg_e1_1", "fc_e1_2"]);
    assert_eq!(output[0]["encrypted_content"], "dG9sbGdhdGUvYW50aHJvcGljL0VxUUI=");
    assert_eq!(output[1]["content"][1]["refusal"], "No.");
    assert_eq!(output[2]["arguments"], "{\"a\":1}");
    assert!(losses.is_empty());
}

#[test]
fn a_cut_off_answer_is_incomplete_and_so_is_its_last_item() {
    for (reason, why) in [(FinishReason::Length, "max_output_tokens"), (FinishReason::Filter, "content_filter")] {
        let (events, _) =
            encode(&[Event::BlockStart(BlockStart::Text), text("Hi"), Event::BlockStop, finish(reason), Event::End]);
        let last = events.last().unwrap();
        assert_eq!(last["type"], "response.incomplete");
        assert_eq!(last["response"]["incomplete_details"]["reason"], why);
        assert_eq!(last["response"]["output"][0]["status"], "incomplete");
    }
}

#[test]
fn citations_and_log_probabilities_are_in_their_events_and_in_the_whole() {
    let web = Citation { url: Some("https://a".into()), ..Citation::default() };
    let document = Citation { title: Some("a.pdf".into()), ..Citation::default() };
    let logprob = TokenLogprob { token: "é".into(), logprob: -0.5, top: vec![("e".into(), -1.0)] };
    let (events, losses) = encode(&[
        Event::BlockStart(BlockStart::Text),
        Event::BlockDelta(Delta::Citation(web)),
        text("é"),
        Event::BlockDelta(Delta::Logprobs(vec![logprob])),
        Event::BlockDelta(Delta::Citation(document)),
        Event::BlockStop,
        Event::End,
    ]);
    let part = &events.last().unwrap()["response"]["output"][0]["content"][0];
    let annotation =
        json!({"type": "url_citation", "start_index": 0, "end_index": 1, "url": "https://a", "title": "https://a"});
    assert_eq!(part["annotations"], json!([annotation]));
    assert_eq!(part["logprobs"][0]["bytes"], json!([195, 169]));
    assert_eq!(part["logprobs"][0]["top_logprobs"][0]["token"], "e");
    assert!(types(&events).contains(&"output_text.annotation.added"));
    assert_eq!(losses.iter().map(|loss| loss.path.as_str()).collect::<Vec<_>>(), ["citations"]);
}

#[test]
fn a_break_is_an_error_that_the_official_clients_raise_and_a_failed_response() {
    let error = ClientError { status: 429, kind: "rate_limit_error", code: None, message: "slow", param: None };
    let (mut out, mut losses) = (Vec::new(), Losses::default());
    let mut encoder = StreamEncoder::new(&TRANSLATION);
    for event in [
        Event::BlockStart(BlockStart::Text),
        text("Hi"),
        Event::BlockStop,
        Event::BlockStart(BlockStart::ToolUse { id: "c".into(), name: "f".into() }),
        Event::BlockDelta(Delta::Input("{".into())),
    ] {
        encoder.encode(&event, &mut out, &mut losses);
    }
    encoder.fail(&error, &mut out);
    let events = read(&out);
    let [.., told, failed] = &events[..] else { panic!("{events:?}") };
    assert_eq!((&told["error"]["message"], &told["message"]), (&"slow".into(), &"slow".into()));
    assert_eq!(failed["response"]["error"]["code"], "rate_limit_exceeded");
    assert_eq!(failed["response"]["output"].as_array().unwrap().len(), 1);
    let mut out = Vec::new();
    StreamEncoder::new(&TRANSLATION).fail(&error, &mut out);
    assert_eq!(types(&read(&out)), ["created", "in_progress", "error", "failed"]);
}

#[test]
fn an_answer_beyond_the_bound_ends_in_an_error() {
    let (mut out, mut losses) = (Vec::new(), Losses::default());
    let mut encoder = StreamEncoder::new(&TRANSLATION);
    encoder.encode(&Event::BlockStart(BlockStart::Text), &mut out, &mut losses);
    encoder.kept = MAX_WHOLE;
    encoder.encode(&text("x"), &mut out, &mut losses);
    assert_eq!(read(&out).last().unwrap()["type"], "response.failed");
    let mut more = Vec::new();
    encoder.fail(&ClientError { status: 502, kind: "k", code: None, message: "m", param: None }, &mut more);
    encoder.encode(&Event::End, &mut more, &mut losses);
    assert!(more.is_empty());
}

#[test]
fn a_call_without_arguments_has_an_empty_object() {
    let (events, _) = encode(&[
        Event::BlockStart(BlockStart::ToolUse { id: "c".into(), name: "f".into() }),
        Event::BlockStop,
        finish(FinishReason::ToolUse),
        Event::End,
    ]);
    assert_eq!(events.last().unwrap()["response"]["output"][0]["arguments"], "{}");
    assert!(types(&events).contains(&"function_call_arguments.delta"));
}

#[test]
fn a_refusal_in_words_is_a_complete_answer() {
    let start = [Event::BlockStart(BlockStart::Refusal), text("No."), Event::BlockStop];
    let end = [finish(FinishReason::Refusal), Event::End];
    let events = encode(&[&start[..], &end].concat()).0;
    assert_eq!(events.last().unwrap()["response"]["status"], "completed");
    let events = encode(&end).0;
    assert_eq!(events.last().unwrap()["response"]["incomplete_details"]["reason"], "content_filter");
}
