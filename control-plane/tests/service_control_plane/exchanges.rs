//! A whole exchange over both planes: the file compiled here, decided by the filter's own gate, its usage on record here.

use std::time::{SystemTime, UNIX_EPOCH};

use prost::Message as _;
use tollgate_core::exchange::{Adapter, Gate, Head, Response, Verdict};
use tollgate_core::words::{ExchangeId, Millis};
use tollgate_proto::v1::ResolveRequest;

use crate::support::{
    database::Database,
    plane::{NODE_TOKEN, Plane},
    vm::{Vm, resolve},
};

on_each_store! {
    what_the_filter_admits_is_on_record_with_its_price,
}

const FILE: &str = "
providers: {mistral: {kind: mistral, api_key: sk-of-the-provider}}
models: {code*: {targets: [{provider: mistral}]}}
keys: [{name: dev, key: sk-of-the-client, team: red}]
";

async fn what_the_filter_admits_is_on_record_with_its_price(database: Database) {
    let plane = Plane::start(&database).await;
    let version = plane.publish_file(FILE).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    assert_eq!(vm.snapshot().await.version, version);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_millis();
    let now = Millis(now.try_into().expect("64 bits of milliseconds"));

    let mut gate = Gate::new(ExchangeId::from_random(7), 7);
    let asked = [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "gateway"),
        (":path", "/v1/chat/completions"),
        ("authorization", "Bearer sk-of-the-client"),
    ];
    let Verdict::Call(asked) = gate.handle_head(vm.shared(), head(&asked), false, now) else { panic!("not asked") };
    assert_eq!((asked.service, asked.method), ("tollgate.v1.Keys", "Resolve"));
    let question = ResolveRequest::decode(asked.message.as_slice()).expect("the protocol's question");
    let answer = resolve(&plane, &question.digest, Some(NODE_TOKEN)).await.expect("the question is answered");
    assert_eq!(gate.handle_reply(vm.shared(), Ok(&answer.encode_to_vec()), now), Verdict::Hold);
    let body = br#"{"model":"codestral-latest","messages":[{"role":"user","content":"hi"}]}"#;
    let Verdict::Admit(admission) = gate.handle_whole_body(vm.shared(), body.to_vec()) else { panic!("not admitted") };

    let (mut adapter, _) = Adapter::begin(vm.shared(), admission.exchange, 0, now).expect("a first attempt");
    let answered = [(":status", "200"), ("content-type", "application/json")];
    adapter.handle_response_head(vm.shared(), head(&answered), false, now);
    assert_eq!(gate.handle_response_head(vm.shared(), false), Response::Pass);
    let body = br#"{"choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":1000,"total_tokens":2000}}"#;
    adapter.handle_response_chunk(vm.shared(), body, true);
    adapter.handle_done(vm.shared(), now);
    let record = gate.handle_log(vm.shared(), None, now);
    vm.machine().keep(record);
    vm.flush().await;

    let records = plane.records().await;
    assert_eq!(records.len(), 1);
    let record = &records[0];
    assert_eq!((&record["key_name"], &record["team"]), (&"dev".into(), &"red".into()));
    assert_eq!((&record["provider"], &record["upstream_model"]), (&"mistral".into(), &"codestral-latest".into()));
    assert_eq!((&record["outcome"], &record["charged_nanousd"]), (&"success".into(), &1_200_000.into()), "{record}");
}

fn head(pairs: &[(&str, &str)]) -> Head {
    Head(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}
