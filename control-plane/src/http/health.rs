//! `/health` and `/metrics`: what programs watch.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{app::App, metrics::Gauges};

#[derive(Serialize)]
pub(super) struct Health {
    /// `ok`; `degraded` where something is wrong but traffic flows; `failing` where the store does not answer.
    status: &'static str,
    snapshot_version: u64,
    sessions: usize,
    store: &'static str,
    /// Why the file as it is now is not in force.
    config_error: Option<String>,
}

pub(super) async fn health(State(app): State<App>) -> (StatusCode, Json<Health>) {
    let config_error = app.publisher.rejection();
    let store = app.store.ping().await.is_ok();
    let (code, status) = match (store, &config_error) {
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "failing"),
        (true, Some(_)) => (StatusCode::OK, "degraded"),
        (true, None) => (StatusCode::OK, "ok"),
    };
    let health = Health {
        status,
        snapshot_version: app.publisher.current().map_or(0, |published| published.snapshot.version),
        sessions: app.vms.list().len(),
        store: if store { "ok" } else { "failing" },
        config_error,
    };
    (code, Json(health))
}

pub(super) async fn metrics(State(app): State<App>) -> Response {
    let vms = app.vms.list();
    let gauges = Gauges {
        sessions: vms.len(),
        snapshot_version: app.publisher.current().map_or(0, |published| published.snapshot.version),
        outbox_records: vms.iter().map(|(_, vm)| vm.outbox_records).sum(),
        dropped_records: vms.iter().map(|(_, vm)| vm.dropped_records).sum(),
    };
    match app.metrics.encode(gauges) {
        Ok(page) => {
            ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], page).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
