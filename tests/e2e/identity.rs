//! The identity lane: `openai_chat` to `openai_chat`, byte for byte.

use mock_llm::script::Script;
use reqwest::Method;
use serde_json::{Value, json};
use tollgate_tests::{Answer, OPENAI_SECRET, Stack, events};

use super::{ask, ask_streaming, assert_nothing_leaked};

/// Odd white space, unknown members, escapes, numbers that no float holds.
const ODD_REQUEST: &str = "{ \"unknown\":\t[1,  2.50e+1, 12345678901234567890123 ] ,\r\n \"model\" : \"gpt-4o\",\n\
    \"messages\":[ {\"role\":\"user\",\"content\":\"caf\\u00e9 \\/ \\ud83d\\ude00 é\" , \"x\":null} ], \"temperature\":0.70 , \
    \"nested\" : {\"model\":\"not this one\", \"a\":{ } } }";

const ODD_ANSWER: &str = "{\n  \"id\" : \"odd\",\t\"object\":\"chat.completion\", \"choices\":[{\"index\":0,\"message\":\
    {\"role\":\"assistant\",\"content\":\"caf\\u00e9 \\/\"},\"finish_reason\":\"stop\" } ],\r\n \"unknown\":{ \"a\":1.0 }, \
    \"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5,\"total_tokens\":12} }\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_are_untouched_in_both_directions() {
    let stack = Stack::start().await;
    let openai = &stack.providers().openai;

    openai.script(Script { body: Some(json!(ODD_ANSWER)), ..Script::default() });
    let answer = stack.chat(ODD_REQUEST).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, ODD_ANSWER));
    let received = openai.requests().remove(0);
    assert_eq!(String::from_utf8_lossy(&received.body), ODD_REQUEST);
    assert_eq!(received.path, "/v1/chat/completions");
    assert_eq!(received.header("authorization"), Some(format!("Bearer {OPENAI_SECRET}").as_str()));
    assert_eq!(received.header("x-only-openai"), Some("header-canary-openai"));

    // Another name upstream: the model's value is all that changes.
    openai.script(Script { lenient: true, ..Script::default() });
    let renamed = ODD_REQUEST.replace("gpt-4o", "openai-then-second");
    assert_eq!(stack.chat(&renamed).await.status, 200);
    let received = openai.requests().remove(1);
    assert_eq!(String::from_utf8_lossy(&received.body), ODD_REQUEST.replace("gpt-4o", "openai-model"));

    // Both answers are on record with the figures of the provider.
    let records = stack.api().wait_for_records(2).await;
    let first = &records[0];
    assert_eq!((&first["input"], &first["output"]), (&json!(7), &json!(5)), "{records:#?}");
    assert_eq!(records[0]["charged_nanousd"], json!(7 * 1_000 + 5 * 2_000), "{records:#?}");
    assert_nothing_leaked(stack.providers());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usage_of_a_stream_is_asked_for_and_taken_out_again() {
    let stack = Stack::start().await;
    let openai = &stack.providers().openai;

    let request =
        "{\"model\":\"gpt-4o\", \"stream\" : true,\n\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}] }";
    let answer = stack.chat(request).await;
    assert_eq!(answer.content(), "You said: hello");
    assert!(
        events(&answer.body).iter().all(|event| event.get("usage").is_none_or(Value::is_null)),
        "{}",
        answer.text()
    );
    assert!(events(&answer.body).iter().all(|event| event["choices"] != json!([])), "{}", answer.text());
    assert!(answer.text().ends_with("data: [DONE]\n\n"));
    let received = openai.requests().remove(0);
    assert_eq!(received.json()["stream_options"], json!({"include_usage": true}));
    let without = [",\"stream_options\":{\"include_usage\":true}", "\"stream_options\":{\"include_usage\":true},"];
    let received = String::from_utf8_lossy(&received.body).into_owned();
    assert!(without.iter().any(|inserted| received.replace(inserted, "") == request), "{received}");

    // A client that asks for it keeps it, and its request goes as it is.
    let mut asking = ask_streaming("gpt-4o", "hello");
    asking["stream_options"] = json!({"include_usage": true});
    let answer = stack.chat(&asking).await;
    let last = events(&answer.body).into_iter().rev().nth(1).expect("a usage event");
    assert_eq!(last["usage"]["total_tokens"], 9, "{}", answer.text());
    assert_eq!(String::from_utf8_lossy(&openai.requests()[1].body), asking.to_string());

    // One that says no, or leaves other options, is answered as it wants, and metered all the same.
    let mut refusing = ask_streaming("gpt-4o", "hello");
    refusing["stream_options"] = json!({"include_usage": false, "include_obfuscation": false});
    let answer = stack.chat(&refusing).await;
    assert!(!answer.text().contains("total_tokens"), "{}", answer.text());
    let options = openai.requests()[2].json()["stream_options"].clone();
    assert_eq!(options, json!({"include_usage": true, "include_obfuscation": false}));

    let records = stack.api().wait_for_records(3).await;
    for record in records {
        assert_eq!((&record["input"], &record["output"]), (&json!(5), &json!(4)), "{record:#}");
        assert_eq!(record["provenance"], "reported");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_of_a_stream_are_untouched() {
    let stack = Stack::start().await;
    let openai = &stack.providers().openai;
    let usage =
        "data:{\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}\r\n\r\n";
    let before = ": a comment\r\n\r\ndata:{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"caf\\u00e9\"}}] , \"x\":1}\r\n\r\n\
                  event: unknown\r\nid: 7\r\ndata: {\"choices\" :[{\"delta\":{}}]}\r\n\r\n";
    let after = "data: [DONE]\r\n\r\n";
    let whole = format!("{before}{usage}{after}");

    openai.script(Script { body: Some(json!(whole)), ..Script::default() });
    let mut asking = ask_streaming("gpt-4o", "hello");
    asking["stream_options"] = json!({"include_usage": true});
    assert_eq!(stack.chat(&asking).await.text(), whole);

    openai.script(Script { body: Some(json!(whole)), ..Script::default() });
    assert_eq!(stack.chat(ask_streaming("gpt-4o", "hello")).await.text(), format!("{before}{after}"));

    for record in stack.api().wait_for_records(2).await {
        assert_eq!((&record["input"], &record["output"]), (&json!(3), &json!(2)), "{record:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn providers_are_named_by_header_or_prefix_and_embeddings_pass() {
    let stack = Stack::start().await;
    let second = &stack.providers().second;

    let request = stack.request(Method::POST, "/v1/chat/completions").header("x-provider", "second");
    let answer = Answer::read(request.json(&ask("any-model", "hi")).send().await.expect("an answer")).await;
    assert_eq!(answer.expect("a body").content(), "You said: hi");
    assert_eq!(stack.chat(ask("second/other-model", "hi")).await.content(), "You said: hi");
    let models = second.requests().iter().map(|request| request.json()["model"].clone()).collect::<Vec<_>>();
    assert_eq!(models, ["any-model", "other-model"]);
    assert_eq!(stack.chat(ask("default", "hi")).await.content(), "You said: hi");
    assert_eq!(stack.chat(ask("glob-anything", "hi")).await.content(), "You said: hi");
    let models =
        stack.providers().openai.requests().iter().map(|request| request.json()["model"].clone()).collect::<Vec<_>>();
    assert_eq!(models, ["gpt-4o", "glob-anything"]);

    for (format, kind) in [("float", "array"), ("base64", "string")] {
        let body = json!({"model": "embed-small", "input": ["one", "two"], "encoding_format": format});
        let request = stack.request(Method::POST, "/v1/embeddings").json(&body);
        let answer = Answer::read(request.send().await.expect("an answer")).await.expect("a body").json();
        let embedding = &answer["data"][1]["embedding"];
        assert_eq!((embedding.is_array(), embedding.is_string()), (kind == "array", kind == "string"), "{answer}");
    }
    let records = stack.api().wait_for_records(6).await;
    let embedding = records.iter().find(|record| record["model"] == "embed-small").expect("a record");
    assert_eq!((&embedding["operation"], &embedding["input"]), (&json!("embeddings"), &json!(2)));
    assert_nothing_leaked(stack.providers());
}
