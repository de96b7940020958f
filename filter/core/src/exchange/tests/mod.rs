//! Drives both machines as Envoy does, on plain values and a virtual clock.

mod clients;
mod left_out;
mod records;

use std::rc::Rc;

use tollgate_proto::v1;

use super::*;
use crate::{
    admit::{
        KeyRefusal, Principal,
        snapshot::{InvalidSnapshot, Snapshot},
    },
    exchange::record::{Attempts, Record},
    meter::price::NanoUsd,
    vm::{Node, Resolution, Vm},
    words::{ExchangeId, Glob, KeyDigest, Millis, Outcome, Provenance},
};

const NOW: Millis = Millis(1_700_000_000_000);
const BODY: &str = r#"{"model":"gpt-4o", "messages":[{"role":"user","content":"hi"}] ,"x":1}"#;

fn provider(name: &str, format: v1::Format, credential: (&str, &str)) -> v1::Provider {
    let header = v1::Header { name: credential.0.to_owned(), value: credential.1.to_owned() };
    v1::Provider {
        name: name.to_owned(),
        authority: format!("{name}.example"),
        path_prefix: "/v1".to_owned(),
        scheme: "https".to_owned(),
        formats: vec![format.into()],
        headers: vec![header],
        cluster: format!("chain/{name}"),
        default_max_tokens: 4096,
        ..v1::Provider::default()
    }
}

fn target(provider: &str, model: &str) -> v1::Target {
    let rates = v1::Rates { input: 2_000_000, output: 8_000_000, ..v1::Rates::default() };
    let price = v1::Price { version: "book@test".to_owned(), rates: Some(rates), ..v1::Price::default() };
    v1::Target { provider: provider.to_owned(), model: model.to_owned(), default_max_tokens: 4096, prices: vec![price] }
}

fn route(model: &str, targets: Vec<v1::Target>, cluster: &str) -> v1::Route {
    let chain = v1::Chain { targets: (0..targets.len() as u32).collect(), cluster: cluster.to_owned(), weight: 1 };
    v1::Route {
        model: model.to_owned(),
        targets,
        translation: v1::Translation::Lenient.into(),
        timeout_ms: 600_000,
        first_byte_timeout_ms: 30_000,
        chains: vec![chain],
    }
}

fn snapshot() -> v1::Snapshot {
    v1::Snapshot {
        version: 3,
        providers: vec![
            provider("openai", v1::Format::OpenaiChat, ("authorization", "Bearer upstream-1")),
            provider("claude", v1::Format::AnthropicMessages, ("x-api-key", "upstream-2")),
        ],
        routes: vec![
            route("gpt-4o", vec![target("openai", "gpt-4o"), target("claude", "sonnet")], "chain/openai+claude"),
            route("sonnet", vec![target("claude", "claude-sonnet-4-5")], "chain/claude"),
        ],
        aliases: [("default", "gpt-4o"), ("raw", "openai/o3")].map(|(a, m)| (a.to_owned(), m.to_owned())).into(),
        max_body_bytes: 1 << 20,
    }
}

fn principal(models: &[&str]) -> Rc<Principal> {
    let models = models.iter().map(|pattern| Glob::new(*pattern)).collect();
    Rc::new(Principal { key_id: "k1".into(), name: "dev".into(), team: "platform".into(), user: "".into(), models })
}

fn vm_for(models: &[&str]) -> Vm {
    let mut vm = Vm::new(Node { vm_id: "vm-1".to_owned(), node_id: "n".to_owned() }, None);
    vm.snapshot = Some(Snapshot::compile(snapshot(), None).unwrap().into());
    vm.keys.learn(KeyDigest::of(b"sk-good"), &Resolution::Good(principal(models), 60_000), NOW);
    vm
}

fn vm() -> Vm {
    vm_for(&["*"])
}

fn head(extra: &[(&str, &str)]) -> Head {
    let mut pairs = vec![
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "gateway"),
        (":path", "/v1/chat/completions"),
        ("x-forwarded-proto", "http"),
        ("authorization", "Bearer sk-good"),
    ];
    for (name, value) in extra {
        pairs.retain(|(present, _)| present != name);
        pairs.push((name, value));
    }
    Head(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn gate() -> Gate {
    Gate::new(ExchangeId::from_random(42), 7)
}

fn ask(vm: &mut Vm, gate: &mut Gate, extra: &[(&str, &str)], body: &str) -> Decision {
    match gate.handle_head(vm, head(extra), false, NOW) {
        Decision::Hold => gate.handle_body(vm, body.as_bytes().to_vec()),
        early => early,
    }
}

fn admitted(vm: &mut Vm, gate: &mut Gate, body: &str) -> Admission {
    match ask(vm, gate, &[], body) {
        Decision::Admit(admission) => admission,
        other => panic!("not admitted: {other:?}"),
    }
}

fn refused(decision: Decision) -> (u16, String) {
    let Decision::Reply(reply) = decision else { panic!("not refused: {decision:?}") };
    let error: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    (reply.status, error["error"]["code"].as_str().unwrap_or_default().to_owned())
}

fn value<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

fn response(status: &str, content_type: &str) -> Head {
    let pairs = [(":status", status), ("content-type", content_type), ("content-length", "10"), ("set-cookie", "a=b")];
    Head(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn record(vm: &mut Vm) -> Record {
    let (_, records) = vm.outbox.next_batch().expect("a record");
    assert_eq!(records.len(), 1);
    records[0].clone()
}

#[test]
fn a_good_request_is_admitted_and_its_credential_stays_here() {
    let mut vm = vm();
    let mut gate = gate();
    let decision = ask(&mut vm, &mut gate, &[("x-envoy-max-retries", "9"), ("x-tollgate-cluster", "evil")], BODY);
    let Decision::Admit(admission) = decision else { panic!("{decision:?}") };
    assert_eq!(admission.cluster, "chain/openai+claude");
    assert_eq!(admission.remove, ["authorization", "x-envoy-max-retries", "x-tollgate-cluster"]);
    let set: Vec<_> = admission.set.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let exchange = admission.exchange.to_string();
    assert_eq!(
        set,
        [
            (EXCHANGE_HEADER, exchange.as_str()),
            ("x-envoy-max-retries", "1"),
            ("x-envoy-upstream-rq-timeout-ms", "600000")
        ]
    );
}

#[test]
fn every_attempt_is_built_anew_from_what_the_client_sent() {
    let mut vm = vm();
    let admission = admitted(&mut vm, &mut gate(), BODY);

    let (mut first, head) = Adapter::begin(&mut vm, admission.exchange, 0, NOW).unwrap();
    assert_eq!(value(&head.0, ":path"), Some("/v1/chat/completions"));
    assert_eq!(value(&head.0, ":authority"), Some("openai.example"));
    assert_eq!(value(&head.0, "authorization"), Some("Bearer upstream-1"));
    assert_eq!(first.handle_request_body(), Chunk::Pass);
    first.handle_response_head(&mut vm, response("503", "text/plain"), false, NOW);
    first.handle_done(&mut vm, NOW);

    let (mut second, head) = Adapter::begin(&mut vm, admission.exchange, 1, NOW).unwrap();
    assert_eq!(value(&head.0, ":path"), Some("/v1/messages"));
    assert_eq!(value(&head.0, "x-api-key"), Some("upstream-2"));
    assert_eq!(value(&head.0, "authorization"), None);
    let Chunk::Replace(body) = second.handle_request_body() else { panic!("not translated") };
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((body["model"].as_str(), body["max_tokens"].as_u64()), (Some("sonnet"), Some(4096)));
}

#[test]
fn a_whole_answer_in_the_clients_format_passes_byte_for_byte_and_is_priced() {
    let mut vm = vm();
    let mut gate = gate();
    let admission = admitted(&mut vm, &mut gate, BODY);
    let (mut adapter, _) = Adapter::begin(&mut vm, admission.exchange, 0, NOW).unwrap();
    let passed = adapter.handle_response_head(&mut vm, response("200", "application/json"), false, NOW.plus(80));
    let ResponseHead::Replace(passed) = passed else { panic!("{passed:?}") };
    assert_eq!(passed.value("set-cookie"), None);
    assert_eq!(passed.value("content-length"), Some("10"));
    let answer = br#"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}"#;
    assert!(!gate.is_local_reply(&mut vm));
    assert_eq!(adapter.handle_response_chunk(&mut vm, answer, true), Chunk::Pass);
    adapter.handle_done(&mut vm, NOW);
    gate.handle_log(&mut vm, None, NOW.plus(100));
    let record = record(&mut vm);
    assert_eq!((record.outcome, record.status, record.attempts.list.len()), (Outcome::Success, 200, 1));
    assert_eq!((record.first_byte_ms, record.duration_ms), (Some(80), 100));
    let attempts = &record.attempts;
    assert_eq!((attempts.provenance, attempts.charged()), (Provenance::Reported, Some(NanoUsd(60_000))));
    assert_eq!(attempts.list[0].price_version.as_deref(), Some("book@test"));
    assert!(vm.exchanges.is_empty());
}

#[test]
fn a_client_that_hangs_up_leaves_one_partial_record() {
    let mut vm = vm();
    let mut gate = gate();
    let admission = admitted(&mut vm, &mut gate, &BODY.replace("\"x\":1", "\"stream\":true"));
    let (mut adapter, _) = Adapter::begin(&mut vm, admission.exchange, 0, NOW).unwrap();
    adapter.handle_response_head(&mut vm, response("200", "text/event-stream"), false, NOW);
    adapter.handle_response_chunk(&mut vm, b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n", false);
    assert!(gate.is_unfinished(&mut vm));
    gate.handle_log(&mut vm, Some(Ending::ClientGone), NOW);
    adapter.handle_done(&mut vm, NOW);
    gate.handle_log(&mut vm, Some(Ending::ClientGone), NOW);
    let record = record(&mut vm);
    assert_eq!(record.outcome, Outcome::ClientAbort);
    assert_eq!((record.attempts.provenance, record.attempts.charged()), (Provenance::Partial, None));
}

#[test]
fn a_client_that_hangs_up_over_the_providers_failure_has_not_aborted() {
    let mut vm = vm();
    let mut gate = gate();
    let admission = admitted(&mut vm, &mut gate, &BODY.replace("\"x\":1", "\"stream\":true"));
    let (mut adapter, _) = Adapter::begin(&mut vm, admission.exchange, 0, NOW).unwrap();
    adapter.handle_response_head(&mut vm, response("200", "text/event-stream"), false, NOW);
    adapter.handle_response_chunk(
        &mut vm,
        b"data: {\"error\":{\"message\":\"no\",\"type\":\"server_error\"}}\n\n",
        false,
    );
    assert!(!gate.is_local_reply(&mut vm));
    gate.handle_log(&mut vm, Some(Ending::ClientGone), NOW);
    let record = record(&mut vm);
    assert_eq!((record.outcome, record.reason), (Outcome::ProviderError, "provider_stream_failed"));
}

#[test]
fn envoys_own_failures_are_told_in_the_clients_format() {
    let mut vm = vm();
    let mut gate = gate();
    let admission = admitted(&mut vm, &mut gate, BODY);
    // The first provider answered and was given up; the second could not be reached.
    let (mut adapter, _) = Adapter::begin(&mut vm, admission.exchange, 0, NOW).unwrap();
    adapter.handle_response_head(&mut vm, response("503", "text/plain"), false, NOW);
    adapter.handle_done(&mut vm, NOW);
    assert!(gate.is_local_reply(&mut vm));
    let reply = gate.handle_local_reply(&mut vm, 503, "upstream_reset_before_response_started{connection_failure}");
    let error: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(error["error"]["code"], "provider_unavailable");
    assert_eq!(gate.take_local_body(), Some(reply.body));
    gate.handle_log(&mut vm, None, NOW);
    let record = record(&mut vm);
    assert_eq!((record.outcome, record.status, record.reason), (Outcome::ProviderError, 503, "provider_unavailable"));
}

#[test]
fn a_providers_error_keeps_its_status_and_gets_the_clients_shape() {
    let mut vm = vm();
    let mut gate = gate();
    let admission = admitted(&mut vm, &mut gate, &BODY.replace("gpt-4o", "sonnet"));
    let (mut adapter, _) = Adapter::begin(&mut vm, admission.exchange, 0, NOW).unwrap();
    assert_eq!(
        adapter.handle_response_head(&mut vm, response("529", "application/json"), false, NOW),
        ResponseHead::Hold
    );
    let body = br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let whole = adapter.handle_whole_response(&mut vm, body);
    assert_eq!((whole.head.status(), whole.head.value("content-length")), (529, None));
    let error: serde_json::Value = serde_json::from_slice(&whole.body.unwrap()).unwrap();
    assert_eq!(error["error"]["message"], "Overloaded");
    gate.handle_log(&mut vm, None, NOW);
    assert_eq!(record(&mut vm).outcome, Outcome::ProviderError);
}

#[test]
fn each_refusal_says_why_and_is_recorded_once_without_cost() {
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, u16, &'a str);
    let cases: [Case<'_>; 15] = [
        (&[("authorization", "")], BODY, 401, "missing_api_key"),
        (&[(":path", "/v1/nothing?key=1")], BODY, 404, "unknown_url"),
        (&[(":method", "GET")], BODY, 405, "method_not_allowed"),
        (&[("upgrade", "websocket")], BODY, 400, "upgrade_not_supported"),
        (&[("content-encoding", "gzip")], BODY, 415, "unsupported_content_encoding"),
        (&[("content-length", "99999999")], BODY, 413, "request_too_large"),
        (&[("x-provider", "nobody")], BODY, 400, "provider_not_found"),
        (&[], "[1]", 400, "invalid_json"),
        (&[], "{\"model\":\"gpt-4o\"", 400, "invalid_json"),
        (&[], "{\"messages\":[]}", 400, "invalid_value"),
        (&[], r#"{"model":"gpt-4o","model":"sonnet"}"#, 400, "duplicate_member"),
        (&[], r#"{"model":"gpt-4o","mod\u0065l":"sonnet"}"#, 400, "duplicate_member"),
        (&[], r#"{"model":"gpt-5"}"#, 404, "model_not_found"),
        (&[], r#"{"model":"claude/x\r\nset-cookie: a"}"#, 400, "invalid_value"),
        (&[], r#"{"model":"claude/../x"}"#, 400, "invalid_value"),
    ];
    for (extra, body, status, code) in cases {
        let mut vm = vm();
        let mut gate = gate();
        assert_eq!(refused(ask(&mut vm, &mut gate, extra, body)), (status, code.to_owned()));
        assert_eq!(gate.is_local_reply(&mut vm), status == 413, "only Envoy's own 413 may overtake ours");
        gate.handle_log(&mut vm, None, NOW);
        let record = record(&mut vm);
        assert_eq!((record.outcome, record.status, record.reason), (Outcome::Refused, status, code));
        assert_eq!(record.attempts, Attempts::default());
    }
}

#[test]
fn a_key_may_use_only_its_models_under_every_name_they_have() {
    let body = |model: &str| BODY.replace("gpt-4o", model);
    let attempt = |models: &[&str], model: &str, extra: &[(&str, &str)]| {
        ask(&mut vm_for(models), &mut gate(), extra, &body(model))
    };
    assert!(matches!(attempt(&["gpt-4o"], "default", &[]), Decision::Admit(_)));
    assert!(matches!(attempt(&["claude/*"], "claude/any", &[]), Decision::Admit(_)));
    assert!(matches!(attempt(&["raw"], "raw", &[]), Decision::Admit(_)), "an alias of a provider's model");
    for (models, model, extra) in [
        (&["gpt-4o"][..], "sonnet", &[][..]),
        (&["gpt-4o"], "openai/gpt-4o", &[]),
        (&["gpt-4o"], "gpt-4o", &[("x-provider", "claude")]),
        (&["raw"], "openai/o3", &[]),
        (&["*-mini"], "openai/o3-mini", &[]),
        (&["claude*"], "claude/any", &[]),
    ] {
        assert_eq!(refused(attempt(models, model, extra)), (403, "model_not_allowed".to_owned()), "{model}");
    }
}

#[test]
fn an_unknown_key_is_asked_for_while_the_request_waits() {
    let mut vm = vm();
    let mut gate = gate();
    let digest = KeyDigest::of(b"sk-new");
    let decision = gate.handle_head(&mut vm, head(&[("authorization", "Bearer sk-new")]), false, NOW);
    assert_eq!(decision, Decision::Ask(digest));
    assert_eq!(gate.handle_body(&mut vm, BODY.as_bytes().to_vec()), Decision::Hold);
    assert!(vm.exchanges.is_empty(), "nothing is admitted before the answer");
    let answer = Resolution::Good(principal(&["*"]), 1000);
    assert!(matches!(gate.handle_resolution(&mut vm, &answer, NOW), Decision::Admit(_)));
}

#[test]
fn a_key_that_cannot_be_asked_for_is_refused_for_now_and_not_for_good() {
    for (answer, status, code) in [
        (Resolution::Unavailable, 503, "key_lookup_unavailable"),
        (Resolution::Refused(KeyRefusal::Unknown, 1000), 401, "invalid_api_key"),
        (Resolution::Refused(KeyRefusal::Revoked, 1000), 401, "revoked_api_key"),
    ] {
        let mut vm = vm();
        let mut gate = gate();
        gate.handle_head(&mut vm, head(&[("authorization", "Bearer sk-new")]), false, NOW);
        assert_eq!(refused(gate.handle_resolution(&mut vm, &answer, NOW)), (status, code.to_owned()));
        assert_eq!(gate.handle_body(&mut vm, BODY.as_bytes().to_vec()), Decision::Hold, "nothing passes afterwards");
        gate.handle_log(&mut vm, None, NOW);
        assert_eq!(record(&mut vm).status, status);
    }
}

#[test]
fn without_a_snapshot_nothing_is_served_but_the_reason() {
    let mut vm = Vm::new(Node { vm_id: "vm-1".to_owned(), node_id: "n".to_owned() }, None);
    assert_eq!(refused(ask(&mut vm, &mut gate(), &[], BODY)), (503, "not_configured".to_owned()));
}

#[test]
fn a_body_that_outgrows_its_bound_is_refused_while_it_arrives() {
    let mut vm = vm();
    let mut gate = gate();
    assert_eq!(gate.handle_head(&mut vm, head(&[]), false, NOW), Decision::Hold);
    assert_eq!(gate.handle_buffered(1 << 20), Decision::Hold);
    let Decision::Reply(reply) = gate.handle_buffered((1 << 20) + 1) else { panic!("not refused") };
    assert!(gate.is_local_reply(&mut vm), "Envoy's own 413, in plain text, may overtake ours");
    assert_eq!(gate.handle_local_reply(&mut vm, 413, "request_payload_too_large"), reply);
    assert_eq!(gate.take_local_body(), Some(reply.body));
    gate.handle_log(&mut vm, None, NOW);
    let record = record(&mut vm);
    assert_eq!((record.outcome, record.reason), (Outcome::Refused, "request_too_large"));
}

#[test]
fn a_strict_route_refuses_what_cannot_cross_and_a_lenient_one_names_it() {
    let body = r#"{"model":"sonnet","messages":[{"role":"user","content":"hi"}],"seed":1}"#;
    let mut vm = vm();
    let mut gate = gate();
    let Decision::Admit(admission) = ask(&mut vm, &mut gate, &[("x-tollgate-debug", "1")], body) else { panic!() };
    let (mut adapter, _) = Adapter::begin(&mut vm, admission.exchange, 0, NOW).unwrap();
    let ResponseHead::Hold = adapter.handle_response_head(&mut vm, response("200", "application/json"), false, NOW)
    else {
        panic!()
    };
    let answer = br#"{"id":"m","type":"message","role":"assistant","model":"c","content":[{"type":"server_tool_use","id":"s","name":"web_search","input":{}},{"type":"text","text":"x"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#;
    let whole = adapter.handle_whole_response(&mut vm, answer);
    let losses = whole.head.value("x-tollgate-losses").unwrap();
    assert!(losses.contains("seed (") && losses.contains("content.server_tool_use ("), "{losses}");
    gate.handle_log(&mut vm, None, NOW);
    assert_eq!(record(&mut vm).losses.count, 2);

    let mut strict = snapshot();
    strict.routes[1].translation = v1::Translation::Strict.into();
    let mut vm = vm_for(&["*"]);
    vm.snapshot = Some(Snapshot::compile(strict, None).unwrap().into());
    assert_eq!(refused(ask(&mut vm, &mut Gate::new(ExchangeId::from_random(1), 1), &[], body)).1, "lossy_translation");
}

#[test]
fn weights_share_the_traffic_and_every_target_stays_in_the_chain() {
    let mut wire = snapshot();
    let targets = vec![target("openai", "a"), target("openai", "b"), target("claude", "c")];
    let chains = [("first", 9, [0, 1, 2]), ("second", 1, [1, 0, 2])].map(|(cluster, weight, targets)| v1::Chain {
        cluster: cluster.to_owned(),
        targets: targets.to_vec(),
        weight,
    });
    wire.routes = vec![v1::Route { chains: chains.to_vec(), ..route("gpt-4o", targets, "") }];
    let mut vm = vm();
    vm.snapshot = Some(Snapshot::compile(wire, None).unwrap().into());
    let mut first = 0;
    for seed in 0..1000 {
        let mut gate = Gate::new(ExchangeId::from_random(seed.into()), seed);
        let admission = admitted(&mut vm, &mut gate, BODY);
        first += i32::from(admission.cluster == "first");
        assert_eq!(vm.exchanges.find(admission.exchange).unwrap().plan.steps.len(), 3);
    }
    assert!((850..950).contains(&first), "{first} of 1000 for a weight of 9 in 10");
}

#[test]
fn a_route_without_a_chain_that_can_be_drawn_is_refused() {
    let mut wire = snapshot();
    wire.routes[0].chains[0].weight = 0;
    let error = Snapshot::compile(wire, None).unwrap_err();
    assert_eq!(error, InvalidSnapshot::Undrawable("gpt-4o".to_owned()));
}

#[test]
fn models_are_listed_for_the_key_that_asks() {
    let mut vm = vm_for(&["gpt-4o"]);
    let mut get = |path: &str| gate().handle_head(&mut vm, head(&[(":method", "GET"), (":path", path)]), true, NOW);
    let Decision::Reply(reply) = get("/v1/models") else { panic!() };
    let list: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    let ids: Vec<_> = list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["default", "gpt-4o"]);
    assert_eq!(refused(get("/v1/models/sonnet")), (404, "model_not_found".to_owned()));
}

#[test]
fn an_exchange_that_stays_open_is_named_once() {
    let mut vm = vm();
    admitted(&mut vm, &mut gate(), BODY);
    assert!(!vm.exchanges.name_open(NOW.plus(1000), 1000));
    assert!(vm.exchanges.name_open(NOW.plus(1001), 1000));
    assert!(!vm.exchanges.name_open(NOW.plus(2000), 1000));
    assert_eq!(vm.exchanges.named().count(), 1);
}

#[test]
fn what_the_client_chose_cannot_break_out_of_a_debug_header() {
    let mut vm = vm();
    let body = r#"{"model":"openai/x\u00e9","messages":[]}"#;
    let Decision::Admit(admission) = ask(&mut vm, &mut gate(), &[("x-tollgate-debug", "1")], body) else { panic!() };
    let (mut adapter, _) = Adapter::begin(&mut vm, admission.exchange, 0, NOW).unwrap();
    let head = adapter.handle_response_head(&mut vm, response("200", "application/json"), false, NOW);
    let ResponseHead::Replace(head) = head else { panic!("{head:?}") };
    assert_eq!(head.value("x-tollgate-target"), Some("openai/x?"));
}

#[test]
fn a_redirect_is_a_failure_and_leads_nowhere() {
    for end in [true, false] {
        let mut vm = vm();
        let mut gate = gate();
        let admission = admitted(&mut vm, &mut gate, BODY);
        let (mut adapter, _) = Adapter::begin(&mut vm, admission.exchange, 0, NOW).unwrap();
        let mut redirect = response("307", "text/html");
        redirect.set("location", "https://elsewhere.example/");
        let head = match adapter.handle_response_head(&mut vm, redirect, end, NOW) {
            ResponseHead::Replace(head) => head,
            ResponseHead::Hold => adapter.handle_whole_response(&mut vm, b"<html>").head,
            ResponseHead::Pass => panic!("passed"),
        };
        assert_eq!((head.status(), head.value("location")), (502, None));
        assert!(!gate.is_local_reply(&mut vm));
        let reply = gate.handle_bodiless_error(&mut vm).unwrap();
        assert_eq!(gate.handle_local_reply(&mut vm, 502, "set_by_wasm_filter"), reply, "it comes by once more");
        gate.handle_log(&mut vm, None, NOW);
        let record = record(&mut vm);
        assert_eq!((record.outcome, record.status), (Outcome::ProviderError, 502));
    }
}

#[test]
fn a_fallback_that_cannot_take_the_request_leaves_the_failure_retryable() {
    let mut vm = vm();
    let mut gate = gate();
    let body = r#"{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"odd"}]}]}"#;
    let admission = admitted(&mut vm, &mut gate, body);
    let (mut first, _) = Adapter::begin(&mut vm, admission.exchange, 0, NOW).unwrap();
    first.handle_response_head(&mut vm, response("503", "text/plain"), false, NOW);
    first.handle_done(&mut vm, NOW);
    let Err(reply) = Adapter::begin(&mut vm, admission.exchange, 1, NOW) else { panic!("taken") };
    assert_eq!(reply.status, 503);
    assert!(gate.is_local_reply(&mut vm));
    assert_eq!(gate.handle_local_reply(&mut vm, 503, "").body, reply.body, "and its reason is not lost at the gate");
}

#[test]
fn a_client_that_leaves_between_attempts_is_no_provider_error() {
    let mut vm = vm();
    let mut gate = gate();
    let admission = admitted(&mut vm, &mut gate, BODY);
    let (mut first, _) = Adapter::begin(&mut vm, admission.exchange, 0, NOW).unwrap();
    first.handle_response_head(&mut vm, response("503", "text/plain"), false, NOW);
    first.handle_whole_response(&mut vm, b"no");
    first.handle_done(&mut vm, NOW);
    assert!(gate.is_unfinished(&mut vm));
    gate.handle_log(&mut vm, Some(Ending::ClientGone), NOW);
    let record = record(&mut vm);
    assert_eq!((record.outcome, record.status), (Outcome::ClientAbort, 0));
}

#[test]
fn an_answer_that_a_change_overtook_is_not_kept() {
    let mut vm = vm();
    let mut gate = gate();
    let digest = KeyDigest::of(b"sk-new");
    gate.handle_head(&mut vm, head(&[("authorization", "Bearer sk-new")]), false, NOW);
    vm.keys.forget(&digest);
    gate.handle_resolution(&mut vm, &Resolution::Good(principal(&["*"]), 300_000), NOW);
    assert_eq!(vm.keys.look_up(&digest, true, NOW), crate::vm::Known::Ask(None));
}
