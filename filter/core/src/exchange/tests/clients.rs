//! The client formats at the gate, and what crosses the gateway beside bodies.

use super::*;
use crate::words::Format;

const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");

/// A provider of each format, under the name of the format.
pub(super) fn vm_of_formats() -> Vm {
    let provider = |format: v1::Format| {
        let name = format.as_str_name().trim_start_matches("FORMAT_").to_ascii_lowercase();
        let header = if format == v1::Format::GeminiGenerate { "x-goog-api-key" } else { "authorization" };
        provider(&name, format, (header, "upstream"))
    };
    let formats = [
        v1::Format::OpenaiChat,
        v1::Format::OpenaiResponses,
        v1::Format::OpenaiCompletions,
        v1::Format::OpenaiEmbeddings,
        v1::Format::AnthropicMessages,
        v1::Format::GeminiGenerate,
    ];
    let providers = formats.map(provider).to_vec();
    vm_of(v1::Snapshot { providers, routes: Vec::new(), aliases: [].into(), ..snapshot() })
}

/// What comes of a request to the provider of the client's own format.
fn seen(path: &str, extra: &[(&str, &str)], body: &str) -> Seen {
    FakeEnvoy::new(vm_of_formats(), NOW).drive(request(&[&[(":path", path)], extra].concat(), body))
}

#[test]
fn each_client_format_reaches_a_provider_that_speaks_it() {
    for (path, model, upstream_path) in [
        ("/v1/chat/completions", "openai_chat/m", "/v1/chat/completions"),
        ("/v1/responses", "openai_responses/m", "/v1/responses"),
        ("/v1/completions", "openai_completions/m", "/v1/completions"),
        ("/v1/embeddings", "openai_embeddings/m", "/v1/embeddings"),
        ("/v1/messages", "anthropic_messages/m", "/v1/messages"),
    ] {
        for stream in [true, false] {
            let body = format!(r#"{{"model":"{model}","stream":{stream}}}"#);
            let seen = seen(path, &[], &body);
            let head = &seen.upstream[0].head;
            assert_eq!(head.value(":path"), Some(upstream_path));
            assert_eq!(head.value("accept") == Some("text/event-stream"), stream, "{path}");
            let facts = &record(&seen).facts;
            assert_eq!((&*facts.model, facts.stream), (model, stream), "{path}");
            assert_eq!(facts.client_format.map(Format::name), model.split('/').next());
        }
    }
}

#[test]
fn gemini_is_asked_for_the_stream_that_its_client_reads() {
    for (asked, put, accept) in [
        ("m:generateContent", "m:generateContent", "application/json"),
        ("m:streamGenerateContent", "m:streamGenerateContent", "application/json"),
        ("m:streamGenerateContent?alt=sse", "m:streamGenerateContent?alt=sse", "text/event-stream"),
        ("a%2Fb:generateContent?fields=x", "a%2Fb:generateContent", "application/json"),
    ] {
        let seen = seen(&format!("/v1beta/models/gemini_generate/{asked}"), &[], "{}");
        let head = &seen.upstream[0].head;
        assert_eq!(head.value(":path"), Some(format!("/v1/models/{put}").as_str()));
        assert_eq!(head.value("accept"), Some(accept), "{asked}");
        assert_eq!(record(&seen).facts.stream, asked.contains("stream"), "{asked}");
    }
}

#[test]
fn a_key_in_the_query_opens_geminis_paths_only_and_goes_nowhere() {
    let path = "/v1beta/models/gemini_generate/m:streamGenerateContent?alt=sse&key=sk-good";
    let good = seen(path, &[("authorization", "")], "{}");
    assert!(!format!("{:?}", good.upstream).contains("sk-good"));
    let set = admission(&good).set.iter().find(|(name, _)| *name == ":path").map(|(_, path)| path.as_str());
    assert_eq!(set, path.split('?').next());

    for (path, status) in [("/v1/chat/completions?key=sk-good", 401), ("/v1beta/models/m:generateContent?key=", 401)] {
        let without_header = [(":path", path), ("authorization", "")];
        let refused = envoy().drive(request(&without_header, BODY));
        assert_eq!(refused.response.unwrap().head.status(), status, "{path}");
    }
    let list = [(":method", "GET"), (":path", "/v1beta/models?key=sk-good"), ("authorization", "")];
    let listed = envoy().drive(request(&list, "").without_body());
    assert_eq!(listed.response.unwrap().head.status(), 200);
}

#[test]
fn every_refusal_is_in_the_format_of_the_endpoint_from_the_first_moment_on() {
    let endpoints = [
        ("/v1/messages", Format::AnthropicMessages),
        ("/v1/responses", Format::OpenaiResponses),
        ("/v1/completions", Format::OpenaiCompletions),
        ("/v1beta/models/m:generateContent", Format::GeminiGenerate),
        ("/v1/models/m:streamGenerateContent?alt=sse", Format::GeminiGenerate),
    ];
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, Reject);
    let cases: [Case<'_>; 6] = [
        (&[("authorization", "")], "{}", Reject::NoKey),
        (&[(":method", "PUT")], "{}", Reject::WrongMethod("POST")),
        (&[("content-encoding", "gzip")], "{}", Reject::CompressedBody("gzip".to_owned())),
        (&[("content-length", "99999999")], "{}", Reject::TooLarge(1 << 20)),
        (&[], "[]", Reject::NotJson(crate::json::ScanError::NotAnObject)),
        (&[], r#"{"model":"m"}"#, Reject::UnknownModel("m".to_owned())),
    ];
    for (path, format) in endpoints {
        for (extra, body, reject) in &cases {
            let head = [&[(":path", path)], *extra].concat();
            let response = envoy().drive(request(&head, body)).response.unwrap();
            let reply = reject.reply(format);
            assert_eq!((response.head.status(), response.body), (reply.status, reply.body), "{path}: {reject:?}");
        }
        // Envoy's own answer, while the body still arrives.
        let overtaken = request(&[(":path", path)], "{}").cut_short(408, "request_overall_timeout");
        let reply = Reject::Unreachable(408, crate::exchange::reject::NoAnswer::Timeout).reply(format);
        assert_eq!(envoy().drive(overtaken).response.unwrap().body, reply.body);
    }
    let nowhere = envoy().drive(request(&[(":path", "/v1/files"), VERSION], "{}")).response.unwrap();
    let error: serde_json::Value = serde_json::from_slice(&nowhere.body).unwrap();
    assert_eq!((nowhere.head.status(), error["type"].as_str()), (404, Some("error")));
    assert!(error["error"]["message"].as_str().unwrap().contains("/v1beta/models/{model}:generateContent"));
}

#[test]
fn a_member_that_policy_reads_stands_once_in_every_format() {
    for (path, body) in [
        ("/v1/responses", r#"{"model":"m","max_output_tokens":1,"max_output_tokens":9}"#),
        ("/v1/completions", r#"{"model":"m","max_tokens":1,"max_tokens":9}"#),
        ("/v1/messages", r#"{"model":"m","max_tokens":1,"max_token\u0073":9}"#),
        ("/v1beta/models/m:generateContent", r#"{"generationConfig":{},"generationConfig":{}}"#),
        ("/v1beta/models/m:generateContent", r#"{"generationConfig":{},"generation_config":{}}"#),
    ] {
        let refused = envoy().drive(request(&[(":path", path)], body));
        let record = record(&refused);
        assert_eq!((record.status, record.reason), (400, "duplicate_member"), "{path}");
        assert_eq!((record.facts.client_format.is_some(), record.attempts.list.len()), (true, 0));
    }
}

#[test]
fn what_bounds_an_answer_is_a_number_or_it_is_named() {
    for (path, body, param) in [
        ("/v1/chat/completions", r#"{"model":"claude","max_completion_tokens":"many"}"#, "max_completion_tokens"),
        ("/v1/chat/completions", r#"{"model":"claude","n":{}}"#, "n"),
        ("/v1/completions", r#"{"model":"claude","best_of":1.5}"#, "best_of"),
        ("/v1/responses", r#"{"model":"claude","max_output_tokens":true}"#, "max_output_tokens"),
    ] {
        let response = envoy().drive(request(&[(":path", path)], body)).response.unwrap();
        let error: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!((response.head.status(), error["error"]["param"].as_str()), (400, Some(param)), "{body}");
    }
    // Servers of open models mean no cap by -1.
    let body = r#"{"model":"openai_chat/m","messages":[],"max_tokens":-1}"#;
    assert!(seen("/v1/chat/completions", &[], body).admission.is_some());
}

#[test]
fn a_response_in_the_background_is_refused_as_nobody_would_count_it() {
    for (body, admitted) in [
        (r#"{"model":"openai_responses/m","background":true}"#, false),
        (r#"{"model":"openai_responses/m","background":"true"}"#, false),
        (r#"{"model":"openai_responses/m","background":false}"#, true),
        (r#"{"model":"openai_responses/m","background":null}"#, true),
    ] {
        assert_eq!(seen("/v1/responses", &[], body).admission.is_some(), admitted, "{body}");
    }
}

#[test]
fn models_in_geminis_paths_are_checked_as_those_in_bodies_are() {
    let long = format!("/v1beta/models/{}:generateContent", "m".repeat(257));
    for path in ["/v1beta/models/a%0d%0ab:generateContent", &long] {
        let refused = envoy().drive(request(&[(":path", path)], "{}"));
        assert_eq!(record(&refused).status, 400, "{path}");
    }
}

#[test]
fn what_chooses_a_dialects_features_goes_to_that_dialect_only() {
    let sent = [
        ("openai-beta", "responses=v1"),
        ("anthropic-beta", "context-1m"),
        ("anthropic-version", "2024-01-01"),
        ("x-request-id", "r"),
        ("cookie", "c"),
    ];
    let seen = |path: &str, model: &str| {
        let head = seen(path, &sent, &format!(r#"{{"model":"{model}","max_tokens":1}}"#)).upstream.remove(0).head;
        let names = ["openai-beta", "anthropic-beta", "anthropic-version", "x-request-id", "cookie"];
        names.map(|name| {
            head.0.iter().filter(|(found, _)| found == name).map(|(_, value)| value.clone()).collect::<Vec<_>>()
        })
    };
    let [none, one]: [Vec<String>; 2] = [vec![], vec!["r".to_owned()]];
    let text = |value: &str| vec![value.to_owned()];
    assert_eq!(
        seen("/v1/responses", "openai_responses/m"),
        [text("responses=v1"), none.clone(), none.clone(), one.clone(), none.clone()]
    );
    assert_eq!(
        seen("/v1/messages", "anthropic_messages/m"),
        [none.clone(), text("context-1m"), text("2024-01-01"), one.clone(), none.clone()]
    );
    // Translated, the version is the one that the translation was written for.
    let extra = [&sent[..], &[("x-provider", "claude"), ("x-tollgate-debug", "1")]].concat();
    let answer = ProviderAnswer::json(r#"{"type":"message","role":"assistant","content":[],"usage":{}}"#);
    let translated = envoy().drive(request(&extra, BODY).meets(answer));
    let head = &translated.upstream[0].head;
    assert_eq!(head.value("anthropic-version"), Some("2023-06-01"));
    assert_eq!((head.value("anthropic-beta"), head.value("openai-beta")), (None, None));
    let losses = &record(&translated).losses;
    let betas = losses.first.iter().map(|loss| &*loss.path).filter(|path| path.ends_with("-beta"));
    assert_eq!(betas.collect::<Vec<_>>(), ["openai-beta", "anthropic-beta"]);
}

#[test]
fn a_clients_betas_all_count_however_many_headers_they_are_in() {
    let mut head = head(&[(":path", "/v1/messages"), ("anthropic-beta", "a")]);
    head.0.push(("anthropic-beta".to_owned(), "b".to_owned()));
    let script = Script::new(head, r#"{"model":"anthropic_messages/m","max_tokens":1}"#);
    let head = FakeEnvoy::new(vm_of_formats(), NOW).drive(script).upstream.remove(0).head;
    let betas: Vec<_> = head.0.iter().filter(|(name, _)| name == "anthropic-beta").map(|(_, beta)| beta).collect();
    assert_eq!(betas, ["a", "b"]);
}

#[test]
fn a_providers_request_id_and_limits_pass_and_the_client_finds_the_id_where_it_looks() {
    let answered = |path: &str, model: &str, id: &str| {
        let body = format!(r#"{{"model":"{model}","max_tokens":1}}"#);
        let answer = ProviderAnswer::json("{}").with(id, "req_1").with("retry-after", "7");
        let answer = answer.with("x-ratelimit-limit-requests", "9");
        let script = request(&[(":path", path)], &body).meets(answer);
        FakeEnvoy::new(vm_of_formats(), NOW).drive(script).response.unwrap().head
    };
    for (path, model, id, own) in [
        ("/v1/messages", "anthropic_messages/m", "x-amzn-requestid", "request-id"),
        ("/v1/messages", "anthropic_messages/m", "request-id", "request-id"),
        ("/v1/chat/completions", "openai_chat/m", "request-id", "x-request-id"),
        ("/v1/responses", "openai_responses/m", "x-request-id", "x-request-id"),
    ] {
        let head = answered(path, model, id);
        assert_eq!((head.value(id), head.value(own)), (Some("req_1"), Some("req_1")), "{path} {id}");
        assert_eq!((head.value("retry-after"), head.value("x-ratelimit-limit-requests")), (Some("7"), Some("9")));
        assert_eq!(head.0.iter().filter(|(name, _)| name == own).count(), 1);
    }
}

#[test]
fn models_are_listed_in_the_words_of_the_clients_vendor() {
    let get = |path: &str, extra: &[(&str, &str)]| {
        let asked = [&[(":method", "GET"), (":path", path)], extra].concat();
        let response = envoy().drive(request(&asked, "").without_body()).response.unwrap();
        (response.head.status(), serde_json::from_slice::<serde_json::Value>(&response.body).unwrap())
    };
    let (_, anthropic) = get("/v1/models", &[VERSION]);
    assert_eq!(anthropic["data"][1]["id"], "gpt-4o");
    assert_eq!((&anthropic["data"][1]["type"], &anthropic["has_more"]), (&"model".into(), &false.into()));
    assert_eq!((&anthropic["first_id"], &anthropic["last_id"]), (&"default".into(), &"sonnet".into()));
    let (_, one) = get("/v1/models/sonnet", &[VERSION]);
    assert_eq!((&one["id"], &one["display_name"]), (&"sonnet".into(), &"sonnet".into()));

    let (_, gemini) = get("/v1beta/models", &[]);
    assert_eq!((&gemini["models"][0]["name"], gemini.get("nextPageToken")), (&"models/default".into(), None));
    let (_, one) = get("/v1beta/models/gpt-4o", &[]);
    assert_eq!(
        (&one["name"], &one["supportedGenerationMethods"][0]),
        (&"models/gpt-4o".into(), &"generateContent".into())
    );
    assert_eq!(get("/v1beta/models/nothing", &[]).0, 404);
    assert_eq!(get("/v1/models/nothing", &[VERSION]).1["type"], "error");
}

#[test]
fn a_stream_that_is_made_here_is_framed_as_the_client_asked() {
    for (query, media_type) in [("?alt=sse", "text/event-stream"), ("", "application/json")] {
        let path = format!("/v1beta/models/sonnet:streamGenerateContent{query}");
        let body = r#"{"contents":[{"parts":[{"text":"hi"}]}]}"#;
        let answer = ProviderAnswer::stream(&["data: {}\n\n"]).with("content-length", "10");
        let head = envoy().drive(request(&[(":path", &path)], body).meets(answer)).response.unwrap().head;
        assert_eq!((head.value("content-type"), head.value("content-length")), (Some(media_type), None));
    }
}

#[test]
fn a_record_says_which_formats_met() {
    let unable = || ProviderAnswer::new(503, "text/plain", "no");
    let seen = envoy().drive(request(&[], BODY).meets(unable()).meets(unable()));
    let formats = (record(&seen).facts.client_format, record(&seen).attempts.list.last().and_then(|last| last.format));
    assert_eq!(formats, (Some(Format::OpenaiChat), Some(Format::AnthropicMessages)));
}

#[test]
fn a_snapshot_with_half_a_credential_is_refused() {
    let mut wire = snapshot();
    wire.providers[0].aws =
        Some(v1::AwsCredentials { region: "us-east-1".to_owned(), ..v1::AwsCredentials::default() });
    let refusal = Snapshot::compile(wire, None).unwrap_err().to_string();
    assert!(refusal.contains("the credentials of provider \"openai\""), "{refusal}");
}

#[test]
fn a_signature_covers_the_body_that_is_sent_and_the_time_of_its_attempt() {
    use sha2::Digest as _;
    let mut wire = snapshot();
    wire.providers[0].headers.clear();
    wire.providers[0].aws = Some(v1::AwsCredentials {
        region: "eu-central-1".to_owned(),
        access_key_id: "AKIA1".to_owned(),
        secret_access_key: "hidden".to_owned(),
        session_token: "token".to_owned(),
    });
    let mut envoy = envoy_of(wire);
    let renamed = BODY.replace("gpt-4o", "openai/other");
    for (body, date) in [(BODY, "20231114"), (&renamed, "20231115")] {
        let sent = envoy.drive(request(&[], body)).upstream.remove(0);
        let (head, sent) = (&sent.head, &sent.body);
        let digest: String = sha2::Sha256::digest(sent).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(head.value("x-amz-content-sha256"), Some(digest.as_str()));
        assert_eq!(head.value("x-amz-date"), Some(format!("{date}T221320Z").as_str()));
        let authorization = head.value("authorization").unwrap();
        let scope = format!("AWS4-HMAC-SHA256 Credential=AKIA1/{date}/eu-central-1/bedrock/aws4_request");
        assert!(authorization.starts_with(&scope) && authorization.contains("content-type;host;"), "{authorization}");
        assert_eq!(head.value("x-amz-security-token"), Some("token"));
        assert!(!format!("{head:?}").contains("hidden"));
        envoy.now = NOW.plus(86_400_000);
    }
}
