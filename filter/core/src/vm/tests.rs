//! The session's machine on bytes and a virtual clock.

use prost::Message;
use tollgate_proto::v1;

use super::{session::*, *};
use crate::{
    admit::keys::{Known, Resolution},
    canonical::{Losses, Usage},
    exchange::{
        Head,
        record::{Attempt, Attempts, End, Facts, LossList, Record},
    },
    fake_envoy::{FakeEnvoy, Script, head_of},
    meter::price::NanoUsd,
    words::{ExchangeId, Format, KeyDigest, Operation, Outcome, Provenance},
};

const NOW: Millis = Millis(1_000_000);

fn vm() -> Vm {
    let node = Node { vm_id: "vm-1".to_owned(), node_id: "envoy-1".to_owned() };
    Vm::new(node, Some(vec!["chain/openai".to_owned()]))
}

fn down(kind: v1::down::Kind) -> Vec<u8> {
    v1::Down { kind: Some(kind) }.encode_to_vec()
}

fn sent(actions: &[Action]) -> Vec<v1::up::Kind> {
    let message = |action: &Action| match action {
        Action::Send(bytes) => v1::Up::decode(bytes.as_slice()).unwrap().kind,
        _ => None,
    };
    actions.iter().filter_map(message).collect()
}

fn opened() -> Vm {
    let mut vm = vm();
    vm.handle_tick(NOW, 0);
    let welcome = v1::Welcome { heartbeat_interval_ms: 5000 };
    vm.handle_message(&down(v1::down::Kind::Welcome(welcome)), NOW);
    vm
}

fn snapshot(version: u64, cluster: &str) -> v1::Snapshot {
    let provider = v1::Provider {
        name: "openai".to_owned(),
        authority: "api.openai.com".to_owned(),
        scheme: "https".to_owned(),
        formats: vec![v1::Format::OpenaiChat.into()],
        cluster: cluster.to_owned(),
        ..v1::Provider::default()
    };
    v1::Snapshot { version, providers: vec![provider], max_body_bytes: 1 << 20, ..v1::Snapshot::default() }
}

#[test]
fn says_hello_first_and_is_open_with_the_welcome() {
    let mut vm = vm();
    let actions = vm.handle_tick(NOW, 0);
    assert_eq!(actions[0], Action::Open);
    let hello = sent(&actions).remove(0);
    assert!(matches!(hello, v1::up::Kind::Hello(hello) if hello.vm_id == "vm-1" && hello.node_id == "envoy-1"));
    assert!(!vm.session.is_open());
    let welcome = v1::Welcome { heartbeat_interval_ms: 5000 };
    vm.handle_message(&down(v1::down::Kind::Welcome(welcome)), NOW);
    assert!(vm.session.is_open());
}

#[test]
fn backs_off_longer_each_time_and_starts_again_after_a_welcome() {
    let mut vm = vm();
    let mut pauses = Vec::new();
    let mut now = NOW;
    for _ in 0..7 {
        assert_eq!(vm.handle_tick(now, 0).first(), Some(&Action::Open));
        vm.handle_closed("refused", now, 0);
        let failed = now;
        while vm.handle_tick(now, 0).is_empty() {
            now = now.plus(50);
        }
        pauses.push(now.since(failed));
        vm.handle_closed("refused", now, 0);
        now = now.plus(MAX_BACKOFF_MS);
    }
    assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]), "{pauses:?}");
    assert_eq!(pauses.last(), Some(&MAX_BACKOFF_MS));

    let mut vm = opened();
    vm.handle_closed("gone", NOW, 0);
    assert_eq!(vm.handle_tick(NOW.plus(MIN_BACKOFF_MS), 0).first(), Some(&Action::Open));
}

#[test]
fn a_control_plane_that_accepts_and_says_nothing_is_given_up() {
    let mut vm = vm();
    vm.handle_tick(NOW, 0);
    let actions = vm.handle_tick(NOW.plus(WELCOME_TIMEOUT_MS + 1), 0);
    assert_eq!(actions, [Action::Cancel]);
}

#[test]
fn acknowledges_a_snapshot_that_is_in_force() {
    let mut vm = opened();
    let actions = vm.handle_message(&down(v1::down::Kind::Snapshot(snapshot(7, "chain/openai"))), NOW);
    let expected = v1::SnapshotAck { version: 7, refusal: String::new(), in_force_version: 7 };
    assert_eq!(sent(&actions), [v1::up::Kind::SnapshotAck(expected)]);
    assert_eq!(vm.shared.snapshot.unwrap().version, 7);
}

#[test]
fn refuses_a_snapshot_that_this_envoy_cannot_serve_and_keeps_the_one_it_has() {
    let mut vm = opened();
    vm.handle_message(&down(v1::down::Kind::Snapshot(snapshot(7, "chain/openai"))), NOW);
    let actions = vm.handle_message(&down(v1::down::Kind::Snapshot(snapshot(8, "chain/new"))), NOW);
    let acknowledgement = sent(&actions).remove(0);
    let v1::up::Kind::SnapshotAck(ack) = acknowledgement else { panic!("{acknowledgement:?}") };
    assert_eq!((ack.version, ack.in_force_version), (8, 7));
    assert!(ack.refusal.contains("chain/new"), "{}", ack.refusal);
    assert_eq!(vm.shared.snapshot.unwrap().version, 7);
}

#[test]
fn a_changed_key_is_asked_for_again() {
    let mut vm = opened();
    let digest = KeyDigest::of(b"sk-1");
    vm.shared.keys.learn(digest, &Resolution::Refused(crate::admit::KeyRefusal::Unknown, 60_000), NOW);
    let changed = v1::KeysChanged { digests: vec![digest.as_bytes().to_vec(), vec![1, 2, 3]] };
    vm.handle_message(&down(v1::down::Kind::KeysChanged(changed)), NOW);
    assert_eq!(vm.shared.keys.look_up(&digest, true, NOW), Known::Ask(None));
}

#[test]
fn an_idle_session_beats_as_often_as_the_welcome_says() {
    let mut vm = opened();
    let mut beats = 0;
    for tick in 0..=300 {
        beats += sent(&vm.handle_tick(NOW.plus(tick * 50), 0)).len();
    }
    assert_eq!(beats, 4, "at 0, 5, 10 and 15 seconds");
}

#[test]
fn garbage_from_the_wire_is_logged_and_survived() {
    let mut vm = opened();
    let actions = vm.handle_message(b"\xff\xff\xff", NOW);
    assert!(matches!(&actions[..], [Action::Log(Severity::Warn, _)]));
    assert!(vm.session.is_open());
}

/// A record with as much on it as there can be.
fn full_record() -> Record {
    let name = |letter: &str| letter.repeat(256);
    let mut facts = Facts::new(ExchangeId::from_random(u128::MAX), Millis(u64::MAX / 4));
    let principal = crate::admit::Principal {
        key_id: name("k").into(),
        name: name("n").into(),
        team: name("t").into(),
        user: name("u").into(),
        models: Vec::new(),
    };
    facts.principal = Some(principal.into());
    facts.model = name("m").into();
    facts.route = Some(name("r").into());
    facts.operation = Some(Operation::Chat);
    facts.client_format = Some(Format::OpenaiChat);
    facts.stream = true;
    facts.end_user = name("e").into();
    facts.session_id = name("s").into();
    facts.tags = vec!["t".repeat(64).into(); 16];
    facts.client_address = "2001:db8:1111:2222:3333:4444:5555:6666".parse().ok();
    facts.traceparent = "p".repeat(55).into();
    facts.snapshot_version = u64::MAX;
    let most = u64::MAX / 32;
    let usage = Usage {
        input: most,
        cache_read: most,
        cache_write_5m: most,
        cache_write_1h: most,
        output: most,
        reasoning: most,
        audio_in: most,
        audio_out: most,
    };
    let attempt = Attempt {
        provider: name("p").into(),
        model: name("m").into(),
        format: Some(Format::AnthropicMessages),
        started: Millis(u64::MAX / 4),
        first_byte_ms: Some(u64::MAX),
        duration_ms: u64::MAX,
        outcome: Outcome::ProviderError,
        status: 599,
        reason: "provider_stream_failed",
        usage: Some(usage),
        provenance: Provenance::Reported,
        charged: Some(NanoUsd(i64::MAX / 32)),
        price_version: Some("config@0123456789abcdef".into()),
    };
    let mut attempts = Attempts::default();
    (0..16).for_each(|_| attempts.add(attempt.clone()));
    let mut losses = Losses::default();
    (0..32).for_each(|n| losses.declare(format!("{n}{}", name("l")), "the other side has no place for it"));
    let at = Millis(u64::MAX / 2);
    let end = End { at, first_byte: Some(at), outcome: Outcome::ProviderError, status: 599, reason: "provider_error" };
    Record::new(facts.into(), &end, attempts, LossList::of([&losses, &Losses::default()]))
}

#[test]
fn a_record_is_no_larger_as_a_message_than_the_outbox_reckons() {
    let record = full_record();
    let message = wire::encode_usage(1, &[&record]);
    assert!(message.len() <= record.size(), "{} bytes, reckoned {}", message.len(), record.size());
    assert!(record.size() < 30_000, "{}", record.size());
    let small = Facts::new(ExchangeId::from_random(1), Millis(u64::MAX / 4));
    let end = End { at: NOW, first_byte: None, outcome: Outcome::Refused, status: 401, reason: "missing_api_key" };
    let small = Record::new(small.into(), &end, Attempts::default(), LossList::default());
    assert!(wire::encode_usage(1, &[&small]).len() <= small.size());
}

#[test]
fn everything_on_a_record_is_on_the_wire() {
    let Some(v1::up::Kind::Usage(batch)) = v1::Up::decode(&*wire::encode_usage(9, &[&full_record()])).unwrap().kind
    else {
        panic!("no usage")
    };
    let record = &batch.records[0];
    assert_eq!((batch.sequence, record.attempts.len(), record.losses.len(), record.loss_count), (9, 16, 32, 32));
    assert_eq!((record.status, record.reason.as_str(), &record.estimate), (599, "provider_error", &None));
    let facts = record.facts.as_ref().unwrap();
    assert_eq!((facts.tags.len(), facts.client_address.as_str()), (16, "2001:db8:1111:2222:3333:4444:5555:6666"));
    assert_eq!(record.charged_nanousd, Some(i64::MAX / 32 * 16));
    // Prost's text of a message leaves nothing out: no field has its default.
    let text = format!("{record:?}");
    assert!(!text.contains("\"\"") && !text.contains("Unspecified"), "{text}");
}

/// A VM in session that knows a key and a provider.
fn serving() -> Vm {
    let mut vm = opened();
    let mut wire = snapshot(7, "chain/openai");
    wire.providers[0].formats = vec![v1::Format::OpenaiChat.into()];
    vm.handle_message(&down(v1::down::Kind::Snapshot(wire)), NOW);
    let principal = full_record()
        .facts
        .principal
        .map(|p| crate::admit::Principal { models: vec![crate::words::Glob::new("*")], ..(*p).clone() });
    vm.shared.keys.learn(KeyDigest::of(b"sk"), &Resolution::Good(principal.unwrap().into(), 60_000), NOW);
    vm
}

fn head() -> Head {
    head_of(&[
        (":method", "POST"),
        (":path", "/v1/chat/completions"),
        ("authorization", "Bearer sk"),
        ("x-tollgate-session", "s"),
        ("x-tollgate-tags", "a,b"),
        ("x-forwarded-for", "10.0.0.1"),
    ])
}

/// An Envoy in session that knows a key and a provider, and has said so.
fn envoy() -> FakeEnvoy {
    let mut envoy = FakeEnvoy::new(serving(), NOW);
    assert!(matches!(&said(&mut envoy)[..], [v1::up::Kind::OpenExchanges(list)] if list.exchanges.is_empty()));
    envoy
}

fn script() -> Script {
    Script::new(head(), r#"{"model":"openai/m","user":"ann","stream":true}"#)
}

/// What an Envoy in session says at its next tick.
fn said(envoy: &mut FakeEnvoy) -> Vec<v1::up::Kind> {
    sent(&envoy.tick())
}

#[test]
fn an_exchange_is_named_at_the_first_tick_that_finds_it_open_and_then_no_more() {
    let mut envoy = envoy();
    let open = envoy.begin(script());
    let named = said(&mut envoy);
    let [v1::up::Kind::Opened(v1::Opened { exchanges })] = &named[..] else { panic!("{named:?}") };
    let id = open.exchange().to_string();
    assert_eq!(exchanges.iter().map(|one| &one.facts.as_ref().unwrap().exchange_id).collect::<Vec<_>>(), [&id]);
    assert_eq!((exchanges[0].provider.as_str(), exchanges[0].upstream_model.as_str()), ("openai", "m"));
    assert_eq!(said(&mut envoy), []);

    open.finish(&mut envoy);
    assert!(matches!(&said(&mut envoy)[..], [v1::up::Kind::Usage(batch)] if batch.records.len() == 1));
}

#[test]
fn what_ends_before_its_first_tick_has_its_record_and_is_never_named() {
    let mut envoy = envoy();
    assert!(envoy.drive(script()).record.is_some());
    assert!(matches!(&said(&mut envoy)[..], [v1::up::Kind::Usage(_)]));
}

#[test]
fn a_new_session_begins_with_the_whole_list() {
    let mut envoy = envoy();
    envoy.begin(script());
    envoy.lose_session();
    envoy.begin(script());
    let actions = (0..10).flat_map(|_| envoy.tick()).collect::<Vec<_>>();
    assert!(actions.contains(&Action::Open) && sent(&actions).len() == 1, "nothing but hello before the welcome");
    let welcome = v1::Welcome { heartbeat_interval_ms: 5000 };
    envoy.receive(&down(v1::down::Kind::Welcome(welcome)));
    assert!(matches!(&said(&mut envoy)[..], [v1::up::Kind::OpenExchanges(list)] if list.exchanges.len() == 2));
    assert_eq!(said(&mut envoy), [], "and none of them is named again");
}

#[test]
fn what_is_remembered_to_be_named_is_bounded_while_nobody_listens() {
    let mut envoy = envoy();
    envoy.lose_session();
    (0..100).for_each(|_| drop(envoy.begin(script())));
    envoy.tick();
    assert_eq!(envoy.vm.shared.exchanges.take_unnamed().count(), 0);
}

#[test]
fn a_list_of_open_exchanges_longer_than_a_message_comes_in_parts() {
    let mut envoy = FakeEnvoy::new(serving(), NOW);
    (0..10_000).for_each(|_| drop(envoy.begin(script())));
    let said = envoy.tick();
    let longest = said.iter().map(|action| if let Action::Send(message) = action { message.len() } else { 0 }).max();
    assert!(longest < Some(1_100_000), "{longest:?}");
    let parts: Vec<_> = sent(&said)
        .into_iter()
        .filter_map(|kind| if let v1::up::Kind::OpenExchanges(part) = kind { Some(part) } else { None })
        .collect();
    assert!(parts.len() > 1);
    assert_eq!(parts.iter().map(|part| part.exchanges.len()).sum::<usize>(), 10_000);
    assert!(parts.iter().rev().skip(1).all(|part| part.more) && !parts.last().unwrap().more);
}

#[test]
fn an_open_exchange_and_its_record_say_the_same_facts() {
    let mut envoy = envoy();
    let open = envoy.begin(script());
    let Some(v1::up::Kind::Opened(named)) = said(&mut envoy).pop() else { panic!("not named") };
    open.finish(&mut envoy);
    let Some(v1::up::Kind::Usage(batch)) = said(&mut envoy).pop() else { panic!("no record") };
    let facts = named.exchanges[0].facts.clone().unwrap();
    assert_eq!((facts.end_user.as_str(), facts.session_id.as_str(), facts.stream), ("ann", "s", true));
    assert_eq!(batch.records[0].facts, Some(facts));
}

#[test]
fn a_welcome_that_nobody_asked_for_opens_nothing() {
    let mut vm = vm();
    let welcome = down(v1::down::Kind::Welcome(v1::Welcome { heartbeat_interval_ms: 5000 }));
    assert_eq!(vm.handle_message(&welcome, NOW), []);
    assert!(!vm.session.is_open() && !vm.shared.is_connected);
}

#[test]
fn an_end_that_is_told_twice_puts_off_nothing() {
    let mut vm = opened();
    assert_eq!(vm.handle_closed("gone", NOW, 0).len(), 1);
    (0..20).for_each(|_| assert_eq!(vm.handle_closed("gone", NOW, 0), []));
    assert_eq!(vm.handle_tick(NOW.plus(MIN_BACKOFF_MS), 0).first(), Some(&Action::Open));
}

/// All of it at once would take its size in memory again, which wasm never gives back.
#[test]
fn a_long_outbox_leaves_in_portions() {
    let mut vm = opened();
    (0..5_000).for_each(|_| vm.outbox.push(full_record()));
    let batches = |vm: &mut Vm, now| {
        let said = sent(&vm.handle_tick(now, 0));
        said.iter().filter(|kind| matches!(kind, v1::up::Kind::Usage(_))).count()
    };
    assert_eq!(batches(&mut vm, NOW.plus(10)), 4);
    assert_eq!(batches(&mut vm, NOW.plus(20)), 4, "the rest follows without an acknowledgement");
}
