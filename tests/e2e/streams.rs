//! Bytes that come in the oddest portions, and many at once.

use mock_llm::script::{Script, Split};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tollgate_tests::{Answer, DEV_KEY, Stack, events};

use super::{ask, ask_streaming};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_may_come_one_byte_at_a_time() {
    let stack = Stack::start().await;
    for model in ["gpt-4o", "claude"] {
        let body = ask(model, "one byte at a time, é").to_string();
        let mut socket = TcpStream::connect(stack.gateway()).await.expect("the gateway listens");
        socket.set_nodelay(true).expect("no delay");
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\nauthorization: Bearer {DEV_KEY}\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        for byte in head.bytes().chain(body.bytes()) {
            socket.write_all(&[byte]).await.expect("sent");
            tokio::task::yield_now().await;
        }
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("You said: one byte at a time, é"), "{answer}");
    }
    assert_eq!(stack.providers().openai.requests()[0].json(), ask("gpt-4o", "one byte at a time, é"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_split_at_every_byte_is_the_same_response() {
    let stack = Stack::start().await;
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"é": {"type": "string"}}}}});
    for (model, mock) in [("gpt-4o", &stack.providers().openai), ("claude", &stack.providers().claude)] {
        for (stream, prompt) in [(true, "grüße 😀 an alle"), (true, "call f"), (false, "grüße 😀 an alle")] {
            let mut request = ask(model, prompt);
            request["stream"] = json!(stream);
            request["tools"] = json!([tool]);
            if stream {
                request["stream_options"] = json!({"include_usage": true});
            }
            let whole = stack.chat(&request).await;
            for split in [Split::EveryByte, Split::Sizes(vec![3]), Split::Sizes(vec![7, 1, 64])] {
                mock.script(Script::split(split.clone()));
                let answer = stack.chat(&request).await;
                assert_eq!(answer.status, 200);
                assert_eq!(normal(&answer), normal(&whole), "{model}, {prompt}, {split:?}");
            }
        }
    }
    let records = stack.api().wait_for_records(24).await;
    for four in records.chunks(4) {
        assert!(four.iter().all(|record| same(record, &four[0])), "{four:#?}");
    }
}

/// Whether both records say the same of what was used, as the provider reported it.
fn same(one: &Value, other: &Value) -> bool {
    ["input", "output"].iter().all(|bucket| one[bucket].is_number() && one[bucket] == other[bucket])
        && [one, other].iter().all(|record| record["provenance"] == "reported")
}

/// What an answer says, without what differs from one to the next: ids and times.
fn normal(answer: &Answer) -> Vec<Value> {
    let stream = answer.header("content-type").starts_with("text/event-stream");
    let mut messages = if stream { events(&answer.body) } else { vec![answer.json()] };
    for message in &mut messages {
        let Some(members) = message.as_object_mut() else { continue };
        members.retain(|name, _| name != "id" && name != "created");
        for choice in message["choices"].as_array_mut().into_iter().flatten() {
            for spoken in ["delta", "message"] {
                for call in choice[spoken]["tool_calls"].as_array_mut().into_iter().flatten() {
                    call.as_object_mut().map(|call| call.remove("id"));
                }
            }
        }
    }
    messages
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_streams_at_once() {
    const STREAMS: usize = 200;
    let stack = Stack::start().await;
    // All of them are open before the first may go on.
    let held = |mock: &mock_llm::Mock| mock.add(mock_llm::script::Rule::always(Script::held_after("g", 3)));
    let (openai, claude) = (&stack.providers().openai, &stack.providers().claude);
    held(openai);
    held(claude);
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..STREAMS {
        let model = if number % 2 == 0 { "gpt-4o" } else { "claude" };
        let request = stack.request(reqwest::Method::POST, "/v1/chat/completions");
        let request = request.json(&ask_streaming(model, &format!("this is number {number} of many")));
        calls.spawn(async move { reqwest::Result::Ok((number, Answer::read(request.send().await?).await?)) });
    }
    openai.wait_until_held("g", STREAMS / 2).await;
    claude.wait_until_held("g", STREAMS / 2).await;
    openai.release("g");
    claude.release("g");
    let mut done = 0;
    while let Some(call) = calls.join_next().await {
        let (number, answer) = call.expect("no panic").expect("a whole stream");
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.content(), format!("You said: this is number {number} of many"));
        assert!(answer.text().ends_with("data: [DONE]\n\n"));
        done += 1;
    }
    assert_eq!(done, STREAMS);
    let records = stack.api().wait_for_records(STREAMS).await;
    let reported = records.iter().filter(|record| record["outcome"] == "success" && record["provenance"] == "reported");
    assert_eq!(reported.count(), STREAMS, "{records:#?}");
}
