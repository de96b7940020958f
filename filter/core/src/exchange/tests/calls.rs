//! What the gate asks the control plane while a request waits, and every way in which that can go.

use prost::Message as _;

use super::*;

const KEY: &str = "Bearer sk-new";

/// A request of a key that is not known yet.
fn unknown_key() -> Script {
    request(&[("authorization", KEY)], BODY)
}

fn good(ttl_ms: u32) -> Vec<u8> {
    let principal = v1::Principal { key_id: "k2".to_owned(), models: vec!["*".to_owned()], ..v1::Principal::default() };
    let kind = Some(v1::resolve_response::Kind::Principal(principal));
    v1::ResolveResponse { kind, ttl_ms }.encode_to_vec()
}

fn refused(refusal: v1::resolve_response::Refusal) -> Vec<u8> {
    let kind = Some(v1::resolve_response::Kind::Refusal(refusal.into()));
    v1::ResolveResponse { kind, ttl_ms: 1000 }.encode_to_vec()
}

fn known(envoy: &FakeEnvoy) -> Known {
    envoy.vm.shared.keys.look_up(&KeyDigest::of(b"sk-new"), true, envoy.now)
}

#[test]
fn an_unknown_key_is_asked_for_while_the_request_waits() {
    let mut envoy = envoy();
    let seen = envoy.drive(unknown_key().split(5).call(CallAnswer::After(300, good(60_000))));
    let [call] = &seen.calls[..] else { panic!("{:?}", seen.calls) };
    assert_eq!((call.service, call.method), ("tollgate.v1.Keys", "Resolve"));
    let question = v1::ResolveRequest::decode(&*call.message).unwrap();
    assert_eq!(question.digest, KeyDigest::of(b"sk-new").as_bytes());
    assert_eq!(record(&seen).facts.principal.as_ref().map(|principal| &*principal.key_id), Some("k2"));

    let next = envoy.drive(unknown_key());
    assert!(next.calls.is_empty() && next.admission.is_some(), "the answer is remembered");
}

#[test]
fn an_answer_may_come_before_the_body_and_a_second_one_changes_nothing() {
    for answer in [CallAnswer::After(0, good(60_000)), CallAnswer::Twice(good(60_000))] {
        let seen = envoy().drive(unknown_key().split(5).call(answer));
        assert!(seen.admission.is_some() && seen.calls.len() == 1);
    }
}

#[test]
fn a_key_that_cannot_be_asked_for_is_refused_for_now_and_not_for_good() {
    use v1::resolve_response::Refusal;
    for (answer, status, code) in [
        (CallAnswer::Fails, 503, "key_lookup_unavailable"),
        (CallAnswer::CannotBeMade, 503, "key_lookup_unavailable"),
        (CallAnswer::Never, 503, "key_lookup_unavailable"),
        (CallAnswer::After(1, b"\xff\xff".to_vec()), 503, "key_lookup_unavailable"),
        (CallAnswer::After(0, Vec::new()), 503, "key_lookup_unavailable"),
        (CallAnswer::After(1, refused(Refusal::Unknown)), 401, "invalid_api_key"),
        (CallAnswer::Twice(refused(Refusal::Revoked)), 401, "revoked_api_key"),
        (CallAnswer::After(1, refused(Refusal::Expired)), 401, "expired_api_key"),
    ] {
        let mut envoy = envoy();
        let seen = envoy.drive(unknown_key().call(answer.clone()));
        assert_eq!(refusal(&seen), (status, code.to_owned()), "{answer:?}");
        assert_eq!((record(&seen).status, record(&seen).outcome), (status, Outcome::Refused));
        assert_eq!(known(&envoy) == Known::Ask(None), status == 503, "what could not be asked is asked again");
    }
}

#[test]
fn a_key_that_was_good_serves_while_the_control_plane_cannot_be_asked() {
    for answer in [CallAnswer::Fails, CallAnswer::CannotBeMade, CallAnswer::Never] {
        let mut envoy = envoy();
        envoy.drive(unknown_key().call(CallAnswer::After(0, good(1))));
        envoy.now = envoy.now.plus(10);
        envoy.vm.shared.is_connected = true;
        let seen = envoy.drive(unknown_key().call(answer));
        assert!(seen.admission.is_some() && seen.calls.len() == 1);
    }
}

#[test]
fn a_client_that_leaves_while_its_key_is_asked_for_is_on_record_and_goes_nowhere() {
    for pieces in [0, 1] {
        let seen = envoy().drive(unknown_key().leaves(Leaves::AfterBody(pieces)).call(CallAnswer::Never));
        assert!(seen.upstream.is_empty() && seen.response.is_none());
        let record = record(&seen);
        assert_eq!((record.outcome, record.status, record.reason), (Outcome::ClientAbort, 0, "client_gone"));
    }
}

#[test]
fn an_answer_after_the_end_changes_nothing() {
    let mut vm = vm_for(&["*"]);
    let mut gate = Gate::new(ExchangeId::from_random(1), 1);
    let asked = gate.handle_head(&mut vm.shared, head(&[("authorization", KEY)]), false, NOW);
    assert!(matches!(asked, Verdict::Call(_)));
    assert_eq!(gate.handle_whole_body(&mut vm.shared, BODY.as_bytes().to_vec()), Verdict::Hold);
    assert!(vm.shared.exchanges.is_empty(), "nothing is admitted before the answer");
    assert!(gate.handle_log(&mut vm.shared, Some(Ending::ClientGone), NOW).is_some());
    assert_eq!(gate.handle_reply(&mut vm.shared, Ok(&good(1000)), NOW), Verdict::Hold);
    assert!(vm.shared.exchanges.is_empty() && gate.handle_log(&mut vm.shared, None, NOW).is_none());
}

#[test]
fn an_answer_that_a_change_overtook_is_not_kept() {
    let mut envoy = envoy();
    let mut gate = Gate::new(ExchangeId::from_random(1), 1);
    gate.handle_head(&mut envoy.vm.shared, head(&[("authorization", KEY)]), false, NOW);
    envoy.vm.shared.keys.forget(&KeyDigest::of(b"sk-new"));
    gate.handle_reply(&mut envoy.vm.shared, Ok(&good(300_000)), NOW);
    assert_eq!(known(&envoy), Known::Ask(None));
}
