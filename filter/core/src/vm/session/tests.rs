//! The session's machine on bytes and a virtual clock.

use prost::Message;
use tollgate_proto::v1;

use super::*;
use crate::vm::{Known, Resolution};
use crate::words::KeyDigest;

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
    Session::handle_tick(&mut vm, NOW, 0);
    let welcome = v1::Welcome { heartbeat_interval_ms: 5000 };
    Session::handle_message(&mut vm, &down(v1::down::Kind::Welcome(welcome)), NOW);
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
    let actions = Session::handle_tick(&mut vm, NOW, 0);
    assert_eq!(actions[0], Action::Open);
    let hello = sent(&actions).remove(0);
    assert!(matches!(hello, v1::up::Kind::Hello(hello) if hello.vm_id == "vm-1" && hello.node_id == "envoy-1"));
    assert!(!vm.session.is_open());
    let welcome = v1::Welcome { heartbeat_interval_ms: 5000 };
    Session::handle_message(&mut vm, &down(v1::down::Kind::Welcome(welcome)), NOW);
    assert!(vm.session.is_open());
}

#[test]
fn backs_off_longer_each_time_and_starts_again_after_a_welcome() {
    let mut vm = vm();
    let mut pauses = Vec::new();
    let mut now = NOW;
    for _ in 0..7 {
        assert_eq!(Session::handle_tick(&mut vm, now, 0).first(), Some(&Action::Open));
        Session::handle_closed(&mut vm, "refused", now, 0);
        let failed = now;
        while Session::handle_tick(&mut vm, now, 0).is_empty() {
            now = now.plus(50);
        }
        pauses.push(now.since(failed));
        Session::handle_closed(&mut vm, "refused", now, 0);
        now = now.plus(MAX_BACKOFF_MS);
    }
    assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]), "{pauses:?}");
    assert_eq!(pauses.last(), Some(&MAX_BACKOFF_MS));

    let mut vm = opened();
    Session::handle_closed(&mut vm, "gone", NOW, 0);
    assert_eq!(Session::handle_tick(&mut vm, NOW.plus(MIN_BACKOFF_MS), 0).first(), Some(&Action::Open));
}

#[test]
fn a_control_plane_that_accepts_and_says_nothing_is_given_up() {
    let mut vm = vm();
    Session::handle_tick(&mut vm, NOW, 0);
    let actions = Session::handle_tick(&mut vm, NOW.plus(WELCOME_TIMEOUT_MS + 1), 0);
    assert_eq!(actions, [Action::Cancel]);
}

#[test]
fn acknowledges_a_snapshot_that_is_in_force() {
    let mut vm = opened();
    let actions = Session::handle_message(&mut vm, &down(v1::down::Kind::Snapshot(snapshot(7, "chain/openai"))), NOW);
    let expected = v1::SnapshotAck { version: 7, refusal: String::new(), in_force_version: 7 };
    assert_eq!(sent(&actions), [v1::up::Kind::SnapshotAck(expected)]);
    assert_eq!(vm.snapshot.unwrap().version, 7);
}

#[test]
fn refuses_a_snapshot_that_this_envoy_cannot_serve_and_keeps_the_one_it_has() {
    let mut vm = opened();
    Session::handle_message(&mut vm, &down(v1::down::Kind::Snapshot(snapshot(7, "chain/openai"))), NOW);
    let actions = Session::handle_message(&mut vm, &down(v1::down::Kind::Snapshot(snapshot(8, "chain/new"))), NOW);
    let acknowledgement = sent(&actions).remove(0);
    let v1::up::Kind::SnapshotAck(ack) = acknowledgement else { panic!("{acknowledgement:?}") };
    assert_eq!((ack.version, ack.in_force_version), (8, 7));
    assert!(ack.refusal.contains("chain/new"), "{}", ack.refusal);
    assert_eq!(vm.snapshot.unwrap().version, 7);
}

#[test]
fn a_changed_key_is_asked_for_again() {
    let mut vm = opened();
    let digest = KeyDigest::of(b"sk-1");
    vm.keys.learn(digest, &Resolution::Refused(crate::admit::KeyRefusal::Unknown, 60_000), NOW);
    let changed = v1::KeysChanged { digests: vec![digest.as_bytes().to_vec(), vec![1, 2, 3]] };
    Session::handle_message(&mut vm, &down(v1::down::Kind::KeysChanged(changed)), NOW);
    assert_eq!(vm.keys.look_up(&digest, true, NOW), Known::Ask(None));
}

#[test]
fn an_idle_session_beats_as_often_as_the_welcome_says() {
    let mut vm = opened();
    let mut beats = 0;
    for tick in 0..=300 {
        beats += sent(&Session::handle_tick(&mut vm, NOW.plus(tick * 50), 0)).len();
    }
    assert_eq!(beats, 4, "at 0, 5, 10 and 15 seconds");
}

#[test]
fn garbage_from_the_wire_is_logged_and_survived() {
    let mut vm = opened();
    let actions = Session::handle_message(&mut vm, b"\xff\xff\xff", NOW);
    assert!(matches!(&actions[..], [Action::Log(Severity::Warn, _)]));
    assert!(vm.session.is_open());
}
