//! OpenAI's completions.

use serde_json::json;

use crate::mock;
use crate::speech::Speech::Completions;

#[tokio::test]
async fn several_prompts_are_answered_each_as_often_as_asked() {
    let mock = mock().await;
    let mut body = Completions.ask("");
    body["prompt"] = json!(["one", "two"]);
    body["n"] = json!(2);
    body["echo"] = json!(true);
    let answer = Completions.answer(&mock, &body).await;
    let texts: Vec<_> =
        answer["choices"].as_array().expect("choices").iter().map(|choice| choice["text"].clone()).collect();
    assert_eq!(texts, ["oneYou said: one", "oneYou said: one", "twoYou said: two", "twoYou said: two"]);
    assert_eq!((&answer["object"], &answer["usage"]["prompt_tokens"]), (&json!("text_completion"), &json!(2)));
}

#[tokio::test]
async fn the_cap_is_sixteen_tokens_unless_set_and_usage_is_asked_for() {
    let mock = mock().await;
    let mut body = Completions.ask(&"word ".repeat(40));
    body.as_object_mut().expect("an object").remove("max_tokens");
    let answer = Completions.answer(&mock, &body).await;
    assert_eq!(answer["choices"][0]["finish_reason"], "length");
    assert_eq!(answer["usage"]["completion_tokens"], 16);

    body["stream_options"] = json!({"include_usage": true});
    let stream = Completions.send(&mock, &body, true).await.bytes().await.expect("a stream");
    let events = Completions.events(&stream);
    let [.., usage, done] = events.as_slice() else { panic!("too short: {events:?}") };
    assert_eq!((&usage["choices"], &usage["usage"]["completion_tokens"]), (&json!([]), &json!(16)));
    assert_eq!(done, "[DONE]");
}

#[tokio::test]
async fn what_a_chat_has_is_refused() {
    let mock = mock().await;
    let mut body = Completions.ask("hello");
    body["messages"] = json!([]);
    assert_eq!(Completions.refusal(&mock, &body).await, "Unknown parameter: 'messages'.");
}
