//! Anthropic's messages, what is refused beyond what `main.rs` has.

use serde_json::{Value, json};

use crate::mock;
use crate::speech::{PIXEL, Speech::Anthropic};

#[tokio::test]
async fn what_anthropic_refuses_is_refused() {
    let mock = mock().await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut body = Anthropic.with_tool(Anthropic.ask("hello"));
        change(&mut body);
        body
    };
    let image =
        |kind: &str| json!([{"type": "image", "source": {"type": "base64", "media_type": kind, "data": PIXEL}}]);
    for (body, expected) in [
        (
            with(&|body| body["messages"][0]["content"] = json!([{"type": "text", "text": "x", "name": "y"}])),
            "messages.0.content.0.name: Extra inputs are not permitted",
        ),
        (with(&|body| body["messages"][0]["content"] = image("image/bmp")), "Input should be 'image/jpeg'"),
        (with(&|body| body["tools"][0]["parameters"] = json!({})), "tools.0.custom.parameters: Extra inputs"),
        (with(&|body| body["tool_choice"] = json!({"type": "required"})), "tool_choice.type: Input should be 'auto'"),
        (with(&|body| body["tool_choice"] = json!({"type": "tool", "name": "other"})), "not found in provided tools"),
        (with(&|body| body["system"] = json!([{"type": "text"}])), "system.0.text: Field required"),
        (with(&|body| body["stop_sequences"] = json!("x")), "stop_sequences: Input should be an array"),
    ] {
        let message = Anthropic.refusal(&mock, &body).await;
        assert!(message.contains(expected), "{message}");
    }
}

#[tokio::test]
async fn a_turn_with_tools_keeps_the_thinking_that_it_began_with() {
    let mock = mock().await;
    let body = Anthropic.with_thinking(Anthropic.with_tool(Anthropic.ask("call weather")));
    let first = Anthropic.answer(&mock, &body).await;
    let mut output = Anthropic.output(&first);
    output.as_array_mut().expect("blocks").remove(0);
    let message = Anthropic.refusal(&mock, &Anthropic.go_on(body, &first, output, "rain")).await;
    assert!(message.contains("Expected `thinking` or `redacted_thinking`, but found `tool_use`"), "{message}");
}
