//! OpenAI's chat, what it refuses.

use serde_json::{Value, json};

use crate::mock;
use crate::speech::Speech::Chat;

#[tokio::test]
async fn what_openai_refuses_is_refused() {
    let mock = mock().await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut body = Chat.with_tool(Chat.ask("hello"));
        change(&mut body);
        body
    };
    let image = |url: &str| json!([{"type": "image_url", "image_url": {"url": url}}]);
    for (body, expected) in [
        (with(&|body| body["top_k"] = json!(5)), "Unknown parameter: 'top_k'."),
        (with(&|body| body["messages"][0]["thinking"] = json!("x")), "Unknown parameter: 'messages[0].thinking'."),
        (
            with(&|body| body["messages"][0]["content"] = Value::Null),
            "Missing required parameter: 'messages[0].content'.",
        ),
        (with(&|body| body["messages"][0]["content"] = image("data:image/png;base64,?")), "Expected a valid URL"),
        (with(&|body| body["messages"][0]["content"] = image("file-1")), "Expected a valid URL"),
        (
            with(&|body| body["messages"] = json!([{"role": "tool", "tool_call_id": "a", "content": "x"}])),
            "must be a response",
        ),
        (with(&|body| body["tools"][0]["function"]["name"] = json!("a.b")), "does not match pattern"),
        (with(&|body| body["tools"] = json!([])), "empty array"),
        (with(&|body| body["stop"] = json!(["a", "b", "c", "d", "e"])), "array too long"),
        (with(&|body| body["stream_options"] = json!({})), "only allowed when 'stream' is enabled"),
    ] {
        let message = Chat.refusal(&mock, &body).await;
        assert!(message.contains(expected), "{message}");
    }
}

#[tokio::test]
async fn only_deepseek_shows_its_thinking() {
    let mock = mock().await;
    let body = Chat.with_thinking(Chat.ask("why"));
    assert!(Chat.answer(&mock, &body).await["choices"][0]["message"].get("reasoning_content").is_none());
    let shown: Value = Chat.send_to(&mock, "deepseek-chat", &body, false).await.json().await.expect("JSON");
    assert_eq!(shown["choices"][0]["message"]["reasoning_content"], "Thinking about: why");
    assert_eq!(shown["usage"]["completion_tokens_details"]["reasoning_tokens"], 5);
}
