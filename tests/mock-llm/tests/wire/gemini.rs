//! Google's generateContent.

use serde_json::{Value, json};

use crate::mock;
use crate::speech::Speech::Gemini;

#[tokio::test]
async fn a_stream_without_events_is_one_array() {
    let mock = mock().await;
    let url = format!("{}/v1beta/models/m:streamGenerateContent?key=k", mock.url());
    let response = reqwest::Client::new().post(url).json(&Gemini.ask("hello there")).send().await.expect("an answer");
    let chunks: Vec<Value> = response.json().await.expect("a JSON array");
    let words: String =
        chunks.iter().filter_map(|chunk| chunk["candidates"][0]["content"]["parts"][0]["text"].as_str()).collect();
    assert_eq!(words, "You said: hello there");
}

#[tokio::test]
async fn thoughts_are_counted_beside_the_candidates_and_usage_grows() {
    let mock = mock().await;
    let body = Gemini.with_thinking(Gemini.ask("why"));
    let usage = Gemini.answer(&mock, &body).await["usageMetadata"].clone();
    let expected = json!({
        "promptTokenCount": 4, "candidatesTokenCount": 4, "thoughtsTokenCount": 5, "totalTokenCount": 13,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 4}],
    });
    assert_eq!(usage, expected);
    let stream = Gemini.send(&mock, &body, true).await.bytes().await.expect("a stream");
    let chunks = Gemini.events(&stream);
    assert_eq!(chunks[0]["candidates"][0]["content"]["parts"][0]["thought"], true);
    assert_eq!(chunks[0]["usageMetadata"]["totalTokenCount"], 9);
    assert_eq!(chunks[chunks.len() - 1]["usageMetadata"], expected);
    assert_eq!(chunks[chunks.len() - 1]["candidates"][0]["finishReason"], "STOP");
}

#[tokio::test]
async fn the_third_generation_signs_its_calls_and_demands_the_signature() {
    let mock = mock().await;
    let body = Gemini.with_tool(Gemini.ask("call weather and call weather"));
    let first: Value = Gemini.send_to(&mock, "gemini-3-pro", &body, false).await.json().await.expect("JSON");
    let parts = Gemini.output(&first);
    assert!(parts[0]["thoughtSignature"].is_string() && parts[1]["thoughtSignature"].is_null(), "{parts}");
    assert!(parts[0]["functionCall"]["id"].is_string());

    let second = Gemini.go_on(body.clone(), &first, parts.clone(), "rain");
    let answer: Value = Gemini.send_to(&mock, "gemini-3-pro", &second, false).await.json().await.expect("JSON");
    assert_eq!(Gemini.words(&answer), "Results: rain; rain");

    let mut unsigned = second.clone();
    unsigned["contents"][1]["parts"][0].as_object_mut().expect("a part").remove("thoughtSignature");
    let refused = Gemini.send_to(&mock, "gemini-3-pro", &unsigned, false).await;
    assert_eq!(refused.status(), 400);
    assert!(Gemini.message(&refused.json().await.expect("JSON")).contains("missing a thought_signature"));
    unsigned["contents"][1]["parts"][0]["thoughtSignature"] = json!("skip_thought_signature_validator");
    assert_eq!(Gemini.send_to(&mock, "gemini-3-pro", &unsigned, false).await.status(), 200);
}

#[tokio::test]
async fn a_signature_may_come_back_in_the_alphabet_of_urls() {
    let mock = mock().await;
    let body = Gemini.with_tool(Gemini.ask("call weather"));
    let first: Value = Gemini.send_to(&mock, "gemini-3-pro", &body, false).await.json().await.expect("JSON");
    let mut parts = Gemini.output(&first);
    let signature = parts[0]["thoughtSignature"].as_str().expect("a signature").replace('+', "-").replace('/', "_");
    parts[0]["thoughtSignature"] = json!(signature);
    let second = Gemini.go_on(body, &first, parts, "rain");
    assert_eq!(Gemini.send_to(&mock, "gemini-3-pro", &second, false).await.status(), 200);
}

#[tokio::test]
async fn snake_case_is_taken_for_camel_case() {
    let mock = mock().await;
    let body = json!({
        "system_instruction": {"parts": [{"text": "be brief"}]},
        "contents": [{"parts": [{"text": "say it"}]}],
        "generation_config": {"response_mime_type": "application/json", "response_schema": {"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}}},
    });
    assert_eq!(Gemini.words(&Gemini.answer(&mock, &body).await), r#"{"n":1}"#);
}

#[tokio::test]
async fn what_google_refuses_is_refused_in_its_shape() {
    let mock = mock().await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut body = Gemini.with_tool(Gemini.ask("hello"));
        change(&mut body);
        body
    };
    let declared = |body: &mut Value, name: &str, value: Value| {
        body["tools"][0]["functionDeclarations"][0]["parameters"][name] = value;
    };
    for (body, expected) in [
        (
            with(&|body| declared(body, "additionalProperties", json!(false))),
            "Unknown name \"additionalProperties\" at 'tools[0].function_declarations[0].parameters'",
        ),
        (with(&|body| declared(body, "$schema", json!("x"))), "Unknown name \"$schema\""),
        (with(&|body| declared(body, "required", json!(["none"]))), "property is not defined"),
        (with(&|body| declared(body, "type", json!(["object", "null"]))), "expected a string"),
        (with(&|body| body["tools"][0]["functionDeclarations"][0]["name"] = json!("1 a")), "Invalid function name"),
        (with(&|body| body["contents"][0]["role"] = json!("assistant")), "valid role"),
        (with(&|body| body["contents"] = json!([])), "contents is not specified"),
        (with(&|body| body["contents"][0]["parts"] = json!([{}])), "required oneof field 'data'"),
        (
            with(&|body| {
                body["toolConfig"] =
                    json!({"functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": ["weather"]}})
            }),
            "should be set only when",
        ),
        (
            with(&|body| body["generationConfig"] = json!({"responseSchema": {"type": "STRING"}})),
            "only allowed when response_mime_type",
        ),
        (
            with(&|body| body["generationConfig"] = json!({"thinkingConfig": {"thinkingLevel": "LOW"}})),
            "not supported for this model",
        ),
    ] {
        let message = Gemini.refusal(&mock, &body).await;
        assert!(message.contains(expected), "{message}");
    }
    let url = format!("{}/v1beta/models/m:generateContent", mock.url());
    let anonymous = reqwest::Client::new().post(url).json(&Gemini.ask("hello")).send().await.expect("an answer");
    assert_eq!(anonymous.status(), 403);
    assert_eq!(anonymous.json::<Value>().await.expect("JSON")["error"]["status"], "PERMISSION_DENIED");
}
