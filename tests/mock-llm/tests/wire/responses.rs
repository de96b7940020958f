//! OpenAI's responses.

use serde_json::{Value, json};

use crate::mock;
use crate::speech::Speech::Responses;

#[tokio::test]
async fn a_stream_is_the_whole_sequence_of_events() {
    let mock = mock().await;
    let body = Responses.with_thinking(Responses.ask("hello"));
    let stream = Responses.send(&mock, &body, true).await.bytes().await.expect("a stream");
    let events = Responses.events(&stream);
    let mut names: Vec<&str> = events.iter().filter_map(|event| event["type"].as_str()).collect();
    names.dedup();
    let expected = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(names, expected);
    let numbers: Vec<u64> = events.iter().filter_map(|event| event["sequence_number"].as_u64()).collect();
    assert_eq!(numbers, (0..events.len() as u64).collect::<Vec<_>>());

    let last = &events[events.len() - 1]["response"];
    let items: Vec<&Value> = events
        .iter()
        .filter(|event| event["type"] == "response.output_item.done")
        .map(|event| &event["item"])
        .collect();
    assert_eq!(json!(items), last["output"]);
    let usage = &last["usage"];
    assert_eq!((&usage["input_tokens"], &usage["output_tokens"]), (&json!(5), &json!(10)));
    assert_eq!(usage["output_tokens_details"]["reasoning_tokens"], 6);
}

#[tokio::test]
async fn a_streamed_call_brings_its_arguments_in_parts() {
    let mock = mock().await;
    let body = Responses.with_tool(Responses.ask(r#"call weather {"city":"Oslo"}"#));
    let stream = Responses.send(&mock, &body, true).await.bytes().await.expect("a stream");
    let events = Responses.events(&stream);
    let arguments = |event: &&Value| event["type"] == "response.function_call_arguments.delta";
    let arguments: String = events.iter().filter(arguments).filter_map(|event| event["delta"].as_str()).collect();
    assert_eq!(arguments, r#"{"city":"Oslo"}"#);
}

#[tokio::test]
async fn a_capped_response_is_incomplete_and_a_failed_one_failed() {
    let mock = mock().await;
    let mut body =
        Responses.ask("a text of some length, which does not fit into the sixteen tokens that are the least");
    body["max_output_tokens"] = json!(16);
    let answer = Responses.answer(&mock, &body).await;
    assert_eq!(
        (&answer["status"], &answer["incomplete_details"]["reason"]),
        (&json!("incomplete"), &json!("max_output_tokens"))
    );
    let stream = Responses.send(&mock, &body, true).await.bytes().await.expect("a stream");
    assert_eq!(Responses.events(&stream).pop().expect("an event")["type"], "response.incomplete");
    body["max_output_tokens"] = json!(15);
    assert!(Responses.refusal(&mock, &body).await.contains("Expected a value >= 16"));

    let body = Responses.ask("please fail halfway");
    let stream = Responses.send(&mock, &body, true).await.bytes().await.expect("a stream");
    let last = Responses.events(&stream).pop().expect("an event");
    assert_eq!((&last["type"], &last["response"]["status"]), (&json!("response.failed"), &json!("failed")));
    assert_eq!(last["response"]["error"]["code"], "server_error");
}

#[tokio::test]
async fn a_conversation_goes_on_by_id_if_it_was_kept() {
    let mock = mock().await;
    let body = Responses.with_tool(Responses.ask("call weather"));
    let first = Responses.answer(&mock, &body).await;
    let (id, ..) = Responses.calls(&first).remove(0);
    let mut second = Responses.with_tool(json!({
        "model": "m", "previous_response_id": first["id"],
        "input": [{"type": "function_call_output", "call_id": id, "output": "rain"}],
    }));
    assert_eq!(Responses.words(&Responses.answer(&mock, &second).await), "Results: rain");
    second["previous_response_id"] = json!("resp_unknown");
    assert!(Responses.refusal(&mock, &second).await.contains("not found"));
}

#[tokio::test]
async fn what_openai_refuses_is_refused() {
    let mock = mock().await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut body = Responses.with_tool(Responses.ask("hello"));
        change(&mut body);
        body
    };
    let open = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    for (body, expected) in [
        (with(&|body| body["stop"] = json!(["x"])), "Unknown parameter: 'stop'."),
        (with(&|body| body["input"][0]["content"] = json!([{"type": "text", "text": "x"}])), "'input_text'"),
        (with(&|body| body["input"][0]["content"] = json!([{"type": "output_text", "text": "x"}])), "'output_text'"),
        (with(&|body| body["input"][0]["role"] = json!("tool")), "Supported values are"),
        (with(&|body| body["tools"][0]["name"] = json!("a b")), "does not match pattern"),
        (with(&|body| body["tools"][0]["function"] = json!({})), "Unknown parameter: 'tools[0].function'."),
        (with(&|body| body["temperature"] = json!("hot")), "Invalid type for 'temperature'"),
        (with(&|body| body["temperature"] = json!(2.5)), "Expected a value <= 2, but got 2.5"),
        (
            with(&|body| {
                body["text"] = json!({"format": {"type": "json_schema", "name": "n", "strict": true, "schema": open}})
            }),
            "'additionalProperties' is required",
        ),
        (with(&|body| body["tool_choice"] = json!({"type": "function", "name": "other"})), "not found in 'tools'"),
    ] {
        let message = Responses.refusal(&mock, &body).await;
        assert!(message.contains(expected), "{message}");
    }
}
