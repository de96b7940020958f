//! `/health` and `/metrics`: what programs watch.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{app::App, metrics::Gauges, store::now_ms};

#[derive(Serialize)]
pub(super) struct Health {
    /// `ok`; `degraded` where something is wrong but traffic flows and usage is taken; `failing` where it is not taken.
    status: &'static str,
    snapshot_version: u64,
    sessions: usize,
    store: &'static str,
    /// RFC 3339.
    store_unavailable_since: Option<String>,
    /// `spool` or `store`: whose commit an acknowledgement of usage waits for.
    acknowledged_by: &'static str,
    /// Why no usage is taken, where it is not.
    refusing: Option<String>,
    /// `null` where there is none.
    spool: Option<Waiting>,
    /// Why the file as it is now is not in force.
    config_error: Option<String>,
}

/// What waits for the store.
#[derive(Serialize)]
struct Waiting {
    records: u64,
    bytes: u64,
    max_bytes: u64,
    /// Entries of which the store will never take something.
    set_aside: u64,
    /// Why it cannot be emptied, where that is not the store's fault.
    error: Option<&'static str>,
}

pub(super) async fn health(State(app): State<App>) -> (StatusCode, Json<Health>) {
    let config_error = app.publisher.rejection();
    let answers = matches!(tokio::time::timeout(STORE_ANSWERS_WITHIN, app.store.ping()).await, Ok(Ok(())));
    let intake = app.intake.status();
    let sessions = app.vms.list().len();
    // An error stands until something is tried again. Where nothing waits and nobody is connected, nothing is, and it says nothing.
    let tried = intake.spooling || sessions > 0 || intake.spool.is_some_and(|(held, _)| held.entries > 0);
    let since = earlier(intake.store_failing_since.filter(|_| tried), intake.store_silent_since);
    let refusing = intake.refusing.filter(|_| tried);
    let store = answers && since.is_none();
    // With a spool that takes it, usage is safe while the store is away.
    let taken = refusing.is_none() && (store || intake.spooling);
    let (code, status) = match (taken, store && config_error.is_none() && !intake.emptying_fails) {
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "failing"),
        (true, false) => (StatusCode::OK, "degraded"),
        (true, true) => (StatusCode::OK, "ok"),
    };
    let since = since.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let spool = intake.spool.map(|(held, max_bytes)| Waiting {
        records: held.records,
        bytes: held.bytes,
        max_bytes,
        set_aside: held.set_aside,
        error: intake.emptying_fails.then_some("it cannot be emptied: the control plane's log says why"),
    });
    let health = Health {
        status,
        snapshot_version: app.publisher.current().map_or(0, |published| published.snapshot.version),
        sessions,
        store: if store { "ok" } else { "failing" },
        store_unavailable_since: since.map(|since| since.to_string()),
        acknowledged_by: if intake.spooling { "spool" } else { "store" },
        refusing: refusing.map(|refused| refused.public()),
        spool,
        config_error,
    };
    (code, Json(health))
}

fn earlier(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    one.into_iter().chain(other).min()
}

/// Whoever asks for our health waits no longer for the store's.
const STORE_ANSWERS_WITHIN: Duration = Duration::from_secs(2);

pub(super) async fn metrics(State(app): State<App>) -> Response {
    let vms = app.vms.list();
    let intake = app.intake.status();
    let (held, spool_max_bytes) = intake.spool.unwrap_or_default();
    let since = earlier(intake.store_failing_since, intake.store_silent_since);
    let failing_for = since.map_or(0, |since| now_ms().saturating_sub(since) / 1_000);
    let gauges = Gauges {
        sessions: vms.len(),
        snapshot_version: app.publisher.current().map_or(0, |published| published.snapshot.version),
        outbox_records: vms.iter().map(|(_, vm)| vm.outbox_records).sum(),
        dropped_records: vms.iter().map(|(_, vm)| vm.dropped_records).sum(),
        spool_entries: held.entries,
        spool_records: held.records,
        spool_bytes: held.bytes,
        spool_max_bytes,
        spool_set_aside: held.set_aside,
        store_unavailable_seconds: u64::try_from(failing_for).unwrap_or(0),
    };
    match app.metrics.encode(gauges) {
        Ok(page) => {
            ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], page).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
