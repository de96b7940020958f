//! Steps of a plan that are left out: wherever they stand, the others are walked.

use super::*;

const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"seed":1}"#;
/// What no other format can be made of.
const UNTRANSLATABLE: &str = r#"{"model":"m","messages":[{"role":"user","content":7}]}"#;

/// A VM whose model `m` has a target of each of these providers: `chat`, `claude` and `embedder` with a number behind it.
fn vm_of(providers: &[&str], translation: v1::Translation) -> Vm {
    let provider = |name: &&str| {
        let format = match name.trim_end_matches(char::is_numeric) {
            "chat" => v1::Format::OpenaiChat,
            "claude" => v1::Format::AnthropicMessages,
            _ => v1::Format::OpenaiEmbeddings,
        };
        provider(name, format, ("authorization", "upstream"))
    };
    let targets = providers.iter().map(|name| target(name, "x")).collect();
    let route = v1::Route { translation: translation.into(), ..route("m", targets, "chain/all") };
    let wire = v1::Snapshot {
        providers: providers.iter().map(provider).collect(),
        routes: vec![route],
        aliases: [].into(),
        ..snapshot()
    };
    let mut vm = vm();
    vm.snapshot = Some(Snapshot::compile(wire, None).unwrap().into());
    vm
}

/// Which steps are walked, and how many retries there may be.
fn walked(admission: &Admission) -> (Option<&str>, Option<&str>) {
    let set = |wanted: &str| admission.set.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str());
    assert_eq!(admission.cluster, "chain/all", "a part of a chain is in the chain's own cluster");
    assert_eq!(admission.may_retry, set("x-envoy-max-retries").is_some());
    (set("x-tollgate-steps"), set("x-envoy-max-retries"))
}

#[test]
fn a_chain_that_fits_is_walked_whole() {
    let mut vm = vm_of(&["chat1", "claude2", "chat3"], v1::Translation::Lenient);
    let admission = admitted(&mut vm, &mut gate(), CHAT);
    assert_eq!(walked(&admission), (None, Some("2")));
}

#[test]
fn one_in_the_middle_is_left_out_and_no_attempt_can_be_led_to_it() {
    let mut vm = vm_of(&["chat1", "embedder2", "chat3"], v1::Translation::Lenient);
    let Decision::Admit(admission) = ask(&mut vm, &mut gate(), &[("x-tollgate-debug", "1")], CHAT) else { panic!() };
    assert_eq!(walked(&admission), (Some("0+2"), Some("1")));
    let reply = Adapter::begin(&mut vm, admission.exchange, 1, NOW).unwrap_err();
    assert_eq!(refused(Decision::Reply(reply)), (503, "cluster_not_found".to_owned()));
    let (mut adapter, head) = Adapter::begin(&mut vm, admission.exchange, 2, NOW).unwrap();
    assert_eq!(value(&head.0, ":authority"), Some("chat3.example"));
    let answer = adapter.handle_response_head(&mut vm, response("200", "application/json"), false, NOW);
    let ResponseHead::Replace(answer) = answer else { panic!("{answer:?}") };
    assert_eq!(answer.value("x-tollgate-skipped"), Some("embedder2/x (unsupported_operation)"));
}

#[test]
fn the_next_one_takes_what_the_first_cannot_and_its_translation_is_kept() {
    let mut vm = vm_of(&["embedder1", "claude2", "chat3"], v1::Translation::Lenient);
    let admission = admitted(&mut vm, &mut gate(), CHAT);
    assert_eq!(walked(&admission), (Some("1+2"), Some("1")));
    assert!(vm.exchanges.find(admission.exchange).unwrap().prepared.is_some());
    assert_eq!(vm.exchanges.find(admission.exchange).unwrap().last_target().unwrap().0, "claude2".into());
    let (mut adapter, _) = Adapter::begin(&mut vm, admission.exchange, 1, NOW).unwrap();
    assert!(vm.exchanges.find(admission.exchange).unwrap().prepared.is_none());
    assert!(matches!(adapter.handle_request_body(), Chunk::Replace(_)));

    let mut vm = vm_of(&["claude1", "claude2", "chat3"], v1::Translation::Lenient);
    let admission = admitted(&mut vm, &mut gate(), UNTRANSLATABLE);
    assert_eq!(walked(&admission), (Some("2"), None));
    assert!(vm.exchanges.find(admission.exchange).unwrap().prepared.is_none());
}

#[test]
fn a_lenient_route_does_not_try_what_comes_after_a_step_that_fits() {
    let mut vm = vm_of(&["chat1", "claude2"], v1::Translation::Lenient);
    let admission = admitted(&mut vm, &mut gate(), UNTRANSLATABLE);
    assert_eq!(walked(&admission), (None, Some("1")));
    let (mut adapter, _) = Adapter::begin(&mut vm, admission.exchange, 0, NOW).unwrap();
    adapter.handle_response_head(&mut vm, response("503", "text/plain"), false, NOW);
    let reply = Adapter::begin(&mut vm, admission.exchange, 1, NOW).unwrap_err();
    assert_eq!(refused(Decision::Reply(reply)), (503, "no_fallback".to_owned()));
}

#[test]
fn a_strict_route_leaves_out_every_step_that_would_lose_something() {
    let mut vm = vm_of(&["chat1", "claude2", "chat3", "claude4"], v1::Translation::Strict);
    let admission = admitted(&mut vm, &mut gate(), CHAT);
    assert_eq!(walked(&admission), (Some("0+2"), Some("1")));
    assert!(vm.exchanges.find(admission.exchange).unwrap().prepared.is_none(), "the first sends what came");
}

#[test]
fn where_none_is_left_the_refusal_is_the_first_ones_that_can_do_such_a_call() {
    let reason = |providers: &[&str], translation, body| {
        let mut vm = vm_of(providers, translation);
        refused(ask(&mut vm, &mut gate(), &[], body))
    };
    let (lenient, strict) = (v1::Translation::Lenient, v1::Translation::Strict);
    assert_eq!(reason(&["embedder1", "embedder2"], lenient, CHAT), (400, "unsupported_operation".to_owned()));
    assert_eq!(reason(&["embedder1", "claude2"], lenient, UNTRANSLATABLE), (400, "invalid_value".to_owned()));
    assert_eq!(reason(&["claude1", "embedder2", "claude3"], strict, CHAT), (400, "lossy_translation".to_owned()));
}

#[test]
fn of_a_long_chain_the_first_four_places_are_walked_or_one_further_step() {
    let names = ["embedder0", "chat1", "chat2", "chat3", "chat4", "chat5"];
    let mut vm = vm_of(&names, v1::Translation::Lenient);
    let admission = admitted(&mut vm, &mut gate(), CHAT);
    assert_eq!(walked(&admission), (Some("1+2+3"), Some("2")));
    assert!(Adapter::begin(&mut vm, admission.exchange, 4, NOW).is_err(), "what is not walked is not asked");

    let names = ["embedder0", "embedder1", "embedder2", "embedder3", "chat4", "chat5"];
    let mut vm = vm_of(&names, v1::Translation::Lenient);
    let admission = admitted(&mut vm, &mut gate(), CHAT);
    assert_eq!(walked(&admission), (Some("4"), None));
}
