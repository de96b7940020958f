//! What an exchange leaves behind: its facts, its attempts, and how it ended.

use super::{clients::vm_of_formats, *};
use crate::exchange::record::Facts;

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const SESSION: &str = "7d0e2f61-4b5c-4a9d-8f11-2c3d4e5f6a7b";

/// The record of a request that no provider answers.
fn asked_for(vm: Vm, extra: &[(&str, &str)], body: &str) -> Record {
    FakeEnvoy::new(vm, NOW).drive(request(extra, body)).record.expect("a record")
}

fn facts(extra: &[(&str, &str)], body: &str) -> Facts {
    *asked_for(vm_for(&["*"]), extra, body).facts
}

#[test]
fn each_client_format_names_the_end_user_in_its_own_place() {
    for (path, body) in [
        ("/v1/chat/completions", r#"{"model":"openai_chat/m","user":"ann"}"#),
        ("/v1/chat/completions", r#"{"model":"openai_chat/m","safety_identifier":"ann"}"#),
        ("/v1/responses", r#"{"model":"openai_responses/m","user":"ann","stream":true}"#),
        ("/v1/completions", r#"{"model":"openai_completions/m","user":"ann"}"#),
        ("/v1/embeddings", r#"{"model":"openai_embeddings/m","user":"\u0061nn"}"#),
        ("/v1/messages", r#"{"model":"anthropic_messages/m","metadata":{"user_id":"ann"}}"#),
        ("/v1beta/models/gemini_generate/m:generateContent", r#"{"labels":{"team":"x","end_user":"ann"}}"#),
    ] {
        let record = asked_for(vm_of_formats(), &[(":path", path)], body);
        assert_eq!((&*record.facts.end_user, record.outcome), ("ann", Outcome::ProviderError), "{path}");
        assert_eq!(record.facts.stream, path == "/v1/responses");
    }
    assert_eq!(&*facts(&[], BODY).end_user, "");
}

#[test]
fn the_gateways_own_header_names_the_session_before_those_of_clients() {
    let ours = ("x-tollgate-session", "ours");
    let others = [("x-session-id", "a"), ("session-id", "b"), ("session_id", "c"), ("x-claude-code-session-id", "d")];
    for from in 0..others.len() {
        let mut sent = others[from..].to_vec();
        sent.reverse();
        assert_eq!(&*facts(&sent, BODY).session_id, others[from].1);
        sent.push(ours);
        assert_eq!(&*facts(&sent, BODY).session_id, "ours");
        sent.push(("x-tollgate-session", " "));
        assert_eq!(&*facts(&sent, BODY).session_id, others[from].1, "an empty one is none");
    }
}

#[test]
fn claude_codes_user_id_gives_user_and_session() {
    let body = |user_id: &str| {
        let user_id = serde_json::Value::from(user_id);
        format!(r#"{{"model":"sonnet","max_tokens":1,"metadata":{{"user_id":{user_id}}}}}"#)
    };
    let path = (":path", "/v1/messages");
    let old = body(&format!("user_ab_account__session_{SESSION}"));
    let found = facts(&[path], &old);
    assert_eq!((&*found.end_user, &*found.session_id), ("user_ab_account_", SESSION));
    let new = body(&format!(r#"{{"device_id":"d","account_uuid":"","session_id":"{SESSION}"}}"#));
    let found = facts(&[path], &new);
    assert_eq!((&*found.end_user, &*found.session_id), ("d", SESSION));
    let found = facts(&[path, ("x-claude-code-session-id", "other")], &new);
    assert_eq!(&*found.session_id, "other", "headers go first");
}

#[test]
fn tags_route_address_and_trace_are_on_record() {
    let sent = [("x-tollgate-tags", "a, b ,a"), ("x-forwarded-for", "6.6.6.6, 10.1.2.3"), ("traceparent", TRACE)];
    let found = facts(&sent, &BODY.replace("gpt-4o", "default"));
    assert_eq!(found.tags, ["a".into(), "b".into()] as [Box<str>; 2]);
    assert_eq!(found.client_address.map(|address| address.to_string()).as_deref(), Some("10.1.2.3"));
    assert_eq!((&*found.traceparent, found.route.as_deref(), &*found.model), (TRACE, Some("gpt-4o"), "default"));
    assert_eq!(found.snapshot_version, 3);
    assert_eq!(facts(&[("x-provider", "claude")], BODY).route, None);
}

#[test]
fn what_names_the_asker_to_us_goes_to_no_provider() {
    let sent = [
        ("x-tollgate-session", "s"),
        ("x-tollgate-tags", "t"),
        ("session_id", "s"),
        ("x-session-id", "s"),
        ("x-claude-code-session-id", "s"),
        ("x-forwarded-for", "10.1.2.3"),
    ];
    let seen = envoy().drive(request(&sent, BODY));
    for name in ["x-tollgate-session", "x-tollgate-tags"] {
        assert!(admission(&seen).remove.iter().any(|removed| removed == name), "{name}");
    }
    for (name, _) in sent {
        assert_eq!(seen.upstream[0].head.value(name), None, "{name}");
    }
}

#[test]
fn a_refusal_says_as_much_as_was_known_by_then() {
    let sent = [("x-tollgate-tags", "a"), ("x-tollgate-session", "s"), ("x-forwarded-for", "10.1.2.3")];
    let record_of = |extra: &[(&str, &str)], body: &str| asked_for(vm_for(&["*"]), &[&sent[..], extra].concat(), body);

    let early = record_of(&[("authorization", "Bearer sk-bad"), ("upgrade", "websocket")], BODY);
    assert_eq!((early.reason, &*early.facts.session_id, early.facts.tags.len()), ("upgrade_not_supported", "s", 1));
    assert!(early.facts.client_address.is_some() && early.facts.operation.is_none());

    let keyless = record_of(&[("authorization", "")], BODY);
    assert_eq!((keyless.reason, keyless.facts.principal.is_none()), ("missing_api_key", true));
    assert!(keyless.facts.operation.is_some() && keyless.facts.client_format.is_some());

    let body = r#"{"model":"gpt-5","stream":true,"user":"ann"}"#;
    let unknown = record_of(&[], body);
    let Facts { principal, model, route, stream, end_user, .. } = &*unknown.facts;
    assert_eq!((unknown.reason, &**model, &**end_user, *stream), ("model_not_found", "gpt-5", "ann", true));
    assert_eq!((principal.as_ref().map(|p| &*p.key_id), route), (Some("k1"), &None));
    assert_eq!((&unknown.attempts, unknown.losses.count), (&Attempts::default(), 0));

    let forbidden = asked_for(vm_for(&["sonnet"]), &[], BODY);
    assert_eq!((forbidden.reason, forbidden.facts.route.as_deref()), ("model_not_allowed", Some("gpt-4o")));
}

/// Its second attempt used something, and so did its first, which was given up.
#[test]
fn both_attempts_of_a_fallback_are_on_record_with_what_each_used() {
    let mut vm = vm_for(&["*"]);
    let mut gate = Gate::new(ExchangeId::from_random(1), 1);
    let stream = BODY.replace("\"x\":1", "\"stream\":true");
    gate.handle_head(&mut vm.shared, head(&[]), false, NOW);
    let Verdict::Admit(admission) = gate.handle_whole_body(&mut vm.shared, stream.into_bytes()) else { panic!() };
    let (mut first, _) = Adapter::begin(&mut vm.shared, admission.exchange, 0, NOW.plus(10)).unwrap();
    let answer = || head_of(&[(":status", "200"), ("content-type", "text/event-stream")]);
    first.handle_response_head(&mut vm.shared, answer(), false, NOW.plus(30));
    let usage = b"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5}}\n\n";
    first.handle_response_chunk(&mut vm.shared, usage, false);
    first.handle_done(&mut vm.shared, NOW.plus(50));

    let (mut second, _) = Adapter::begin(&mut vm.shared, admission.exchange, 1, NOW.plus(60)).unwrap();
    second.handle_response_head(&mut vm.shared, answer(), false, NOW.plus(100));
    assert_eq!(gate.handle_response_head(&mut vm.shared, false), Response::Pass);
    for event in [
        r#"{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"sonnet","content":[],"usage":{"input_tokens":7,"output_tokens":1}}}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}}"#,
        r#"{"type":"message_stop"}"#,
    ] {
        second.handle_response_chunk(&mut vm.shared, format!("data: {event}\n\n").as_bytes(), false);
    }
    second.handle_response_chunk(&mut vm.shared, b"", true);
    // What an adapter says that was given up changes nothing of what the others saw.
    first.handle_response_chunk(&mut vm.shared, usage, true);
    second.handle_done(&mut vm.shared, NOW.plus(150));
    let record = gate.handle_log(&mut vm.shared, None, NOW.plus(151)).unwrap();
    let [one, two] = &record.attempts.list[..] else { panic!("{:?}", record.attempts) };
    assert_eq!((&*one.provider, &*one.model, one.format), ("openai", "gpt-4o", Some(crate::words::Format::OpenaiChat)));
    assert_eq!((one.started, one.first_byte_ms, one.duration_ms), (NOW.plus(10), Some(20), 40));
    assert_eq!((one.outcome, one.status, one.reason), (Outcome::Interrupted, 200, "interrupted"));
    assert_eq!(one.usage.map(|usage| (usage.input, usage.output)), Some((10, 5)));
    assert_eq!((one.charged, one.price_version.as_deref()), (Some(NanoUsd(60_000)), Some("book@test")));

    assert_eq!((&*two.provider, &*two.model), ("claude", "sonnet"));
    assert_eq!((two.started, two.first_byte_ms, two.duration_ms), (NOW.plus(60), Some(40), 90));
    assert_eq!((two.outcome, two.status, two.reason), (Outcome::Success, 200, ""));
    assert_eq!(two.usage.map(|usage| (usage.input, usage.output)), Some((7, 3)));
    assert_eq!((two.provenance, two.charged), (Provenance::Reported, Some(NanoUsd(38_000))));

    let whole = &record.attempts;
    assert_eq!((record.outcome, record.status, record.first_byte_ms), (Outcome::Success, 200, Some(100)));
    assert_eq!(whole.usage.map(|usage| (usage.input, usage.output)), Some((17, 8)));
    assert_eq!((whole.provenance, whole.charged()), (Provenance::Reported, Some(NanoUsd(98_000))));
}

#[test]
fn an_attempt_that_never_connected_is_on_record_too() {
    let seen = envoy().drive(request(&[], BODY).meets(Provider::Refuses).meets(Provider::Refuses));
    let attempts = &record(&seen).attempts;
    let [one, two] = &attempts.list[..] else { panic!("{attempts:?}") };
    assert_eq!((one.outcome, one.status, one.reason), (Outcome::ProviderError, 0, "no_answer"));
    assert_eq!((one.first_byte_ms, one.duration_ms), (None, 10));
    assert_eq!((two.outcome, two.status, two.reason), (Outcome::ProviderError, 0, "provider_unavailable"));
    assert_eq!((two.first_byte_ms, two.duration_ms), (None, 10));
    assert_eq!((attempts.usage, attempts.charged()), (None, None));
}

#[test]
fn an_attempt_that_its_client_left_is_no_providers_fault() {
    let first = ProviderAnswer::new(503, "text/plain", "no");
    let seen = envoy().drive(request(&[], BODY).meets(first).leaves(Leaves::DuringAttempt(1)));
    let record = record(&seen);
    let ends: Vec<_> =
        record.attempts.list.iter().map(|one| (one.outcome, one.status, one.reason, one.duration_ms)).collect();
    assert_eq!(
        ends,
        [(Outcome::ProviderError, 503, "provider_error", 10), (Outcome::ClientAbort, 0, "client_gone", 10)]
    );
    assert_eq!((record.outcome, record.status), (Outcome::ClientAbort, 0));
}

#[test]
fn whatever_a_client_says_of_itself_its_record_stays_small_and_clean() {
    let many = (0..1000).map(|n| format!("tag-{n}")).collect::<Vec<_>>().join(",");
    let long = "é".repeat(100_000);
    let hostile = [
        ("x-tollgate-tags", many.as_str()),
        ("x-tollgate-session", &long),
        ("traceparent", "00-zz-\u{fffd}"),
        ("x-forwarded-for", "javascript:alert(1)"),
    ];
    for user in [
        format!("\"{}\"", "x".repeat(1_000_000)),
        r#""a\u0000b\u001b[31m""#.to_owned(),
        r#""\ud800""#.to_owned(),
        "[[[[]]]]".to_owned(),
        "1e999".to_owned(),
    ] {
        for (path, body) in [
            ("/v1/chat/completions", format!(r#"{{"model":"gpt-4o","user":{user}}}"#)),
            ("/v1/messages", format!(r#"{{"model":"sonnet","max_tokens":1,"metadata":{{"user_id":{user}}}}}"#)),
            ("/v1beta/models/gpt-4o:generateContent", format!(r#"{{"labels":{{"user":{user}}}}}"#)),
        ] {
            let record = asked_for(vm_for(&["*"]), &[&hostile[..], &[(":path", path)]].concat(), &body);
            let Facts { end_user, session_id, tags, client_address, traceparent, .. } = &*record.facts;
            assert!(end_user.len() <= 256 && !end_user.contains(char::is_control), "{path} {end_user:?}");
            assert_eq!((session_id.len(), tags.len()), (256, 16));
            assert_eq!((client_address, &**traceparent), (&None, ""));
            assert!(record.size() < 4096, "{}", record.size());
        }
    }
}

/// Clients close the connection when they have read a stream's last event, which may be before its end is seen here.
#[test]
fn a_client_that_leaves_after_the_last_event_has_had_the_whole_answer() {
    let last = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n\n";
    let end = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5}}\n\ndata: [DONE]\n\n";
    for (pieces, outcome) in [(2, Outcome::Success), (1, Outcome::ClientAbort)] {
        let answer = ProviderAnswer::stream(&[last, end]).ends(AnswerEnd::Broken);
        let seen = envoy().drive(stream_request().meets(answer).leaves(Leaves::AfterChunk(pieces)));
        assert_eq!((record(&seen).outcome, record(&seen).attempts.list[0].outcome), (outcome, outcome));
    }
}
