//! Amazon Bedrock's Converse.

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit as _, Mac as _};
use mock_llm::Mock;
use mock_llm::script::{Script, Split};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::mock;
use crate::speech::Speech::Bedrock;

#[tokio::test]
async fn a_stream_starts_only_the_blocks_of_tools() {
    let mock = mock().await;
    let body = Bedrock.with_thinking(Bedrock.with_tool(Bedrock.ask(r#"call weather {"city":"Oslo"}"#)));
    mock.script(Script::split(Split::Sizes(vec![7])));
    let stream = Bedrock.send(&mock, &body, true).await;
    assert_eq!(stream.headers()["content-type"], "application/vnd.amazon.eventstream");
    let events = Bedrock.events(&stream.bytes().await.expect("a stream"));
    let mut names: Vec<&str> =
        events.iter().filter_map(|event| Some(event.as_object()?.keys().next()?.as_str())).collect();
    names.dedup();
    let expected = [
        "messageStart",
        "contentBlockDelta",
        "contentBlockStop",
        "contentBlockStart",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ];
    assert_eq!(names, expected);
    let input = |event: &Value| event["contentBlockDelta"]["delta"]["toolUse"]["input"].as_str().map(ToOwned::to_owned);
    assert_eq!(events.iter().filter_map(input).collect::<String>(), r#"{"city":"Oslo"}"#);
    let [.., stop, metadata] = events.as_slice() else { panic!("too short") };
    assert_eq!(stop["messageStop"]["stopReason"], "tool_use");
    assert!(metadata["metadata"]["usage"]["totalTokens"].as_u64().is_some_and(|total| total > 0));
}

#[tokio::test]
async fn what_bedrock_refuses_is_refused_in_its_shape() {
    let mock = mock().await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut body = Bedrock.with_tool(Bedrock.ask("hello"));
        change(&mut body);
        body
    };
    for (body, expected) in [
        (with(&|body| body["messages"][0]["content"] = json!("hello")), "expected an array"),
        (
            with(&|body| body["messages"][0]["content"][0] = json!({"text": "a", "cachePoint": {"type": "default"}})),
            "#/messages/0/content/0",
        ),
        (with(&|body| body["messages"][0]["content"][0] = json!({"text": ""})), "is blank"),
        (with(&|body| body["messages"][0]["role"] = json!("assistant")), "must start with a user message"),
        (with(&|body| body["inferenceConfig"] = json!({"temperature": 1.5})), "between 0 and 1"),
        (with(&|body| body["toolConfig"]["tools"] = json!([])), "greater than or equal to 1"),
        (with(&|body| body["toolConfig"]["toolChoice"] = json!({"tool": {"name": "other"}})), "is not defined"),
        (with(&|body| body["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"] = json!({"json": {}})), "object"),
    ] {
        let response = Bedrock.send(&mock, &body, false).await;
        assert_eq!(response.status(), 400);
        let kind = response.headers()["x-amzn-errortype"].to_str().expect("a text").to_owned();
        assert!(kind.starts_with("ValidationException"), "{kind}");
        let message = Bedrock.message(&response.json().await.expect("JSON"));
        assert!(message.contains(expected), "{message}");
    }
}

#[tokio::test]
async fn a_signature_is_checked() {
    let mock = mock().await;
    let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    let (status, kind, body) = signed(&mock, "AKIDEXAMPLE", secret, 0).await;
    assert_eq!((status, kind.as_str()), (200, ""), "{body}");
    for (key, secret, seconds_off, expected) in [
        ("AKIDEXAMPLE", "another secret", 0, "InvalidSignatureException"),
        ("AKIDEXAMPLE", secret, 3600, "InvalidSignatureException"),
        ("AKIDOTHER", secret, 0, "UnrecognizedClientException"),
    ] {
        let (status, kind, body) = signed(&mock, key, secret, seconds_off).await;
        assert_eq!((status, kind.as_str()), (403, expected), "{body}");
    }
    let url = format!("{}/model/m/converse", mock.url());
    let anonymous = reqwest::Client::new().post(url).json(&Bedrock.ask("hello")).send().await.expect("an answer");
    assert_eq!(anonymous.status(), 403);
}

/// Sends a request to a model with a colon in its name, signed with this key by a clock that is off by so much.
async fn signed(mock: &Mock, key: &str, secret: &str, seconds_off: u64) -> (u16, String, String) {
    let body = Bedrock.ask("hello").to_string();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() - seconds_off;
    let (day, time) = stamp(now);
    let host = mock.address();
    let names = "host;x-amz-date";
    let digest = |text: &str| hex::encode(Sha256::digest(text));
    let canonical = format!(
        "POST\n/model/anthropic.m-v1%253A0/converse\n\nhost:{host}\nx-amz-date:{time}\n\n{names}\n{}",
        digest(&body)
    );
    let scope = format!("{day}/us-east-1/bedrock/aws4_request");
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", digest(&canonical));
    let key_of = |key: Vec<u8>, part: &str| {
        let mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
        mac.chain_update(part.as_bytes()).finalize().into_bytes().to_vec()
    };
    let parts = [day.as_str(), "us-east-1", "bedrock", "aws4_request", to_sign.as_str()];
    let signature = hex::encode(parts.into_iter().fold(format!("AWS4{secret}").into_bytes(), key_of));
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, Signature={signature}");
    let request = reqwest::Client::new().post(format!("{}/model/anthropic.m-v1%3A0/converse", mock.url()));
    let request = request.header("authorization", authorization).header("x-amz-date", time).body(body);
    let response = request.send().await.expect("an answer");
    let kind = response.headers().get("x-amzn-errortype").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(':').next().unwrap_or_default().to_owned();
    (response.status().as_u16(), kind, response.text().await.expect("text"))
}

/// The day and the time of a second since 1970, as AWS writes them.
fn stamp(seconds: u64) -> (String, String) {
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let (mut days, mut year) = (seconds / 86_400, 1970);
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let clock = seconds % 86_400;
    let day = format!("{year}{month:02}{:02}", days + 1);
    let time = format!("{day}T{:02}{:02}{:02}Z", clock / 3600, clock / 60 % 60, clock % 60);
    (day, time)
}
