//! Questions about usage.

use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use tollgate_proto::v1::{Outcome, Provenance, Usage, UsageRecord};

use crate::support::{
    database::Database,
    plane::Plane,
    vm::{STARTED_AT_MS, Vm, id, record},
};

on_each_store! {
    groups_are_summed,
    groups_by_time_begin_at_the_hour_and_day,
    filters_hold_together,
    pages_follow_each_other_without_gap_or_overlap,
    csv_says_the_same_as_json,
    csv_says_where_the_next_page_is,
    bad_questions_are_named,
}

const HOUR_MS: u64 = 3_600_000;

/// Five records: two of `red`, priced; one of `blue`, partial, an hour later; one unpriced; one refused.
async fn given(plane: &Plane) {
    let later = UsageRecord {
        team: "blue".to_owned(),
        outcome: Outcome::ClientAbort.into(),
        provenance: Provenance::Partial.into(),
        started_at_ms: STARTED_AT_MS + HOUR_MS,
        usage: Some(Usage { input: 100, cache_read: 7, output: 1, ..Usage::default() }),
        cost_nanousd: Some(1_000_000_001),
        ..record(3)
    };
    let unpriced = UsageRecord {
        team: "blue".to_owned(),
        model: "local, \"quoted\"".to_owned(),
        provider: "local".to_owned(),
        cost_nanousd: None,
        price_version: String::new(),
        ..record(4)
    };
    let refused = UsageRecord {
        team: String::new(),
        provider: String::new(),
        outcome: Outcome::Refused.into(),
        status: 401,
        reason: "invalid_api_key".to_owned(),
        attempts: 0,
        usage: None,
        provenance: Provenance::None.into(),
        cost_nanousd: None,
        price_version: String::new(),
        ..record(5)
    };
    let mut vm = Vm::connect(plane, "vm-1").await;
    vm.deliver(5, vec![record(1), record(2), later, unpriced, refused]).await;
}

fn ids(answer: &Value) -> Vec<&str> {
    let records = answer["records"].as_array().expect("records");
    records.iter().map(|record| record["exchange_id"].as_str().expect("an id")).collect()
}

async fn groups_are_summed(database: Database) {
    let plane = Plane::start(&database).await;
    given(&plane).await;
    let answer = plane.get("/api/v1/usage?group_by=team").await;
    let groups = answer["groups"].as_array().expect("groups");
    let group = |team: &str| groups.iter().find(|group| group["team"] == team).expect("the team");
    assert_eq!(groups.len(), 3);
    let (red, blue, none) = (group("red"), group("blue"), group(""));
    assert_eq!((&red["requests"], &red["input"], &red["output"]), (&json!(2), &json!(20), &json!(10)));
    assert_eq!((&red["cost_nanousd"], &red["cost_usd"]), (&json!(5_000), &json!("0.000005000")));
    assert_eq!((&red["unpriced"], &red["partial"]), (&json!(0), &json!(0)));
    assert_eq!((&blue["requests"], &blue["input"], &blue["cache_read"]), (&json!(2), &json!(110), &json!(7)));
    assert_eq!((&blue["cost_nanousd"], &blue["cost_usd"]), (&json!(1_000_000_001), &json!("1.000000001")));
    assert_eq!((&blue["unpriced"], &blue["partial"]), (&json!(1), &json!(1)));
    // A refusal has no usage, so it is not unpriced.
    assert_eq!((&none["requests"], &none["input"], &none["unpriced"]), (&json!(1), &json!(0), &json!(0)));

    let by_two = plane.get("/api/v1/usage?group_by=team,outcome&team=blue").await;
    let pairs: Vec<_> = by_two["groups"]
        .as_array()
        .expect("groups")
        .iter()
        .map(|group| (group["outcome"].as_str(), group["requests"].as_i64()))
        .collect();
    assert_eq!(pairs, [(Some("client_abort"), Some(1)), (Some("success"), Some(1))]);
}

async fn groups_by_time_begin_at_the_hour_and_day(database: Database) {
    let plane = Plane::start(&database).await;
    given(&plane).await;
    let moments = async |dimension: &str| -> Vec<(Value, Value)> {
        let mut answer = plane.get(&format!("/api/v1/usage?group_by={dimension}")).await;
        let groups = answer["groups"].as_array_mut().expect("groups");
        groups.iter_mut().map(|group| (group[dimension].take(), group["requests"].take())).collect()
    };
    let hours = [(json!("2026-11-20T23:00:00Z"), json!(4)), (json!("2026-11-21T00:00:00Z"), json!(1))];
    assert_eq!(moments("hour").await, hours);
    let days = [(json!("2026-11-20T00:00:00Z"), json!(4)), (json!("2026-11-21T00:00:00Z"), json!(1))];
    assert_eq!(moments("day").await, days);
}

async fn filters_hold_together(database: Database) {
    let plane = Plane::start(&database).await;
    given(&plane).await;
    let later_ms = STARTED_AT_MS + HOUR_MS;
    for (question, expected) in [
        ("team=red".to_owned(), vec![id(2), id(1)]),
        ("provider=local".to_owned(), vec![id(4)]),
        ("outcome=refused".to_owned(), vec![id(5)]),
        ("key=key_0000000000000001&team=blue".to_owned(), vec![id(3), id(4)]),
        ("user=nobody".to_owned(), vec![]),
        ("model=gpt-4o&team=blue".to_owned(), vec![id(3)]),
        // From is included, to is not; milliseconds, seconds and RFC 3339 say the same.
        (format!("from={later_ms}"), vec![id(3)]),
        (format!("from={}", later_ms / 1000), vec![id(3)]),
        ("from=2026-11-21T00:30:00Z".to_owned(), vec![id(3)]),
        (format!("to={later_ms}"), vec![id(5), id(4), id(2), id(1)]),
        (format!("from={}&to={}", STARTED_AT_MS + 2, STARTED_AT_MS + 5), vec![id(4), id(2)]),
        // A value is a value, whatever it looks like.
        ("team=red'%20or%20'1'='1".to_owned(), vec![]),
    ] {
        let answer = plane.get(&format!("/api/v1/usage?{question}")).await;
        assert_eq!(ids(&answer), expected, "{question}");
    }
}

async fn pages_follow_each_other_without_gap_or_overlap(database: Database) {
    let plane = Plane::start(&database).await;
    // Three of the five began in the same millisecond.
    let began = |number, at| UsageRecord { started_at_ms: STARTED_AT_MS + at, ..record(number) };
    let records = vec![began(1, 0), began(2, 5), began(3, 5), began(4, 5), began(5, 9)];
    Vm::connect(&plane, "vm-1").await.deliver(5, records).await;
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let answer = plane.get(&format!("/api/v1/usage?limit=2{cursor}")).await;
        seen.extend(ids(&answer).into_iter().map(str::to_owned));
        assert!(seen.len() <= 5, "a page comes again: {seen:?}");
        match answer["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, [id(5), id(4), id(3), id(2), id(1)]);
}

async fn csv_says_the_same_as_json(database: Database) {
    let plane = Plane::start(&database).await;
    given(&plane).await;
    for question in ["", "group_by=model,team"] {
        let path = format!("/api/v1/usage?{question}");
        let answer = plane.get(&path).await;
        let rows = answer.get("records").or(answer.get("groups")).and_then(Value::as_array).expect("rows");
        let by_format = plane.request(Method::GET, &format!("{path}&format=csv"));
        let by_header = plane.request(Method::GET, &path).header(header::ACCEPT, "text/csv");
        for request in [by_format, by_header] {
            let response = request.send().await.expect("the HTTP API answers");
            let kind = response.headers()[header::CONTENT_TYPE].to_str().expect("text").to_owned();
            assert!(kind.starts_with("text/csv"), "{kind}");
            let text = response.text().await.expect("text");
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let head = reader.headers().expect("a head").clone();
            let lines: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("good CSV");
            assert_eq!(lines.len(), rows.len());
            for (line, row) in lines.iter().zip(rows) {
                for (column, cell) in head.iter().zip(line) {
                    let expected = match &row[column] {
                        Value::Null => String::new(),
                        Value::String(text) => text.clone(),
                        other => other.to_string(),
                    };
                    assert_eq!(cell, expected, "{column} of {question}");
                }
            }
        }
    }
}

async fn bad_questions_are_named(database: Database) {
    let plane = Plane::start(&database).await;
    for (question, named) in [
        ("from=yesterday", "from"),
        ("to=2026-13-01T00:00:00Z", "to"),
        ("group_by=team,colour", "colour"),
        ("format=xml", "format"),
        ("limit=0", "limit"),
        ("limit=many", "limit"),
        ("cursor=abc", "cursor"),
        ("colour=red", "colour"),
        ("outcome=succes", "outcome"),
    ] {
        let (status, body) = plane.try_get(&format!("/api/v1/usage?{question}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{question}: {body}");
        assert!(body["error"]["message"].as_str().is_some_and(|message| message.contains(named)), "{question}: {body}");
    }
}

async fn csv_says_where_the_next_page_is(database: Database) {
    let plane = Plane::start(&database).await;
    given(&plane).await;
    let path = "/api/v1/usage?limit=3";
    let expected = plane.get(path).await["next_cursor"].take();
    let first = plane.request(Method::GET, &format!("{path}&format=csv")).send().await.expect("an answer");
    assert_eq!(first.headers()["x-next-cursor"], expected.as_str().expect("there is more"));
    let rest = format!("{path}&format=csv&cursor={}", expected.as_str().expect("there is more"));
    let last = plane.request(Method::GET, &rest).send().await.expect("an answer");
    assert!(!last.headers().contains_key("x-next-cursor"), "there is no more");
}
