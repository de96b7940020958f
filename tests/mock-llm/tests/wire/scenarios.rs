//! The same scenario in every dialect.

use serde_json::{Value, json};

use crate::mock;
use crate::speech::{ALL, Speech, TURNS};

#[tokio::test]
async fn every_dialect_echoes_whole_and_streamed() {
    let mock = mock().await;
    for speech in ALL {
        let body = speech.ask("hello there");
        assert_eq!(speech.words(&speech.answer(&mock, &body).await), "You said: hello there", "{speech:?}");
        let stream = speech.send(&mock, &body, true).await.bytes().await.expect("a stream");
        assert_eq!(speech.streamed_words(&stream), "You said: hello there", "{speech:?}");
    }
}

#[tokio::test]
async fn every_dialect_counts_on() {
    let mock = mock().await;
    let numbers = (1..=200).map(|number| number.to_string()).collect::<Vec<_>>().join(" ");
    for speech in ALL {
        let stream =
            speech.send(&mock, &speech.ask("please count to 200"), true).await.bytes().await.expect("a stream");
        assert_eq!(speech.streamed_words(&stream), numbers, "{speech:?}");
        assert!(speech.events(&stream).len() >= 200, "{speech:?}");
    }
}

#[tokio::test]
async fn every_dialect_fails_by_words_and_by_model() {
    let mock = mock().await;
    for speech in ALL {
        let limited = speech.send(&mock, &speech.ask("please fail with 429"), false).await;
        assert_eq!(limited.status(), 429, "{speech:?}");
        assert_eq!(limited.headers()["retry-after"], "1");
        assert!(!speech.message(&limited.json().await.expect("JSON")).is_empty());
        let broken = speech.send_to(&mock, "m-fail-500", &speech.ask("hello"), true).await;
        assert_eq!(broken.status(), 500, "{speech:?}");
    }
}

#[tokio::test]
async fn every_dialect_breaks_off_with_an_error_of_its_own() {
    let mock = mock().await;
    for speech in ALL {
        let body = speech.ask("please break off after some words of this text");
        let stream = speech.send(&mock, &body, true).await.bytes().await.expect("a stream");
        assert!(speech.streamed_words(&stream).starts_with("You said: please"), "{speech:?}");
        let last = speech.events(&stream).pop().expect("an event");
        let is_error = match speech {
            Speech::Responses => last["type"] == "error" && last["sequence_number"].is_u64(),
            Speech::Bedrock => last["modelStreamErrorException"]["message"].is_string(),
            _ => last["error"]["message"].is_string(),
        };
        assert!(is_error, "{speech:?}: {last}");
    }
}

#[tokio::test]
async fn every_dialect_refuses_what_it_does_not_know() {
    let mock = mock().await;
    for speech in ALL {
        let mut body = speech.ask("hello");
        body["frobnicate"] = json!(1);
        let message = speech.refusal(&mock, &body).await;
        assert!(message.contains("frobnicate"), "{speech:?}: {message}");
    }
}

#[tokio::test]
async fn every_dialect_names_the_image_that_it_saw() {
    let mock = mock().await;
    for speech in TURNS {
        let answer = speech.answer(&mock, &speech.show("look")).await;
        assert_eq!(speech.words(&answer), "You said: look [image/png]", "{speech:?}");
    }
}

#[tokio::test]
async fn every_dialect_calls_a_tool_and_quotes_its_result() {
    let mock = mock().await;
    for speech in TURNS {
        let body = speech.with_tool(speech.ask(r#"call weather {"city":"Oslo"} and call weather {"city":"Rome"}"#));
        let first = speech.answer(&mock, &body).await;
        let arguments: Vec<Value> = speech.calls(&first).into_iter().map(|(_, _, arguments)| arguments).collect();
        assert_eq!(arguments, [json!({"city": "Oslo"}), json!({"city": "Rome"})], "{speech:?}");
        let second = speech.go_on(body.clone(), &first, speech.output(&first), "rain");
        assert_eq!(speech.words(&speech.answer(&mock, &second).await), "Results: rain; rain", "{speech:?}");

        // A call without a result is refused.
        let mut unanswered = second.clone();
        let turns = ["messages", "input", "contents"].into_iter().find(|turns| second.get(turns).is_some());
        let turns = unanswered[turns.expect("turns")].as_array_mut().expect("turns");
        turns.pop();
        turns.push(
            speech.ask("never mind")[if speech == Speech::Responses {
                "input"
            } else if speech == Speech::Gemini {
                "contents"
            } else {
                "messages"
            }][0]
                .clone(),
        );
        assert!(!speech.refusal(&mock, &unanswered).await.is_empty(), "{speech:?}");
    }
}

#[tokio::test]
async fn every_dialect_calls_what_it_is_forced_to_call() {
    let mock = mock().await;
    for speech in TURNS {
        let forced = speech.forcing_the_tool(speech.with_tool(speech.ask("hello")));
        let calls = speech.calls(&speech.answer(&mock, &forced).await);
        let expected = (json!("weather"), json!({"city": "text"}));
        let calls: Vec<(Value, Value)> = calls.into_iter().map(|(_, name, arguments)| (name, arguments)).collect();
        assert_eq!(calls, [expected], "{speech:?}");
        // Nothing is called that is not asked for.
        assert!(speech.calls(&speech.answer(&mock, &speech.with_tool(speech.ask("hello"))).await).is_empty());
    }
}

#[tokio::test]
async fn every_dialect_follows_a_schema() {
    let mock = mock().await;
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
    for speech in TURNS {
        let body = speech.with_schema(speech.ask("hello"), &schema);
        assert_eq!(speech.words(&speech.answer(&mock, &body).await), r#"{"n":1}"#, "{speech:?}");
    }
}

#[tokio::test]
async fn thinking_must_come_back_as_it_went() {
    let mock = mock().await;
    for speech in TURNS.into_iter().filter(|speech| *speech != Speech::Chat) {
        let body = speech.with_thinking(speech.with_tool(speech.ask("call weather")));
        let first = speech.answer(&mock, &body).await;
        let output = speech.output(&first);
        assert!(output.to_string().contains("Thinking about: call weather"), "{speech:?}: {output}");
        let second = speech.go_on(body.clone(), &first, output.clone(), "rain");
        assert_eq!(speech.words(&speech.answer(&mock, &second).await), "Results: rain", "{speech:?}");

        // With what is signed or the signature changed, it is refused.
        let changed = if speech == Speech::Gemini { "\"city\":\"text\"" } else { "Thinking about" };
        let changed = output.to_string().replace(changed, &changed.replace('t', "T"));
        let changed = speech.go_on(body.clone(), &first, serde_json::from_str(&changed).expect("JSON"), "rain");
        let message = speech.refusal(&mock, &changed).await;
        assert!(message.contains("signature") || message.contains("encrypted content"), "{speech:?}: {message}");
    }
}

#[tokio::test]
async fn secret_thinking_is_sealed() {
    let mock = mock().await;
    for speech in [Speech::Responses, Speech::Anthropic, Speech::Bedrock] {
        let body = speech.with_thinking(speech.with_tool(speech.ask("please think in secret and call weather")));
        let first = speech.answer(&mock, &body).await;
        assert!(!speech.output(&first).to_string().contains("Thinking about"), "{speech:?}");
        let second = speech.go_on(body, &first, speech.output(&first), "rain");
        assert_eq!(speech.words(&speech.answer(&mock, &second).await), "Results: rain", "{speech:?}");
    }
}

#[tokio::test]
async fn the_cache_is_counted_in_each_dialects_own_way() {
    // 64 bytes, 16 tokens; a message costs three more.
    let prompt = "please read the cache, please write the cache, and then say this";
    let figures = |speech: Speech| async move {
        let answer = speech.answer(&mock().await, &speech.ask(prompt)).await;
        answer[if speech == Speech::Gemini { "usageMetadata" } else { "usage" }].clone()
    };
    assert_eq!(figures(Speech::Chat).await["prompt_tokens_details"]["cached_tokens"], 9);
    assert_eq!(figures(Speech::Completions).await["prompt_tokens_details"]["cached_tokens"], 8);
    assert_eq!(figures(Speech::Responses).await["input_tokens_details"]["cached_tokens"], 9);
    assert_eq!(figures(Speech::Gemini).await["cachedContentTokenCount"], 9);
    let anthropic = figures(Speech::Anthropic).await;
    assert_eq!((&anthropic["input_tokens"], &anthropic["cache_read_input_tokens"]), (&json!(2), &json!(9)));
    let written = json!({"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 4});
    assert_eq!(anthropic["cache_creation"], written);
    let bedrock = figures(Speech::Bedrock).await;
    assert_eq!((&bedrock["inputTokens"], &bedrock["cacheReadInputTokens"]), (&json!(2), &json!(9)));
    assert_eq!(bedrock["cacheDetails"], json!([{"ttl": "5m", "inputTokens": 4}, {"ttl": "1h", "inputTokens": 4}]));
}
