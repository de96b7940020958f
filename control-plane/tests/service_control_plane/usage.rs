//! Questions about usage.

use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use tollgate_proto::v1::{Attempt, Estimate, EstimateMethod, Loss, LossKind, Outcome, Provenance, Usage, UsageRecord};

use crate::support::{
    database::Database,
    plane::Plane,
    vm::{STARTED_AT_MS, Vm, id, record, with_attempt, with_facts},
};

on_each_store! {
    groups_are_summed,
    groups_by_time_begin_at_the_hour_and_day,
    filters_hold_together,
    pages_follow_each_other_without_gap_or_overlap,
    csv_says_the_same_as_json,
    csv_says_where_the_next_page_is,
    groups_come_in_pages,
    days_and_months_begin_where_the_zone_says,
    records_say_what_became_of_each_attempt,
    bad_questions_are_named,
    a_cursor_goes_on_in_its_own_grouping_only,
    csv_runs_nothing_in_a_spreadsheet,
}

const HOUR_MS: u64 = 3_600_000;

/// Five records: two of `red`, priced; one of `blue`, partial, an hour later; one unpriced; one refused.
async fn given(plane: &Plane) {
    let later = with_facts(record(3), |facts| {
        facts.team = "blue".to_owned();
        facts.started_at_ms = STARTED_AT_MS + HOUR_MS;
    });
    let later = UsageRecord {
        outcome: Outcome::ClientAbort.into(),
        provenance: Provenance::Partial.into(),
        usage: Some(Usage { input: 100, cache_read: 7, output: 1, ..Usage::default() }),
        charged_nanousd: Some(1_000_000_001),
        estimate: Some(Estimate {
            usage: Some(Usage { input: 100, output: 9, ..Usage::default() }),
            cost_nanousd: Some(1_200_000_000),
            method: EstimateMethod::Bytes.into(),
        }),
        ..later
    };
    let unpriced = with_facts(UsageRecord { charged_nanousd: None, ..record(4) }, |facts| {
        facts.team = "blue".to_owned();
        facts.model = "local, \"quoted\"".to_owned();
        (facts.session_id, facts.tags) = ("session-2".to_owned(), Vec::new());
    });
    let unpriced = with_attempt(unpriced, |attempt| {
        attempt.provider = "local".to_owned();
        (attempt.charged_nanousd, attempt.price_version) = (None, String::new());
    });
    let refused = UsageRecord {
        outcome: Outcome::Refused.into(),
        status: 401,
        reason: "invalid_api_key".to_owned(),
        attempts: Vec::new(),
        usage: None,
        provenance: Provenance::None.into(),
        charged_nanousd: None,
        ..with_facts(record(5), |facts| (facts.team, facts.session_id) = (String::new(), String::new()))
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
    assert_eq!((&red["charged_nanousd"], &red["charged_usd"]), (&json!(5_000), &json!("0.000005000")));
    assert_eq!((&red["unpriced"], &red["partial"]), (&json!(0), &json!(0)));
    assert_eq!((&blue["requests"], &blue["input"], &blue["cache_read"]), (&json!(2), &json!(110), &json!(7)));
    assert_eq!((&blue["charged_nanousd"], &blue["charged_usd"]), (&json!(1_000_000_001), &json!("1.000000001")));
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
        ("session_id=session-2".to_owned(), vec![id(4)]),
        ("tag=nightly&team=red".to_owned(), vec![id(2), id(1)]),
        ("tag=a%20%22b%22,%20c&team=blue".to_owned(), vec![id(3)]),
        ("tag=b".to_owned(), vec![]),
        ("end_user=customer-7&session_id=".to_owned(), vec![id(5)]),
        ("route=gpt-4o&stream=true&operation=chat&provenance=none".to_owned(), vec![id(5)]),
        ("stream=false".to_owned(), vec![]),
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
    let began = |number, at| with_facts(record(number), |facts| facts.started_at_ms = STARTED_AT_MS + at);
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
        ("operation=talk", "operation"),
        ("provenance=hearsay", "provenance"),
        ("stream=yes", "stream"),
        ("client_format=morse", "client_format"),
        ("provider_format=morse", "provider_format"),
        ("group_by=team,team", "group_by"),
        ("group_by=hour,day", "group_by"),
        ("group_by=", "group_by"),
        ("tz=Europe/Atlantis", "tz"),
        ("group_by=key&limit=10001", "limit"),
        ("group_by=key&cursor=abc", "cursor"),
        ("group_by=key&cursor=5b5d", "cursor"),
        ("cursor=1764000000000-x", "cursor"),
        // PostgreSQL's text has no NUL: what it says of one is not the caller's business.
        ("end_user=%00", "end_user"),
        ("tag=%00", "tag"),
        ("session_id=a%00b", "session_id"),
    ] {
        let (status, body) = plane.try_get(&format!("/api/v1/usage?{question}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{question}: {body}");
        assert!(body["error"]["message"].as_str().is_some_and(|message| message.contains(named)), "{question}: {body}");
    }
}

/// In another one it would leave rows out in silence.
async fn a_cursor_goes_on_in_its_own_grouping_only(database: Database) {
    let plane = Plane::start(&database).await;
    given(&plane).await;
    let first = plane.get("/api/v1/usage?group_by=day,team&limit=1").await;
    let cursor = first["next_cursor"].as_str().expect("there is more");
    plane.get(&format!("/api/v1/usage?group_by=day,team&cursor={cursor}")).await;
    for other in ["group_by=day,model", "group_by=hour,team", "group_by=team,day", "group_by=day,team&tz=Europe/Berlin"]
    {
        let (status, body) = plane.try_get(&format!("/api/v1/usage?{other}&cursor={cursor}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{other}: {body}");
    }
}

/// Clients choose some of the text: <https://owasp.org/www-community/attacks/CSV_Injection>.
async fn csv_runs_nothing_in_a_spreadsheet(database: Database) {
    let plane = Plane::start(&database).await;
    let mut vm = Vm::connect(&plane, "vm-1").await;
    let formula = with_facts(record(1), |facts| facts.end_user = "=1+1".to_owned());
    vm.deliver(1, vec![formula]).await;
    plane.settled().await;
    let answer = plane.request(Method::GET, "/api/v1/usage?format=csv").send().await.expect("an answer");
    let text = answer.text().await.expect("text");
    assert!(text.contains(",'=1+1,") && !text.contains(",=1+1,"), "{text}");
    assert_eq!(plane.records().await[0]["end_user"], "=1+1", "JSON says what the client said");
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

async fn groups_come_in_pages(database: Database) {
    let plane = Plane::start(&database).await;
    let of_model = |number: u64| {
        with_facts(record(number), |facts| {
            facts.model = format!("model-{}", number % 3);
            facts.started_at_ms = STARTED_AT_MS + number / 3 * HOUR_MS * 30;
        })
    };
    Vm::connect(&plane, "vm-1").await.deliver(1, (0..9).map(of_model).collect()).await;
    for (by, count) in
        [("model,hour", 9), ("hour,model", 9), ("day", 3), ("month", 1), ("model", 3), ("outcome,model", 3)]
    {
        let whole = plane.get(&format!("/api/v1/usage?group_by={by}")).await;
        assert!(whole["next_cursor"].is_null());
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let mut answer = plane.get(&format!("/api/v1/usage?group_by={by}&limit=2{cursor}")).await;
            seen.append(answer["groups"].as_array_mut().expect("groups"));
            assert!(seen.len() <= count, "a page of {by} comes again: {seen:?}");
            match answer["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen.len(), count, "{by}");
        assert_eq!(whole["groups"].as_array(), Some(&seen), "{by}");
    }
}

async fn days_and_months_begin_where_the_zone_says(database: Database) {
    let plane = Plane::start(&database).await;
    // 2026-10-24T21:59:59Z, an hour in which Berlin's clocks show 23:59 of Saturday, and both hours that they show as 2:30 on Sunday.
    let at = [1_792_879_199_000, 1_792_879_200_000, 1_792_888_200_000, 1_792_891_800_000, 1_793_487_600_000];
    let began = |(number, at): (usize, &u64)| with_facts(record(number as u64), |facts| facts.started_at_ms = *at);
    Vm::connect(&plane, "vm-1").await.deliver(1, at.iter().enumerate().map(began).collect()).await;
    for (question, expected) in [
        (
            "day&tz=Europe/Berlin",
            vec![("2026-10-24T00:00:00+02:00", 1), ("2026-10-25T00:00:00+02:00", 3), ("2026-11-01T00:00:00+01:00", 1)],
        ),
        ("month&tz=Europe/Berlin", vec![("2026-10-01T00:00:00+02:00", 4), ("2026-11-01T00:00:00+01:00", 1)]),
        (
            "hour&tz=Europe/Berlin&from=2026-10-25T00:00:00Z",
            vec![("2026-10-25T02:00:00+02:00", 1), ("2026-10-25T02:00:00+01:00", 1), ("2026-11-01T00:00:00+01:00", 1)],
        ),
        ("month", vec![("2026-10-01T00:00:00Z", 5)]),
        ("day", vec![("2026-10-24T00:00:00Z", 2), ("2026-10-25T00:00:00Z", 2), ("2026-10-31T00:00:00Z", 1)]),
        // Half an hour off, and three quarters.
        ("hour&tz=Asia/Kolkata&to=2026-10-25T00:00:00Z", vec![("2026-10-25T03:00:00+05:30", 2)]),
        ("day&tz=Asia/Kathmandu&to=2026-10-25T00:00:00Z", vec![("2026-10-25T00:00:00+05:45", 2)]),
    ] {
        let answer = plane.get(&format!("/api/v1/usage?group_by={question}")).await;
        let unit = question.split('&').next().expect("a unit");
        let groups = answer["groups"].as_array().expect("groups");
        let seen: Vec<_> = groups
            .iter()
            .map(|group| (group[unit].as_str().expect("a time"), group["requests"].as_i64().expect("a number")))
            .collect();
        assert_eq!(seen, expected, "{question}");
    }
}

async fn records_say_what_became_of_each_attempt(database: Database) {
    let plane = Plane::start(&database).await;
    let mut fell_back = record(1);
    let failed = Attempt {
        provider: "claude".to_owned(),
        outcome: Outcome::ProviderError.into(),
        status: 529,
        reason: "overloaded".to_owned(),
        usage: None,
        provenance: Provenance::None.into(),
        charged_nanousd: None,
        ..fell_back.attempts[0].clone()
    };
    fell_back.attempts.insert(0, failed);
    let loss =
        Loss { path: "messages.0".to_owned(), reason: "no such thing".to_owned(), kind: LossKind::Dropped.into() };
    (fell_back.losses, fell_back.loss_count) = (vec![loss], 3);
    fell_back.estimate = Some(Estimate {
        usage: Some(Usage { input: 10, output: 9, ..Usage::default() }),
        cost_nanousd: Some(4_000),
        method: EstimateMethod::Counted.into(),
    });
    Vm::connect(&plane, "vm-1").await.deliver(1, vec![fell_back]).await;
    let record = plane.records().await.remove(0);
    assert_eq!((&record["provider"], &record["attempt_count"]), (&json!("openai"), &json!(2)));
    let (first, last) = (&record["attempts"][0], &record["attempts"][1]);
    assert_eq!(
        (&first["provider"], &first["outcome"], &first["status"]),
        (&json!("claude"), &json!("provider_error"), &json!(529))
    );
    assert!(first["tokens"].is_null() && first["charged_nanousd"].is_null(), "{first}");
    assert_eq!(
        (&last["provider"], &last["tokens"]["input"], &last["charged_nanousd"]),
        (&json!("openai"), &json!(10), &json!(2_500))
    );
    assert_eq!(record["losses"], json!([{"path": "messages.0", "reason": "no such thing", "kind": "dropped"}]));
    assert_eq!((&record["loss_count"], &record["estimated_nanousd"]), (&json!(3), &json!(4_000)));
    assert_eq!((&record["estimate_method"], &record["estimated_tokens"]["output"]), (&json!("counted"), &json!(9)));
    assert_eq!((&record["end_user"], &record["session_id"]), (&json!("customer-7"), &json!("session-1")));
    assert_eq!((&record["tags"], &record["client_address"]), (&json!(["nightly", "a \"b\", c"]), &json!("10.0.0.7")));
    assert!(record["traceparent"].as_str().is_some_and(|trace| trace.starts_with("00-4bf9")), "{record}");
    let groups = plane.get("/api/v1/usage?group_by=end_user").await["groups"].take();
    assert_eq!((&groups[0]["attempts"], &groups[0]["estimated_usd"]), (&json!(2), &json!("0.000004000")));
}
