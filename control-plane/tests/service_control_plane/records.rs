//! Usage records: kept once, acknowledged after the commit, whatever comes twice or cannot be read.

use reqwest::StatusCode;
use serde_json::json;
use tollgate_control_plane::operate::server::{Options, Pace};
use tollgate_proto::v1::{Attempt, Estimate, Facts, Loss, LossKind, OpenExchange, Outcome, Usage, UsageRecord, down};
use tonic::Code;

use crate::support::{
    database::Database,
    plane::{Plane, options},
    vm::{Vm, id, open, record, with_attempt, with_facts},
};

on_each_store! {
    a_record_that_comes_again_changes_nothing,
    a_replay_to_another_control_plane_changes_nothing,
    an_acknowledged_record_survives_a_kill,
    nothing_is_acknowledged_that_is_not_kept,
    a_record_that_cannot_be_read_is_counted_and_does_not_hold_up_others,
    a_detail_that_cannot_be_read_costs_no_record,
    what_is_not_known_stays_unknown,
    a_message_that_is_too_long_is_refused_whole,
    a_replay_is_not_counted_in_the_metrics,
    losses_are_counted_by_the_formats_that_met,
    no_text_of_a_record_can_hold_up_the_others,
}

async fn a_record_that_comes_again_changes_nothing(database: Database) {
    let plane = Plane::start(&database).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    vm.deliver(2, vec![record(1), record(2)]).await;
    let altered = UsageRecord { charged_nanousd: Some(9), ..record(1) };
    vm.deliver(3, vec![altered, record(2), record(3)]).await;

    let records = plane.records().await;
    assert_eq!(records.len(), 3);
    assert!(records.iter().all(|record| record["charged_nanousd"] == 2_500), "{records:?}");
}

async fn a_replay_to_another_control_plane_changes_nothing(database: Database) {
    let (one, other) = (Plane::start(&database).await, Plane::start_beside(&database).await);
    let mut before = Vm::connect(&one, "vm-1").await;
    before.deliver(1, vec![record(1)]).await;
    let mut after = Vm::connect(&other, "vm-1").await;
    after.deliver(2, vec![record(1), record(2)]).await;
    other.settled().await;
    assert_eq!(one.records().await.len(), 2);
}

async fn an_acknowledged_record_survives_a_kill(database: Database) {
    let plane = Plane::start(&database).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    vm.deliver(1, vec![record(1)]).await;
    drop(plane);
    let again = Plane::start(&database).await;
    assert_eq!(again.records().await[0]["exchange_id"], id(1));
}

async fn nothing_is_acknowledged_that_is_not_kept(database: Database) {
    let direct = || Options { spool: None, ..options(&database) };
    let plane = Plane::start_with(direct(), Pace::default()).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    database.tamper("alter table usage_records rename to out_of_reach").await;
    vm.send_records(1, vec![record(1)]).await;
    // No acknowledgement, but the end of the session: the VM comes back and sends it again.
    let ended = loop {
        match vm.next().await {
            Ok(Some(down::Kind::UsageAck(ack))) => panic!("{} is acknowledged and not kept", ack.sequence),
            Ok(Some(_)) => {}
            Ok(None) => panic!("the session ended without a reason"),
            Err(status) => break status,
        }
    };
    assert_eq!(ended.code(), Code::Unavailable);
    assert!(!ended.message().contains("usage_records"), "the database speaks: {ended}");
    let (status, body) = plane.try_get("/api/v1/usage").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!body.to_string().contains("usage_records"), "the database speaks: {body}");
    assert!(plane.metric("tollgate_store_errors_total").await >= 1.0);

    database.tamper("alter table out_of_reach rename to usage_records").await;
    let mut back = Vm::connect(&plane, "vm-1").await;
    back.deliver(1, vec![record(1)]).await;
    assert_eq!(plane.records().await.len(), 1);
}

async fn a_record_that_cannot_be_read_is_counted_and_does_not_hold_up_others(database: Database) {
    let plane = Plane::start(&database).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    let bad = [
        with_facts(record(1), |facts| facts.exchange_id = "short".to_owned()),
        UsageRecord { outcome: Outcome::Unspecified.into(), ..record(2) },
        UsageRecord { outcome: 99, ..record(3) },
        UsageRecord { facts: None, ..record(10) },
        with_facts(record(15), |facts| facts.started_at_ms = 1 << 50),
    ];
    let malformed = bad.len() as f64;
    vm.deliver(5, bad.into_iter().chain([record(5)]).collect()).await;
    let records = plane.records().await;
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["exchange_id"], id(5));
    assert_eq!(plane.metric("tollgate_malformed_records_total").await, malformed);
    assert_eq!(plane.get("/api/v1/usage?group_by=team").await["groups"][0]["input"], 10);
}

async fn a_detail_that_cannot_be_read_costs_no_record(database: Database) {
    let plane = Plane::start(&database).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    let loss = |kind| Loss { path: "n".to_owned(), reason: "no such member".to_owned(), kind };
    let odd = vec![
        with_facts(record(1), |facts| facts.operation = 99),
        with_facts(record(2), |facts| facts.client_format = 99),
        with_attempt(record(3), |attempt| attempt.outcome = 99),
        with_attempt(record(4), |attempt| attempt.charged_nanousd = Some(-1)),
        UsageRecord { estimate: Some(Estimate::default()), ..record(5) },
        UsageRecord { losses: vec![loss(99), loss(LossKind::Dropped.into())], loss_count: 2, ..record(6) },
        // What no exchange can have used: a few of these, as they are, would overflow every sum that they are in.
        UsageRecord { usage: Some(Usage { input: u64::MAX, ..Usage::default() }), ..record(7) },
        UsageRecord { charged_nanousd: Some(i64::MAX), ..record(8) },
        UsageRecord { charged_nanousd: Some(-1), ..record(9) },
        UsageRecord { duration_ms: u64::MAX, first_byte_ms: Some(u64::MAX), ..record(10) },
        with_facts(record(11), |facts| facts.snapshot_version = u64::MAX),
        // A number out of range in one attempt dropped the whole record.
        with_attempt(record(12), |attempt| attempt.started_at_ms = u64::MAX),
        with_attempt(record(13), |attempt| (attempt.duration_ms, attempt.first_byte_ms) = (u64::MAX, Some(u64::MAX))),
    ];
    let sent = odd.len();
    vm.deliver(1, odd).await;
    let records = plane.records().await;
    assert_eq!(records.len(), sent);
    assert_eq!(plane.metric("tollgate_malformed_records_total").await, 0.0);
    let of = |number: u64| records.iter().find(|record| record["exchange_id"] == id(number)).expect("on record");
    assert!(of(1)["operation"].is_null() || of(1)["operation"] == "");
    assert_eq!(of(6)["losses"].as_array().map(Vec::len), Some(1));
    assert_eq!(of(7)["input"], 1_000_000_000);
    assert_eq!(of(8)["charged_nanousd"], 10_000_000_000_000_i64);
    assert!(of(9)["charged_nanousd"].is_null());
    let year = serde_json::Value::from(366_i64 * 24 * 60 * 60 * 1_000);
    assert_eq!((&of(10)["duration_ms"], &of(10)["first_byte_ms"]), (&year, &year));
    assert_eq!(of(12)["attempts"][0]["started_at"], of(12)["started_at"]);
    assert_eq!(of(13)["attempts"][0]["duration_ms"], year);
}

async fn what_is_not_known_stays_unknown(database: Database) {
    let plane = Plane::start(&database).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    vm.state_open(1, vec![open(1)]).await;
    let unknown = UsageRecord {
        outcome: Outcome::ClientAbort.into(),
        first_byte_ms: None,
        usage: None,
        charged_nanousd: None,
        ..with_facts(record(1), |facts| facts.model = "nul\0l".to_owned())
    };
    vm.deliver(2, vec![unknown]).await;
    let records = plane.records().await;
    let record = &records[0];
    assert_eq!(record["outcome"], "client_abort");
    assert!(
        record["charged_nanousd"].is_null() && record["charged_usd"].is_null() && record["first_byte_ms"].is_null()
    );
    assert!(record["input"].is_null() && record["output"].is_null(), "{record}");
    assert_eq!(record["model"], "nul\u{fffd}l");
}

async fn a_replay_is_not_counted_in_the_metrics(database: Database) {
    let plane = Plane::start(&database).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    vm.deliver(1, vec![record(1)]).await;
    vm.deliver(2, vec![record(1), record(2)]).await;
    assert_eq!(plane.metric("tollgate_usage_records_total").await, 2.0);
    assert_eq!(plane.metric("tollgate_cost_nanousd_total").await, 5_000.0);
}

async fn a_message_that_is_too_long_is_refused_whole(database: Database) {
    let plane = Plane::start(&database).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    vm.send_records(1, (0..1_001).map(record).collect()).await;
    let status = vm.ended_by().await;
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.message().contains("1000 usage records"), "{status}");
    let mut vm = Vm::connect(&plane, "vm-1").await;
    vm.send_records(1, vec![UsageRecord { reason: "x".repeat(5 << 20), ..record(1) }]).await;
    let status = vm.ended_by().await;
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.message().contains("bytes"), "{status}");
    assert!(plane.records().await.is_empty());
}

async fn losses_are_counted_by_the_formats_that_met(database: Database) {
    let plane = Plane::start(&database).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    let refused = UsageRecord { attempts: Vec::new(), ..record(3) };
    vm.deliver(1, vec![UsageRecord { loss_count: 3, ..record(1) }, record(2), refused]).await;
    let pair = r#"{client_format="openai_chat",provider_format="anthropic_messages"}"#;
    assert_eq!(plane.metric(&format!("tollgate_translation_losses_total{pair}")).await, 3.0);
    let newest = &plane.records().await[0];
    assert_eq!((&newest["client_format"], &newest["provider_format"]), (&json!("openai_chat"), &json!("")));
    let answer = plane.get("/api/v1/usage?group_by=provider_format&client_format=openai_chat").await;
    let groups: Vec<_> = answer["groups"].as_array().expect("groups").iter().collect();
    assert_eq!((&groups[0]["provider_format"], &groups[0]["requests"]), (&json!(""), &json!(1)));
    assert_eq!((&groups[1]["provider_format"], &groups[1]["requests"]), (&json!("anthropic_messages"), &json!(2)));
}

async fn no_text_of_a_record_can_hold_up_the_others(database: Database) {
    let plane = Plane::start(&database).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    // PostgreSQL's text has no NUL: a batch with one would fail for ever.
    let nul = || "a\0b".to_owned();
    let odd_facts = |facts: &mut Facts| {
        (facts.key_id, facts.key_name, facts.team, facts.user) = (nul(), nul(), nul(), nul());
        (facts.route, facts.end_user, facts.session_id) = (nul(), nul(), nul());
        (facts.tags, facts.client_address, facts.traceparent) = (vec![nul(), nul()], nul(), nul());
    };
    let odd_attempt = |attempt: &mut Attempt| {
        (attempt.provider, attempt.reason, attempt.price_version) = (nul(), nul(), nul());
    };
    let odd = UsageRecord { reason: nul(), ..with_attempt(with_facts(record(1), odd_facts), odd_attempt) };
    // Nor do its indexes take rows of any length.
    let noise = |length: u64| (0..length).map(|at| char::from(b'!' + (at * at * 31 % 89) as u8)).collect::<String>();
    let long = with_facts(record(4), |facts| {
        (facts.key_id, facts.key_name, facts.team, facts.user) =
            (noise(5_001), noise(5_002), noise(5_003), noise(5_004));
        (facts.model, facts.route, facts.end_user, facts.session_id) =
            (noise(5_005), noise(5_006), noise(5_007), noise(9_000));
        facts.tags = vec![noise(9_001); 200];
    });
    let long = with_attempt(long, |attempt| {
        (attempt.provider, attempt.upstream_model) = (noise(5_008), noise(5_009));
    });
    let mut opened = OpenExchange { provider: nul(), ..open(3) };
    odd_facts(opened.facts.get_or_insert_default());
    opened.facts.get_or_insert_default().exchange_id = id(3);
    vm.state_open(1, vec![opened]).await;
    vm.deliver(2, vec![odd, record(2), long]).await;
    assert_eq!(plane.records().await.len(), 3);
    assert_eq!(plane.records().await[2]["team"], "a\u{fffd}b");
    assert_eq!(plane.metric("tollgate_store_errors_total").await, 0.0);
}
