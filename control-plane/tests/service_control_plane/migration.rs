//! A database of the revision before, with rows in it, is brought up to date and says what it said.

use std::{borrow::Cow, path::Path};

use serde_json::{Value, json};
use sqlx::{AnyConnection, Connection, Executor, Row, migrate::Migrator};
use tollgate_control_plane::store::Store;

use crate::support::{database::Database, plane::Plane, vm::id};

on_each_store! {
    old_records_are_carried_over,
    an_old_open_exchange_is_still_lost,
    names_of_any_length_are_carried_over,
    odd_old_rows_hide_no_others,
}

/// How many steps the revision before had.
const STEPS_BEFORE: usize = 2;

const OLD_COLUMNS: &str = "exchange_id, started_at, received_at, duration_ms, first_byte_ms, key_id, key_name, team, user_name, model, \
    provider, upstream_model, operation, stream, outcome, status, reason, attempts, provenance, input, cache_read, \
    cache_write_5m, cache_write_1h, output, reasoning, audio_in, audio_out, cost_nanousd, price_version, losses, \
    snapshot_version, client_format, provider_format";

/// The values of [`OLD_COLUMNS`] after the id and the times. Told apart by everything that sums are told apart by.
fn old_row(number: u64) -> String {
    let at = 1_795_217_400_000 + number * 2_345_678;
    let team = ["red", "blue", ""][(number % 3) as usize];
    let rest = match number % 5 {
        0 => {
            "'', '', '', 1, 'refused', 401, 'invalid_api_key', 0, 'none', null, null, null, null, null, null, null, null, \
              null, '', 0, 1, 'openai_chat', ''"
        }
        1 => {
            "'local', 'qwen', 'chat', 0, 'success', 200, '', 1, 'reported', 7, 0, 0, 0, 3, 0, 0, 0, null, '', 2, 1, \
              'anthropic_messages', 'openai_chat'"
        }
        2 => {
            "'openai', 'gpt-4o', 'chat', 1, 'client_abort', 200, '', 1, 'partial', 100, 7, 1, 2, 1, 1, 4, 5, 1000000001, \
              'book@1', 0, 1, 'openai_chat', 'openai_chat'"
        }
        3 => {
            "'openai', 'gpt-4o', 'chat', 0, 'lost', 0, 'vm_lost', 0, 'none', null, null, null, null, null, null, null, null, \
              null, '', 0, 0, '', ''"
        }
        _ => {
            "'claude', 'sonnet', 'chat', 1, 'success', 200, '', 3, 'reported', 10, 0, 0, 0, 5, 2, 0, 0, 2500, 'book@1', 1, \
              1, 'openai_chat', 'anthropic_messages'"
        }
    };
    format!(
        "'{}', {at}, {at}, 40, 12, 'key_{}', 'first', '{team}', 'ann', 'gpt \"4o\"', {rest}",
        id(number),
        number % 2
    )
}

async fn old_database(database: &Database) -> AnyConnection {
    let store = if database.url.starts_with("sqlite") { "sqlite" } else { "postgres" };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(store);
    let mut steps = Migrator::new(folder).await.expect("the migrations can be read");
    steps.migrations = Cow::Owned(steps.migrations.iter().take(STEPS_BEFORE).cloned().collect());
    let url = if store == "sqlite" { format!("{}?mode=rwc", database.url) } else { database.url.clone() };
    let mut connection = AnyConnection::connect(&url).await.expect("the database opens");
    steps.run(&mut connection).await.expect("the old migrations run");
    connection
}

async fn old_records_are_carried_over(database: Database) {
    let mut old = old_database(&database).await;
    for number in 0..60 {
        let sql = format!("insert into usage_records ({OLD_COLUMNS}) values ({})", old_row(number));
        old.execute(sqlx::AssertSqlSafe(sql)).await.expect("the row is good");
    }
    // What the revision before answered, from its own columns.
    let mut before = Vec::new();
    for (dimension, expression) in DIMENSIONS {
        let sums = SUMS.map(|(_, sum)| format!("cast(coalesce(sum({sum}), 0) as bigint)")).join(", ");
        let sql = format!("select {expression}, {sums} from usage_records group by 1");
        let rows = old.fetch_all(sqlx::AssertSqlSafe(sql)).await.expect("the sums of before");
        let mut groups: Vec<(String, Vec<i64>)> =
            rows.iter().map(|row| (row.get(0), (1..=SUMS.len()).map(|at| row.get(at)).collect())).collect();
        groups.sort();
        before.push((dimension, groups));
    }
    old.close().await.expect("it closes");

    let plane = Plane::start(&database).await;
    for (dimension, expected) in before {
        let answer = plane.get(&format!("/api/v1/usage?group_by={dimension}")).await;
        let figure = |group: &Value, name: &str| group[name].as_i64().expect("a number");
        let mut groups: Vec<(String, Vec<i64>)> = answer["groups"]
            .as_array()
            .expect("groups")
            .iter()
            .map(|group| {
                let value = group[dimension].as_str().expect("text").to_owned();
                (value, SUMS.iter().map(|(name, _)| figure(group, name)).collect())
            })
            .collect();
        groups.sort();
        assert_eq!(groups, expected, "{dimension}");
    }
    let hours = plane.get("/api/v1/usage?group_by=hour").await;
    let requests: i64 =
        hours["groups"].as_array().expect("groups").iter().filter_map(|hour| hour["requests"].as_i64()).sum();
    assert_eq!(requests, 60);

    let records = plane.records().await;
    let record = |number: u64| records.iter().find(|record| record["exchange_id"] == id(number)).expect("the record");
    let served = record(4);
    let attempt = &served["attempts"][0];
    assert_eq!(
        (&served["attempt_count"], &served["loss_count"], &served["charged_nanousd"]),
        (&json!(3), &json!(1), &json!(2_500))
    );
    assert_eq!((&attempt["provider"], &attempt["upstream_model"]), (&json!("claude"), &json!("sonnet")));
    assert_eq!((&attempt["provider_format"], &attempt["outcome"]), (&json!("anthropic_messages"), &json!("success")));
    assert_eq!((&attempt["tokens"]["reasoning"], &attempt["price_version"]), (&json!(2), &json!("book@1")));
    assert_eq!(served["attempts"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&record(0)["attempts"], &record(0)["losses"], &record(0)["tags"]),
        (&json!([]), &json!([]), &json!([]))
    );
    assert!(record(1)["attempts"][0]["charged_nanousd"].is_null() && record(1)["cost_status"] == "unpriced");
}

const DIMENSIONS: [(&str, &str); 10] = [
    ("key", "key_id"),
    ("team", "team"),
    ("user", "user_name"),
    ("model", "model"),
    ("provider", "provider"),
    ("upstream_model", "upstream_model"),
    ("client_format", "client_format"),
    ("provider_format", "provider_format"),
    ("outcome", "outcome"),
    ("provenance", "provenance"),
];

/// What is summed now, and how it was before.
const SUMS: [(&str, &str); 13] = [
    ("requests", "1"),
    ("input", "input"),
    ("cache_read", "cache_read"),
    ("cache_write_5m", "cache_write_5m"),
    ("cache_write_1h", "cache_write_1h"),
    ("output", "output"),
    ("reasoning", "reasoning"),
    ("audio_in", "audio_in"),
    ("audio_out", "audio_out"),
    ("charged_nanousd", "cost_nanousd"),
    ("unpriced", "case when input is not null and price_version = '' then 1 else 0 end"),
    ("partial", "case when provenance = 'partial' then 1 else 0 end"),
    ("attempts", "attempts"),
];

async fn an_old_open_exchange_is_still_lost(database: Database) {
    let mut old = old_database(&database).await;
    let opened = format!(
        "insert into open_exchanges (exchange_id, vm_id, started_at, key_id, key_name, team, user_name, model, provider, \
         upstream_model, operation, stream) values ('{}', 'vm-1', 5, 'key_1', 'dev', 'red', 'ann', 'gpt-4o', 'openai', \
         'gpt-4o', 'chat', 1)",
        id(1)
    );
    old.execute(sqlx::AssertSqlSafe(opened)).await.expect("the row is good");
    old.execute("insert into vms (id, heard_at) values ('vm-1', 5)").await.expect("the row is good");
    old.close().await.expect("it closes");
    let store = Store::open(&database.url).await.expect("the store opens");
    assert_eq!(store.write_off(i64::MAX, i64::MIN).await.lost, 1);
    let page = store.records(&Default::default(), None, 10).await.expect("the store works");
    assert_eq!(page.records[0].facts.team, "red");
}

/// What sums are told apart by stands in one row of an index, of which PostgreSQL takes 2,704 bytes.
async fn names_of_any_length_are_carried_over(database: Database) {
    let mut old = old_database(&database).await;
    let long =
        |first: char| (0..300).map(|n| char::from_u32(first as u32 + n * 7 % 2_000).expect("a letter")).collect();
    let names: [String; 5] = ['\u{4e00}', '\u{5a00}', '\u{6600}', '\u{7200}', '\u{7e00}'].map(long);
    let [team, user, model, provider, upstream] = &names;
    let ascii = "a".repeat(250);
    for (number, team) in [(1, team), (2, &ascii)] {
        let row = format!(
            "'{}', {number}, 1, 40, 12, 'key_1', 'first', '{team}', '{user}', '{model}', '{provider}', '{upstream}', 'chat', 1, \
             'success', 200, '', 1, 'reported', 1, 0, 0, 0, 1, 0, 0, 0, 5, 'book@1', 0, 1, 'openai_chat', 'openai_chat'",
            id(number)
        );
        let sql = format!("insert into usage_records ({OLD_COLUMNS}) values ({row})");
        old.execute(sqlx::AssertSqlSafe(sql)).await.expect("the row is good");
    }
    let opened = format!(
        "insert into open_exchanges (exchange_id, vm_id, started_at, key_id, key_name, team, user_name, model, provider, \
         upstream_model, operation, stream) values ('{}', 'vm-1', 5, 'key_1', 'dev', '{team}', '{user}', '{model}', '{provider}', \
         '{upstream}', 'chat', 1)",
        id(3)
    );
    old.execute(sqlx::AssertSqlSafe(opened)).await.expect("the row is good");
    old.execute("insert into vms (id, heard_at) values ('vm-1', 5)").await.expect("the row is good");
    old.close().await.expect("it closes");

    let store = Store::open(&database.url).await.expect("the store opens");
    assert_eq!(store.write_off(i64::MAX, i64::MIN).await.lost, 1);
    let page = store.records(&Default::default(), None, 10).await.expect("the store works");
    let teams: Vec<_> = page.records.iter().map(|record| record.facts.team.chars().count()).collect();
    assert_eq!(teams, [64, 250, 64], "cut only where it is longer than what new records have");
}

/// A time that is far off, and a word that this revision does not know.
async fn odd_old_rows_hide_no_others(database: Database) {
    let mut old = old_database(&database).await;
    for number in [1, 2, 4] {
        let sql = format!("insert into usage_records ({OLD_COLUMNS}) values ({})", old_row(number));
        old.execute(sqlx::AssertSqlSafe(sql)).await.expect("the row is good");
    }
    for (number, change) in [(1, "started_at = 9000000000000000000"), (2, "provider_format = 'morse'")] {
        let sql = format!("update usage_records set {change} where exchange_id = '{}'", id(number));
        old.execute(sqlx::AssertSqlSafe(sql)).await.expect("the row is there");
    }
    old.close().await.expect("it closes");
    let plane = Plane::start(&database).await;
    assert_eq!(plane.records().await.len(), 3);
    for unit in ["hour", "day", "month"] {
        let answer = plane.get(&format!("/api/v1/usage?group_by={unit}")).await;
        let requests =
            answer["groups"].as_array().expect("groups").iter().filter_map(|group| group["requests"].as_i64());
        assert_eq!(requests.sum::<i64>(), 3, "{unit}");
    }
}
