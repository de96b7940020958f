//! Fallback across formats: the client sees one good answer, and nothing of one attempt reaches another provider.

use mock_llm::script::{Reset, Rule, Script};
use reqwest::Method;
use serde_json::{Value, json};
use tollgate_tests::{Answer, DEV_KEY, Setup, Stack, events};

use super::{ask, ask_streaming, assert_nothing_leaked};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_provider_gets_a_fresh_translation() {
    let stack = Stack::start().await;
    let providers = stack.providers();
    let close = Script { reset: Some(Reset { after_pieces: None, close: true }), ..Script::default() };
    let failures = [
        ("503", Script::status(503)),
        ("429", Script::status(429)),
        ("reset", Script::reset()),
        ("500", Script::status(500)),
        ("close", close),
    ];
    let mut exchanges = 0;
    for (name, failure) in failures {
        for stream in [false, true] {
            providers.clear();
            providers.openai.script(failure.clone());
            let mut request = ask("openai-then-claude", "hello");
            request["stream"] = json!(stream);
            request["max_tokens"] = json!(50);
            let answer = stack.chat(&request).await;
            assert_eq!(answer.status, 200, "{name}, stream {stream}: {}", answer.text());
            assert_eq!(answer.content(), "You said: hello", "{name}, stream {stream}: {}", answer.text());
            let (first, second) = (providers.openai.requests(), providers.claude.requests());
            assert_eq!((first.len(), second.len()), (1, 1), "{name}, stream {stream}");
            assert_eq!(first[0].json()["model"], "openai-model");
            assert_eq!(
                (&second[0].json()["model"], &second[0].json()["max_tokens"]),
                (&json!("claude-haiku-4-5"), &json!(50))
            );
            assert_nothing_leaked(providers);
            // A good answer of the first in between keeps Envoy from taking it out of service.
            assert_eq!(stack.chat(ask("openai-then-claude", "well")).await.status, 200);
            exchanges += 2;
        }
    }
    let records = stack.api().wait_for_records(exchanges).await;
    for pair in records.chunks(2) {
        let [fell_back, direct] = pair else { panic!("an odd number of records") };
        assert_eq!(
            (&fell_back["provider"], &fell_back["attempt_count"]),
            (&json!("claude"), &json!(2)),
            "{fell_back:#}"
        );
        assert_eq!((&direct["provider"], &direct["attempt_count"]), (&json!("openai"), &json!(1)), "{direct:#}");
        assert!(pair.iter().all(|record| record["outcome"] == "success" && record["provenance"] == "reported"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_way_and_when_nobody_is_there() {
    let stack = Stack::start().await;
    let providers = stack.providers();

    // From Anthropic's format to OpenAI's.
    for stream in [false, true] {
        providers.claude.script(Script::status(529));
        let mut request = ask("claude-then-openai", "hello");
        request["stream"] = json!(stream);
        assert_eq!(stack.chat(&request).await.content(), "You said: hello");
    }
    assert_eq!((providers.claude.requests().len(), providers.openai.requests().len()), (2, 2));
    assert_nothing_leaked(providers);

    // Nobody listens at the first.
    let answer = stack.chat(ask("nobody-then-claude", "hello")).await;
    assert_eq!((answer.status, answer.content().as_str()), (200, "You said: hello"), "{}", answer.text());

    // The first takes the request of a stream and says nothing: the second is asked after the first-byte timeout.
    providers.openai.script(Script { hang: true, ..Script::default() });
    let answer = stack.chat(ask_streaming("hasty", "hello")).await;
    assert_eq!((answer.status, answer.content().as_str()), (200, "You said: hello"), "{}", answer.text());

    let records = stack.api().wait_for_records(4).await;
    assert!(records.iter().all(|record| record["outcome"] == "success"), "{records:#?}");
    assert_nothing_leaked(providers);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_all_fail_the_last_error_is_the_clients() {
    let stack = Stack::start().await;
    let providers = stack.providers();
    for stream in [false, true] {
        providers.openai.script(Script::status(503));
        providers.claude.script(Script::status(529));
        let mut request = ask("openai-then-claude", "hello");
        request["stream"] = json!(stream);
        let answer = stack.chat(&request).await;
        assert_eq!(answer.status, 529, "{}", answer.text());
        assert_eq!(answer.json()["error"]["message"], "Overloaded");
        assert!(
            answer.json()["error"].get("code").is_some() && answer.json().get("type").is_none(),
            "{}",
            answer.text()
        );
    }
    // The provider's retry hint survives.
    let limited = Script { headers: vec![("retry-after".into(), "7".into())], ..Script::status(429) };
    providers.openai.add(Rule::always(limited));
    let answer = stack.chat(ask("gpt-4o", "hello")).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "7"));
    assert_eq!(answer.json()["error"]["code"], "rate_limit_exceeded");
    // An error that is the request's own fault goes to no second provider.
    providers.clear();
    providers.openai.script(Script::status(400));
    assert_eq!(stack.chat(ask("openai-then-claude", "hello")).await.status, 400);
    assert_eq!(providers.claude.requests().len(), 0);

    let records = stack.api().wait_for_records(4).await;
    assert!(records.iter().all(|record| record["outcome"] == "provider_error"), "{records:#?}");
    assert_eq!((&records[0]["provider"], &records[0]["status"]), (&json!("claude"), &json!(529)), "{:#}", records[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_breaks_off_is_not_tried_again() {
    let stack = Stack::start().await;
    for (model, mock) in
        [("openai-then-claude", &stack.providers().openai), ("claude-then-openai", &stack.providers().claude)]
    {
        stack.providers().clear();
        mock.script(Script { reset: Some(Reset { after_pieces: Some(4), close: false }), ..Script::default() });
        let mut response = stack.send_chat(ask_streaming(model, "one two three four five six")).await;
        let mut seen = Vec::new();
        while let Ok(Some(piece)) = response.chunk().await {
            seen.extend_from_slice(&piece);
        }
        let text = String::from_utf8_lossy(&seen).into_owned();
        assert!(!text.contains("[DONE]"), "{model}: {text}");
        assert!(
            events(&seen).iter().any(|event| event["choices"][0]["delta"]["content"].is_string()),
            "{model}: {text}"
        );
        let attempts: usize = stack.providers().each().iter().map(|mock| mock.requests().len()).sum();
        assert_eq!(attempts, 1, "{model}");
    }
    let records = stack.api().wait_for_records(2).await;
    assert!(
        records.iter().all(|record| record["outcome"] == "interrupted" && record["provenance"] == "partial"),
        "{records:#?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_cannot_serve_the_request_is_left_out_wherever_it_stands() {
    let stack = Setup::prepare(|config| {
        let target = |provider: &str, priority: u32| {
            json!({"provider": provider, "model": "claude-haiku-4-5", "priority": priority})
        };
        let three = [target("openai", 0), target("claude", 1), target("second", 2)];
        config["models"]["three"] = json!({"targets": three});
        config["models"]["three-strict"] = json!({"targets": three, "translation": "strict"});
    })
    .await
    .started()
    .await;
    let providers = stack.providers();
    let seen = || providers.each().map(|mock| mock.requests().len());
    let ask_for = async |path: &str, body: Value| {
        let request = stack.request(Method::POST, path).header("x-tollgate-debug", "1").json(&body);
        Answer::read(request.send().await.expect("an answer")).await.expect("a body")
    };

    // Anthropic has no embeddings: once the first has failed, the third is asked.
    providers.openai.script(Script::status(503));
    let answer = ask_for("/v1/embeddings", json!({"model": "three", "input": "x"})).await;
    assert_eq!(
        (answer.status, answer.header("x-tollgate-target")),
        (200, "second/claude-haiku-4-5"),
        "{}",
        answer.text()
    );
    assert_eq!(answer.header("x-tollgate-skipped"), "claude/claude-haiku-4-5 (unsupported_operation)");
    assert_eq!(seen(), [1, 0, 1]);

    // On a strict route what the second would lose leaves it out, and it is not asked either when both others fail.
    let mut request = ask("three-strict", "hello");
    request["seed"] = json!(7);
    providers.clear();
    providers.openai.script(Script::status(503));
    let answer = ask_for("/v1/chat/completions", request.clone()).await;
    assert_eq!(
        (answer.status, answer.header("x-tollgate-target")),
        (200, "second/claude-haiku-4-5"),
        "{}",
        answer.text()
    );
    assert_eq!(answer.header("x-tollgate-skipped"), "claude/claude-haiku-4-5 (lossy_translation)");
    providers.openai.script(Script::status(503));
    providers.second.script(Script::status(429));
    assert_eq!(ask_for("/v1/chat/completions", request).await.status, 429);
    assert_eq!(seen(), [2, 0, 2]);

    // Nothing is left out of the next request, in the same cluster.
    providers.clear();
    providers.openai.script(Script::status(503));
    let answer = ask_for("/v1/chat/completions", ask("three-strict", "hello")).await;
    assert_eq!(
        (answer.status, answer.header("x-tollgate-target")),
        (200, "claude/claude-haiku-4-5"),
        "{}",
        answer.text()
    );
    assert_eq!(seen(), [1, 1, 0]);
    let attempts: Vec<_> =
        stack.api().wait_for_records(4).await.iter().map(|record| record["attempt_count"].clone()).collect();
    assert_eq!(attempts, [json!(2), json!(2), json!(2), json!(2)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_first_cannot_take_a_request_the_next_one_gets_it() {
    let stack = Stack::start().await;
    let providers = stack.providers();
    // Anthropic takes no audio.
    let audio = json!({"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}});
    let request = |model: &str| {
        let content = json!([{"type": "text", "text": "hello"}, audio]);
        json!({"model": model, "messages": [{"role": "user", "content": content}]})
    };
    for stream in [false, true] {
        let mut request = request("claude-then-openai");
        request["stream"] = json!(stream);
        let answer = stack.chat(&request).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!((providers.claude.requests().len(), providers.openai.requests().len()), (0, 2));
    // Where none can, the client hears why.
    let error = stack.chat(request("claude")).await.expect_error(400, "invalid_value");
    assert!(error.to_string().contains("takes no audio"), "{error}");
    assert_eq!(providers.claude.requests().len(), 0);
}

/// Each client's own request for a stream, and how it looks when the answer is complete.
fn streams_of_every_client(model: &str) -> [(String, &'static str, Value, &'static str); 5] {
    let said = json!([{"role": "user", "content": "hello"}]);
    [
        (
            "/v1/chat/completions".to_owned(),
            "authorization",
            json!({"model": model, "stream": true, "messages": said}),
            "data: [DONE]",
        ),
        (
            "/v1/responses".to_owned(),
            "authorization",
            json!({"model": model, "stream": true, "input": "hello"}),
            "event: response.completed",
        ),
        (
            "/v1/completions".to_owned(),
            "authorization",
            json!({"model": model, "stream": true, "prompt": "hello"}),
            "data: [DONE]",
        ),
        (
            "/v1/messages".to_owned(),
            "x-api-key",
            json!({"model": model, "stream": true, "max_tokens": 50, "messages": said}),
            "event: message_stop",
        ),
        (
            format!("/v1beta/models/{model}:streamGenerateContent"),
            "x-goog-api-key",
            json!({"contents": [{"parts": [{"text": "hello"}]}]}),
            "\"finishReason\":\"STOP\"",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_clients_stream_falls_back_from_chats_to_gemini_to_a_signed_bedrock() {
    let stack = Setup::prepare(|config| {
        let url = |name: &str| config["providers"][name]["base_url"].as_str().unwrap_or_default().to_owned();
        let (gemini, bedrock) = (url("claude"), url("second"));
        config["providers"]["gemini"] = json!({
            "kind": "gemini", "api_key": "sk-provider-canary-gemini", "base_url": gemini.replace("/v1", "/v1beta"),
        });
        config["providers"]["bedrock"] = json!({
            "kind": "bedrock", "region": "eu-north-1", "base_url": bedrock.trim_end_matches("/v1"),
            // The pair that the mock knows.
            "access_key_id": "AKIDEXAMPLE", "secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        });
        let target = |provider: &str, model: &str, priority: u32| {
            json!({"provider": provider, "model": model, "priority": priority})
        };
        config["models"]["three"] = json!({"targets": [
            target("openai", "openai-model", 0),
            target("gemini", "gemini-2.5-pro", 1),
            target("bedrock", "eu.anthropic.claude-haiku-4-5-20251001-v1:0", 2),
        ]});
    })
    .await
    .started()
    .await;
    let providers = stack.providers();
    let clients = streams_of_every_client("three");
    let formats = ["openai_chat", "openai_responses", "openai_completions", "anthropic_messages", "gemini_generate"];
    for (path, header, body, last) in &clients {
        providers.clear();
        providers.openai.script(Script::status(503));
        providers.claude.script(Script::status(500));
        let key = if *header == "authorization" { format!("Bearer {DEV_KEY}") } else { DEV_KEY.to_owned() };
        let request = reqwest::Client::new().post(stack.url(path)).header(*header, key).json(body);
        let answer = request.send().await.expect("an answer");
        let (status, text) = (answer.status(), answer.text().await.expect("a body"));
        assert!(status == 200 && text.contains(last) && text.contains("hello"), "{path}: {status} {text}");
        let paths =
            providers.each().map(|mock| mock.requests().iter().map(|seen| seen.path.clone()).collect::<Vec<_>>());
        assert_eq!(paths.each_ref().map(Vec::len), [1, 1, 1], "{path}: {paths:?}");
        assert!(paths[1][0].contains("gemini-2.5-pro:streamGenerateContent"), "{path}: {paths:?}");
        assert!(paths[2][0].ends_with("-v1%3A0/converse-stream"), "{path}: {paths:?}");
    }
    let records = stack.api().wait_for_records(clients.len()).await;
    for (record, format) in records.iter().zip(formats) {
        assert_eq!((&record["client_format"], &record["attempt_count"]), (&json!(format), &json!(3)), "{record:#}");
        assert_eq!((&record["provider"], &record["provider_format"]), (&json!("bedrock"), &json!("bedrock_converse")));
        assert_eq!((&record["outcome"], &record["provenance"]), (&json!("success"), &json!("reported")), "{record:#}");
    }
}
