//! Both machines, driven by the fake Envoy on plain values and a virtual clock.

mod calls;
mod clients;
mod left_out;
mod records;
mod responses;

use std::rc::Rc;

use tollgate_proto::v1;

use super::*;
use crate::{
    admit::{
        Principal,
        keys::{Known, Resolution},
        snapshot::{InvalidSnapshot, Snapshot},
    },
    exchange::record::{Attempts, Record},
    fake_envoy::{AnswerEnd, CallAnswer, FakeEnvoy, Leaves, Provider, ProviderAnswer, Script, Seen, head_of},
    meter::price::NanoUsd,
    vm::{Node, Vm},
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
    let mut vm = vm_of(snapshot());
    vm.shared.keys.learn(KeyDigest::of(b"sk-good"), &Resolution::Good(principal(models), u32::MAX), NOW);
    vm
}

/// A VM with this snapshot, which knows the key of the tests.
fn vm_of(wire: v1::Snapshot) -> Vm {
    let mut vm = Vm::new(Node { vm_id: "vm-1".to_owned(), node_id: "n".to_owned() }, None);
    vm.shared.snapshot = Some(Snapshot::compile(wire, None).unwrap().into());
    vm.shared.keys.learn(KeyDigest::of(b"sk-good"), &Resolution::Good(principal(&["*"]), u32::MAX), NOW);
    vm
}

fn envoy() -> FakeEnvoy {
    FakeEnvoy::new(vm_for(&["*"]), NOW)
}

fn envoy_of(wire: v1::Snapshot) -> FakeEnvoy {
    FakeEnvoy::new(vm_of(wire), NOW)
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

/// A request with these headers beside or in the place of the usual ones.
fn request(extra: &[(&str, &str)], body: &str) -> Script {
    Script::new(head(extra), body)
}

/// The usual request, as a stream.
fn stream_request() -> Script {
    request(&[], &BODY.replace("\"x\":1", "\"stream\":true"))
}

/// Status and code of what the client was told, and that its record says the same.
fn refusal(seen: &Seen) -> (u16, String) {
    let response = seen.response.as_ref().expect("an answer");
    assert!(response.is_whole && seen.admission.is_none() && seen.upstream.is_empty(), "{seen:?}");
    (response.head.status(), code(&response.body))
}

/// The code in an error of OpenAI's.
fn code(body: &[u8]) -> String {
    let error: serde_json::Value = serde_json::from_slice(body).unwrap();
    error["error"]["code"].as_str().unwrap_or_default().to_owned()
}

fn record(seen: &Seen) -> &Record {
    seen.record.as_ref().expect("a record")
}

fn admission(seen: &Seen) -> &Admission {
    seen.admission.as_ref().unwrap_or_else(|| panic!("not admitted: {seen:?}"))
}

#[test]
fn a_good_request_is_admitted_and_its_credential_stays_here() {
    let sent = [("x-envoy-max-retries", "9"), ("x-tollgate-cluster", "evil")];
    let seen = envoy().drive(request(&sent, BODY));
    let admission = admission(&seen);
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
fn a_body_may_come_in_any_pieces_and_end_with_trailers() {
    let answer = || ProviderAnswer::json(r#"{"usage":{"prompt_tokens":1,"completion_tokens":2}}"#);
    let whole = envoy().drive(request(&[], BODY).meets(answer()));
    for size in [1, 7, BODY.len() - 1] {
        for script in [request(&[], BODY).split(size), request(&[], BODY).split(size).with_trailers()] {
            let seen = envoy().drive(script.meets(answer()));
            assert_eq!((&seen.upstream, &seen.response), (&whole.upstream, &whole.response), "pieces of {size}");
        }
    }
}

#[test]
fn every_attempt_is_built_anew_from_what_the_client_sent() {
    let unable = ProviderAnswer::new(503, "text/plain", "no");
    let seen = envoy().drive(request(&[], BODY).meets(unable));
    let [first, second] = &seen.upstream[..] else { panic!("{:?}", seen.upstream) };
    assert_eq!(first.head.value(":path"), Some("/v1/chat/completions"));
    assert_eq!(first.head.value(":authority"), Some("openai.example"));
    assert_eq!(first.head.value("authorization"), Some("Bearer upstream-1"));
    assert_eq!(first.body, BODY.as_bytes(), "the identity lane sends the same bytes");

    assert_eq!(second.head.value(":path"), Some("/v1/messages"));
    assert_eq!(second.head.value("x-api-key"), Some("upstream-2"));
    assert_eq!(second.head.value("authorization"), None);
    let body: serde_json::Value = serde_json::from_slice(&second.body).unwrap();
    assert_eq!((body["model"].as_str(), body["max_tokens"].as_u64()), (Some("sonnet"), Some(4096)));
}

#[test]
fn a_body_is_kept_until_the_last_attempt_has_begun_and_no_longer() {
    // The first step is translated at the gate, and its endpoint is out of service: what was made for it goes too.
    let mut wire = snapshot();
    wire.routes[0].chains[0].targets = vec![1, 0];
    let mut envoy = envoy_of(wire);
    let id = envoy.begin(request(&[], BODY)).exchange();
    let shared = &mut envoy.vm.shared;
    let held = |shared: &mut Shared| {
        let exchange = shared.exchanges.find(id).unwrap();
        (exchange.request.body.len(), exchange.prepared.is_some())
    };
    assert_eq!(held(shared), (BODY.len(), true));
    Adapter::begin(shared, id, 1, NOW).unwrap();
    assert_eq!(held(shared), (BODY.len(), true), "a retry wants it");
    Adapter::begin(shared, id, 1, NOW).unwrap();
    assert_eq!(held(shared), (0, false));
    let Err(reply) = Adapter::begin(shared, id, 0, NOW) else { panic!("one attempt too many") };
    assert_eq!(code(&reply.body), "no_fallback");
}

#[test]
fn each_refusal_says_why_and_is_recorded_once_without_cost() {
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, u16, &'a str);
    let cases: [Case<'_>; 16] = [
        (&[("authorization", "")], BODY, 401, "missing_api_key"),
        (&[(":path", "/v1/nothing?key=1")], BODY, 404, "unknown_url"),
        (&[(":method", "GET")], BODY, 405, "method_not_allowed"),
        (&[("upgrade", "websocket")], BODY, 400, "upgrade_not_supported"),
        (&[("content-encoding", "gzip")], BODY, 415, "unsupported_content_encoding"),
        (&[("content-length", "99999999")], BODY, 413, "request_too_large"),
        (&[("content-length", "99999999999")], BODY, 413, "request_too_large"),
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
        let seen = envoy().drive(request(extra, body));
        assert_eq!(refusal(&seen), (status, code.to_owned()));
        let record = record(&seen);
        assert_eq!((record.outcome, record.status, record.reason), (Outcome::Refused, status, code));
        assert_eq!(record.attempts, Attempts::default());
    }
}

#[test]
fn a_key_may_use_only_its_models_under_every_name_they_have() {
    let body = |model: &str| BODY.replace("gpt-4o", model);
    let asked = |models: &[&str], model: &str, extra: &[(&str, &str)]| {
        FakeEnvoy::new(vm_for(models), NOW).drive(request(extra, &body(model)))
    };
    assert!(asked(&["gpt-4o"], "default", &[]).admission.is_some());
    assert!(asked(&["claude/*"], "claude/any", &[]).admission.is_some());
    assert!(asked(&["raw"], "raw", &[]).admission.is_some(), "an alias of a provider's model");
    for (models, model, extra) in [
        (&["gpt-4o"][..], "sonnet", &[][..]),
        (&["gpt-4o"], "openai/gpt-4o", &[]),
        (&["gpt-4o"], "gpt-4o", &[("x-provider", "claude")]),
        (&["raw"], "openai/o3", &[]),
        (&["*-mini"], "openai/o3-mini", &[]),
        (&["claude*"], "claude/any", &[]),
    ] {
        assert_eq!(refusal(&asked(models, model, extra)), (403, "model_not_allowed".to_owned()), "{model}");
    }
}

#[test]
fn without_a_snapshot_nothing_is_served_but_the_reason() {
    let vm = Vm::new(Node { vm_id: "vm-1".to_owned(), node_id: "n".to_owned() }, None);
    let seen = FakeEnvoy::new(vm, NOW).drive(request(&[], BODY));
    assert_eq!(refusal(&seen), (503, "not_configured".to_owned()));
}

#[test]
fn a_body_that_outgrows_its_bound_is_refused_while_it_arrives() {
    let seen = envoy().drive(request(&[], &"x".repeat(3 << 20)).split(1 << 19));
    // Its own answer passes the gate like Envoy's, in plain text, which may overtake it.
    assert_eq!(refusal(&seen), (413, "request_too_large".to_owned()));
    assert_eq!((record(&seen).outcome, record(&seen).reason), (Outcome::Refused, "request_too_large"));
    let exact = envoy().drive(request(&[], &"x".repeat(1 << 20)).split(1 << 19));
    assert_eq!(refusal(&exact).1, "invalid_json", "as many bytes as may be are read");
}

#[test]
fn a_strict_route_refuses_what_cannot_cross_and_a_lenient_one_names_it() {
    let body = r#"{"model":"sonnet","messages":[{"role":"user","content":"hi"}],"seed":1}"#;
    let answer = r#"{"id":"m","type":"message","role":"assistant","model":"c","content":[{"type":"server_tool_use","id":"s","name":"web_search","input":{}},{"type":"text","text":"x"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#;
    let seen = envoy().drive(request(&[("x-tollgate-debug", "1")], body).meets(ProviderAnswer::json(answer)));
    let losses = seen.response.as_ref().unwrap().head.value("x-tollgate-losses").unwrap();
    assert!(losses.contains("seed (") && losses.contains("content.server_tool_use ("), "{losses}");
    assert_eq!(record(&seen).losses.count, 2);

    let mut strict = snapshot();
    strict.routes[1].translation = v1::Translation::Strict.into();
    assert_eq!(refusal(&envoy_of(strict).drive(request(&[], body))).1, "lossy_translation");
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
    let mut envoy = envoy_of(wire);
    let mut first = 0;
    for _ in 0..1000 {
        let seen = envoy.drive(request(&[], BODY));
        first += i32::from(admission(&seen).cluster == "first");
        assert_eq!(seen.upstream.len(), 3);
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
    let mut envoy = FakeEnvoy::new(vm_for(&["gpt-4o"]), NOW);
    let mut get = |path: &str| envoy.drive(request(&[(":method", "GET"), (":path", path)], "").without_body());
    let list = get("/v1/models");
    assert!(list.record.is_none(), "a list of models is no exchange");
    let list: serde_json::Value = serde_json::from_slice(&list.response.unwrap().body).unwrap();
    let ids: Vec<_> = list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["default", "gpt-4o"]);
    assert_eq!(refusal(&get("/v1/models/sonnet")), (404, "model_not_found".to_owned()));
}

#[test]
fn an_exchange_is_named_once_as_long_as_it_is_open() {
    let mut envoy = envoy();
    envoy.begin(request(&[], BODY));
    let exchanges = &mut envoy.vm.shared.exchanges;
    assert_eq!(exchanges.take_unnamed().count(), 1);
    assert_eq!(exchanges.take_unnamed().count(), 0);
    assert_eq!(exchanges.name_all().count(), 1, "and stands in every whole list");

    envoy.drive(request(&[], BODY));
    assert_eq!(envoy.vm.shared.exchanges.take_unnamed().count(), 0, "what has a record is not open");
}
