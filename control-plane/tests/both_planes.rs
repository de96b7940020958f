//! Both planes over one file: what the control plane compiles is what the filter's own gate decides and prices by.

use std::rc::Rc;

use tollgate_control_plane::compile::{Compiled, compile};
use tollgate_control_plane::config::{Config, Environment};
use tollgate_control_plane::prices::Book;
use tollgate_core::admit::keys::Resolution;
use tollgate_core::admit::{Principal, snapshot::Snapshot};
use tollgate_core::exchange::record::Record;
use tollgate_core::exchange::{Adapter, Admission, Gate, Head, Response, Take, Verdict};
use tollgate_core::vm::{Node, Vm};
use tollgate_core::words::{ExchangeId, Glob, KeyDigest, Millis};

const FILE: &str = r#"
providers:
  openai: {kind: openai, api_key: "${KEY}"}
  claude: {kind: anthropic, api_key: "${KEY}"}
  mistral: {kind: mistral, api_key: "${KEY}"}
models:
  gpt-4o-2024-08-06: {targets: [{provider: openai}]}
  claude-sonnet-4-5-20250929: {targets: [{provider: claude}]}
  codestral-latest: {targets: [{provider: mistral}]}
  mine: {targets: [{provider: mistral, model: codestral-latest}]}
  "gpt-*": {targets: [{provider: openai}]}
  "claude-*": {targets: [{provider: claude}]}
  "code*": {targets: [{provider: mistral}]}
aliases:
  exactly: codestral-latest
  fitting: codestral-2030-01-01
  straight: mistral/codestral-latest
"#;

const NOW: Millis = Millis(1_700_000_000_000);

fn compiled(text: &str) -> Compiled {
    let environment: Environment = [("KEY", "sk-upstream")].into_iter().collect();
    let config = Config::parse("tollgate.yaml", text, &environment).unwrap_or_else(|problems| panic!("{problems}"));
    compile(&config.policy, Book::built_in())
}

/// A VM that runs on the file, and knows a key that may do everything.
fn vm(compiled: &Compiled) -> Vm {
    let clusters: Vec<String> = compiled.clusters.iter().map(|cluster| cluster.name.clone()).collect();
    let snapshot = Snapshot::compile(compiled.snapshot.clone(), Some(&clusters)).expect("the filter takes it");
    let mut vm = Vm::new(Node { vm_id: "vm-1".to_owned(), node_id: "n".to_owned() }, Some(clusters));
    vm.shared.snapshot = Some(snapshot.into());
    let principal = Principal {
        key_id: "k1".into(),
        name: "dev".into(),
        team: "".into(),
        user: "".into(),
        models: vec![Glob::new("*")],
    };
    vm.shared.keys.learn(KeyDigest::of(b"sk-client"), &Resolution::Good(Rc::new(principal), 60_000), NOW);
    vm
}

/// Asks as a client does, with these random bits.
fn admitted(vm: &mut Vm, model: &str, provider: Option<&str>, seed: u64) -> (Gate, Admission) {
    let mut head = vec![
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "gateway"),
        (":path", "/v1/chat/completions"),
        ("authorization", "Bearer sk-client"),
    ];
    head.extend(provider.map(|provider| ("x-provider", provider)));
    let head = Head(head.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
    let mut gate = Gate::new(ExchangeId::from_random(seed.into()), seed);
    assert_eq!(gate.handle_head(&mut vm.shared, head, false, NOW), Verdict::Hold);
    let body = format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"hi"}}]}}"#);
    match gate.handle_whole_body(&mut vm.shared, body.into_bytes()) {
        Verdict::Admit(admission) => (gate, admission),
        other => panic!("{model} is not admitted: {other:?}"),
    }
}

/// A whole exchange, of which the provider reports a million tokens each way in its own format.
fn exchange(vm: &mut Vm, model: &str, provider: Option<&str>) -> Record {
    let (mut gate, admission) = admitted(vm, model, provider, 7);
    let (mut adapter, _) = Adapter::begin(&mut vm.shared, admission.exchange, 0, NOW).expect("a first attempt");
    let answer = [(":status", "200"), ("content-type", "application/json")];
    let answer = Head(answer.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
    adapter.handle_response_head(&mut vm.shared, answer, false, NOW);
    let usage = br#"{"id":"m","type":"message","role":"assistant","model":"m","content":[],"choices":[],
        "usage":{"prompt_tokens":1000000,"completion_tokens":1000000,"input_tokens":1000000,"output_tokens":1000000}}"#;
    assert_eq!(gate.handle_response_head(&mut vm.shared, false), Response::Pass);
    if adapter.handle_response_body(true) == Take::Whole {
        adapter.handle_whole_response(&mut vm.shared, usage);
    } else {
        adapter.handle_response_chunk(&mut vm.shared, usage, true);
    }
    adapter.handle_done(&mut vm.shared, NOW);
    let ended = gate.handle_log(&mut vm.shared, None, NOW);
    vm.keep(ended);
    let (sequence, record) = {
        let (sequence, records) = vm.outbox.next_batch().expect("a record");
        (sequence, records[0].clone())
    };
    vm.outbox.acknowledge(sequence);
    record
}

#[test]
fn a_dated_name_has_the_price_of_the_undated_one_however_it_is_asked_for() {
    let mut vm = vm(&compiled(FILE));
    let asked: [(&str, Option<&str>, &str); 17] = [
        ("gpt-4o-2024-08-06", None, "an exact route"),
        ("claude-sonnet-4-5-20250929", None, "an exact route"),
        ("codestral-latest", None, "an exact route"),
        ("mine", None, "a target that names the model"),
        ("gpt-4o-latest", None, "a pattern"),
        ("gpt-4o-2024-11-20", None, "a pattern"),
        ("claude-sonnet-4-5-latest", None, "a pattern"),
        ("codestral-2030-01-01", None, "a pattern"),
        ("exactly", None, "an alias of an exact route"),
        ("fitting", None, "an alias of a pattern"),
        ("straight", None, "an alias of a provider's model"),
        ("mistral/codestral-latest", None, "provider/model"),
        ("openai/gpt-4o-2024-08-06", None, "provider/model"),
        ("claude/claude-sonnet-4-5-20250929", None, "provider/model"),
        ("codestral-latest", Some("mistral"), "x-provider"),
        ("gpt-4o-latest", Some("openai"), "x-provider"),
        ("claude-sonnet-4-5-20250929", Some("claude"), "x-provider"),
    ];
    for (model, provider, how) in asked {
        let record = exchange(&mut vm, model, provider);
        let [attempt] = record.attempts.list.as_slice() else { panic!("it was asked once: {record:?}") };
        let of = ["gpt-4o", "claude-sonnet-4-5", "codestral"].into_iter().find(|name| attempt.model.starts_with(name));
        let nanousd = match of {
            Some("gpt-4o") => 12_500_000_000,
            Some("claude-sonnet-4-5") => 18_000_000_000,
            _ => 1_200_000_000,
        };
        let version = attempt.price_version.as_deref().unwrap_or_default();
        assert!(version.starts_with("book@"), "{model} by {how}: {record:?}");
        assert_eq!(record.attempts.charged().map(|cost| cost.0), Some(nanousd), "{model} by {how}");
    }
}

#[test]
fn chains_are_drawn_as_often_as_the_weights_of_the_file_say() {
    const DRAWS: u64 = 6000;
    let compiled = compiled(
        r#"
providers:
  a: {kind: openai_compatible, api_key: none, base_url: "http://a/v1"}
  b: {kind: openai_compatible, api_key: none, base_url: "http://b/v1"}
  c: {kind: openai_compatible, api_key: none, base_url: "http://c/v1"}
models:
  m:
    targets:
      - {provider: a, model: a1, weight: 2}
      - {provider: b, model: b1, weight: 1}
      - {provider: c, model: c1, weight: 0}
      - {provider: c, model: c2, weight: 3, priority: 1}
      - {provider: a, model: a2, weight: 1, priority: 1}
      - {provider: b, model: b2, priority: 2}
"#,
    );
    let mut vm = vm(&compiled);
    let mut counts = std::collections::BTreeMap::new();
    for seed in 0..DRAWS {
        let (mut gate, admission) = admitted(&mut vm, "m", None, seed);
        let plan = &vm.shared.exchanges.find(admission.exchange).expect("it was admitted").plan;
        let models: Vec<String> = plan.steps.iter().map(|step| step.model.to_string()).collect();
        *counts.entry(models.join(" ")).or_insert(0_u64) += 1;
        let ended = gate.handle_log(&mut vm.shared, None, NOW);
        vm.keep(ended);
    }
    let expected =
        [("a1 b1 c1 c2 a2 b2", 6), ("a1 b1 c1 a2 c2 b2", 2), ("b1 c1 a1 c2 a2 b2", 3), ("b1 c1 a1 a2 c2 b2", 1)];
    assert_eq!(counts.len(), expected.len(), "{counts:?}");
    for (order, twelfths) in expected {
        let (count, due) = (counts.get(order).copied().unwrap_or_default(), DRAWS * twelfths / 12);
        assert!(count.abs_diff(due) < DRAWS / 40, "{order}: {count} of {DRAWS}, {due} expected");
    }
}
