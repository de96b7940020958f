//! The canonical lane: `openai_chat` to `anthropic_messages`, requests, responses and streams.

use mock_llm::script::Script;
use reqwest::Method;
use serde_json::{Value, json};
use tollgate_tests::{ANTHROPIC_SECRET, Answer, Stack, events};

use super::{ask, ask_streaming, assert_nothing_leaked};

const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

fn tool(name: &str) -> Value {
    let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    json!({"type": "function", "function": {"name": name, "description": "d", "parameters": parameters}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_and_answers_cross() {
    let stack = Stack::start().await;
    let claude = &stack.providers().claude;

    let answer = stack
        .chat(json!({
            "model": "claude",
            "messages": [
                {"role": "system", "content": "be brief"},
                {"role": "developer", "content": "be kind"},
                {"role": "user", "content": [
                    {"type": "text", "text": "look"},
                    {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{PIXEL}")}},
                ]},
            ],
            "temperature": 0.5, "top_p": 0.9, "stop": ["END"], "max_completion_tokens": 333, "user": "u-1",
        }))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let completion = answer.json();
    assert_eq!(completion["object"], "chat.completion");
    assert_eq!(completion["choices"][0]["message"]["content"], "You said: look [image/png]");
    assert_eq!(completion["choices"][0]["finish_reason"], "stop");
    let usage = &completion["usage"];
    assert_eq!(
        usage["total_tokens"],
        json!(usage["prompt_tokens"].as_u64().zip(usage["completion_tokens"].as_u64()).map(|(a, b)| a + b))
    );

    let received = claude.requests().remove(0);
    assert_eq!(received.path, "/v1/messages");
    assert_eq!(received.header("x-api-key"), Some(ANTHROPIC_SECRET));
    assert!(received.header("anthropic-version").is_some() && received.header("authorization").is_none());
    let message = received.json();
    assert_eq!(message["model"], "claude-haiku-4-5");
    assert_eq!(message["max_tokens"], 333);
    let system: Vec<&Value> =
        message["system"].as_array().expect("blocks").iter().map(|block| &block["text"]).collect();
    assert_eq!(system, ["be brief", "be kind"]);
    let source = json!({"type": "base64", "media_type": "image/png", "data": PIXEL});
    assert_eq!(message["messages"][0]["content"][1]["source"], source);
    // A temperature or a `top_p`: this model takes one of the two.
    assert_eq!((&message["temperature"], &message["top_p"]), (&json!(0.5), &Value::Null));
    assert_eq!((&message["stop_sequences"], &message["metadata"]["user_id"]), (&json!(["END"]), &json!("u-1")));

    // Without a cap, the target's default; at the cap, `length`.
    let mut capped = ask("claude", "a text that is longer than its cap");
    capped["max_tokens"] = json!(3);
    assert_eq!(stack.chat(&capped).await.json()["choices"][0]["finish_reason"], "length");
    assert_eq!(stack.chat(ask("claude", "hello")).await.content(), "You said: hello");
    assert!(claude.requests()[2].json()["max_tokens"].as_u64().is_some_and(|cap| cap > 0));

    // Structured output.
    let mut structured = ask("claude", "hello");
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": false});
    structured["response_format"] =
        json!({"type": "json_schema", "json_schema": {"name": "s", "strict": true, "schema": schema}});
    assert_eq!(stack.chat(&structured).await.content(), r#"{"n":1}"#);
    assert_eq!(claude.requests()[3].json()["output_config"]["format"]["schema"], schema);

    // Thinking.
    let mut thinking = ask("claude", "hello");
    thinking["reasoning_effort"] = json!("high");
    thinking["max_tokens"] = json!(4000);
    let completion = stack.chat(&thinking).await.json();
    assert_eq!(completion["choices"][0]["message"]["reasoning_content"], "Thinking about: hello", "{completion}");
    assert_eq!(completion["choices"][0]["message"]["content"], "You said: hello");
    assert!(claude.requests()[4].json()["thinking"].is_object());

    // A refusal.
    let refused = stack.chat(ask("claude", "please refuse")).await.json();
    assert_eq!(refused["choices"][0]["finish_reason"], "content_filter", "{refused}");

    let records = stack.api().wait_for_records(6).await;
    let first = records.first().expect("a record");
    assert_eq!((&first["provider"], &first["upstream_model"]), (&json!("claude"), &json!("claude-haiku-4-5")));
    assert_eq!(first["input"], usage["prompt_tokens"], "{first:#}");
    let (input, output) = (usage["prompt_tokens"].as_i64(), usage["completion_tokens"].as_i64());
    assert_eq!(
        first["charged_nanousd"].as_i64(),
        input.zip(output).map(|(input, output)| input * 3_000 + output * 15_000)
    );
    assert_nothing_leaked(stack.providers());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_cross() {
    let stack = Stack::start().await;

    let answer = stack.chat(ask_streaming("claude", "hello there")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.header("content-type").starts_with("text/event-stream"));
    assert_eq!(answer.content(), "You said: hello there");
    let chunks = events(&answer.body);
    assert_eq!(chunks.last(), Some(&json!("[DONE]")));
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    let completions = &chunks[..chunks.len() - 1];
    assert!(
        completions.iter().all(|chunk| chunk["object"] == "chat.completion.chunk" && chunk["id"] == chunks[0]["id"])
    );
    assert!(completions.iter().all(|chunk| chunk["usage"].is_null()), "{}", answer.text());
    assert!(!answer.text().contains("message_start") && !answer.text().contains("event: "), "{}", answer.text());
    assert_eq!(completions.iter().filter(|chunk| chunk["choices"][0]["finish_reason"] == "stop").count(), 1);

    let mut asking = ask_streaming("claude", "hello there");
    asking["stream_options"] = json!({"include_usage": true});
    asking["reasoning_effort"] = json!("medium");
    asking["max_tokens"] = json!(5000);
    let chunks = events(&stack.chat(&asking).await.body);
    let usage = &chunks[chunks.len() - 2];
    assert_eq!(usage["choices"], json!([]), "{chunks:#?}");
    assert!(usage["usage"]["completion_tokens"].as_u64().is_some_and(|tokens| tokens > 0));
    let thoughts: String =
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["reasoning_content"].as_str()).collect();
    assert_eq!(thoughts, "Thinking about: hello there");

    // An error event in the middle ends the stream with an error of the client's format.
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    stack.providers().claude.script(Script { error_event: Some(error), ..Script::default() });
    let answer = stack.chat(ask_streaming("claude", "hello there you all")).await;
    let chunks = events(&answer.body);
    let error = chunks.iter().find(|chunk| chunk.get("error").is_some()).expect("an error event");
    assert_eq!(error["error"]["message"], "Overloaded");
    assert!(!answer.text().contains("event: error"), "{}", answer.text());

    // So it does in the identity lane, where the event is the provider's own.
    let error = json!({"error": {"message": "Overloaded", "type": "server_error", "param": null, "code": null}});
    stack.providers().openai.script(Script { error_event: Some(error.clone()), ..Script::default() });
    let answer = stack.chat(ask_streaming("gpt-4o", "hello there you all")).await;
    assert_eq!(events(&answer.body).last(), Some(&error), "{}", answer.text());

    let records = stack.api().wait_for_records(4).await;
    assert_eq!((&records[0]["stream"], &records[0]["provenance"]), (&json!(true), &json!("reported")), "{records:#?}");
    for record in &records[2..] {
        assert_eq!(record["outcome"], "provider_error", "{record:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tools_cross_in_both_directions() {
    let stack = Stack::start().await;
    let claude = &stack.providers().claude;
    let prompt = r#"call weather {"city":"Oslo"} and call clock {"city":"Rome"}"#;

    let mut request = ask("claude", prompt);
    request["tools"] = json!([tool("weather"), tool("clock")]);
    request["tool_choice"] = json!("required");
    let completion = stack.chat(&request).await.json();
    let message = completion["choices"][0]["message"].clone();
    let calls = message["tool_calls"].as_array().expect("calls").clone();
    assert_eq!(completion["choices"][0]["finish_reason"], "tool_calls");
    let names: Vec<&Value> = calls.iter().map(|call| &call["function"]["name"]).collect();
    assert_eq!(names, ["weather", "clock"]);
    let arguments: Value =
        serde_json::from_str(calls[0]["function"]["arguments"].as_str().expect("text")).expect("JSON");
    assert_eq!(arguments, json!({"city": "Oslo"}));
    let received = claude.requests()[0].json();
    assert_eq!(received["tool_choice"]["type"], "any");
    assert_eq!(received["tools"][0]["input_schema"]["properties"]["city"]["type"], "string");

    // The second turn: both results in one message, as Anthropic demands.
    let mut second = request.clone();
    second["tool_choice"] = json!("auto");
    let mut messages = vec![request["messages"][0].clone(), message];
    for (call, result) in calls.iter().zip(["rain", "noon"]) {
        messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": result}));
    }
    second["messages"] = json!(messages);
    let answer = stack.chat(&second).await;
    assert_eq!(answer.content(), "Results: rain; noon", "{}", answer.text());
    let received = claude.requests()[1].json();
    assert_eq!(received["messages"].as_array().map(Vec::len), Some(3), "{received:#}");
    assert_eq!(received["messages"][2]["content"][1]["type"], "tool_result");

    // Streamed: the pieces of each call's arguments belong to its index.
    request["stream"] = json!(true);
    let mut collected: Vec<(String, String)> = Vec::new();
    for chunk in events(&stack.chat(&request).await.body) {
        for delta in chunk["choices"][0]["delta"]["tool_calls"].as_array().into_iter().flatten() {
            let index = usize::try_from(delta["index"].as_u64().expect("an index")).expect("small");
            if collected.len() <= index {
                collected.resize(index + 1, Default::default());
            }
            let function = &delta["function"];
            collected[index].0.push_str(function["name"].as_str().unwrap_or_default());
            collected[index].1.push_str(function["arguments"].as_str().unwrap_or_default());
        }
    }
    let expected = [("weather", r#"{"city":"Oslo"}"#), ("clock", r#"{"city":"Rome"}"#)];
    assert_eq!(collected, expected.map(|(name, arguments)| (name.to_owned(), arguments.to_owned())));

    // One at a time, and one by name.
    request["stream"] = json!(false);
    request["parallel_tool_calls"] = json!(false);
    request["tool_choice"] = json!({"type": "function", "function": {"name": "weather"}});
    let completion = stack.chat(&request).await.json();
    assert_eq!(completion["choices"][0]["message"]["tool_calls"].as_array().map(Vec::len), Some(1));
    let choice = claude.requests()[3].json()["tool_choice"].clone();
    assert_eq!(choice, json!({"type": "tool", "name": "weather", "disable_parallel_tool_use": true}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn losses_are_declared_and_caches_are_counted() {
    let stack = Stack::start().await;
    let mut lossy = ask("claude", "hello");
    lossy["frequency_penalty"] = json!(0.5);
    lossy["seed"] = json!(7);

    let request = stack.request(Method::POST, "/v1/chat/completions").header("x-tollgate-debug", "1").json(&lossy);
    let answer = Answer::read(request.send().await.expect("an answer")).await.expect("a body");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let losses = answer.header("x-tollgate-losses");
    assert!(losses.contains("frequency_penalty") && losses.contains("seed"), "{losses:?}");
    assert_eq!(answer.header("x-tollgate-exchange").len(), 32);
    let quiet = stack.chat(&lossy).await;
    assert!(quiet.headers.keys().all(|name| !name.as_str().starts_with("x-tollgate-")), "{:?}", quiet.headers);

    // A strict route refuses what it cannot carry, before the provider hears of it.
    let before = stack.providers().claude.requests().len();
    lossy["model"] = json!("strict");
    let error = stack.chat(&lossy).await.expect_error(400, "lossy_translation");
    assert!(error["message"].as_str().is_some_and(|message| message.contains("frequency_penalty")), "{error}");
    assert_eq!(stack.providers().claude.requests().len(), before);
    assert_eq!(stack.chat(ask("strict", "hello")).await.status, 200);

    // Marks for the prompt cache cross; what was cached is in the usage, and priced as such.
    let words = "w".repeat(4_000);
    let content = json!([{"type": "text", "text": words, "cache_control": {"type": "ephemeral"}}]);
    let cached = json!({"model": "claude", "messages": [{"role": "user", "content": content}]});
    let _written = stack.chat(&cached).await;
    let read = stack.chat(&cached).await.json();
    assert_eq!(read["usage"]["prompt_tokens_details"]["cached_tokens"], 1_000, "{}", read["usage"]);
    assert_eq!(read["usage"]["prompt_tokens"], 1_003);

    let records = stack.api().wait_for_records(6).await;
    assert_eq!(records[0]["loss_count"], 2, "{:#}", records[0]);
    assert_eq!((&records[2]["outcome"], &records[2]["reason"]), (&json!("refused"), &json!("lossy_translation")));
    let [.., write, read] = records.as_slice() else { panic!("too few") };
    assert_eq!(write["cache_write_5m"], 1_000, "{write:#}");
    assert_eq!((&read["cache_read"], &read["input"]), (&json!(1_000), &json!(3)), "{read:#}");
    let output = read["output"].as_i64().unwrap_or_default();
    assert_eq!(read["charged_nanousd"], json!(1_000 * 300 + 3 * 3_000 + output * 15_000), "{read:#}");
}
