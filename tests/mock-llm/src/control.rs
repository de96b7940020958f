//! `/__mock`: the door through which a test speaks to the mock itself.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::provider::{self, Provider};
use crate::script::Rule;

/// All routes: these, and the provider's for everything else.
pub(crate) fn router(provider: Arc<Provider>) -> Router {
    Router::new()
        .route("/__mock/script", post(add_rule).delete(clear_rules))
        .route("/__mock/requests", get(requests).delete(clear_requests))
        .route("/__mock/release", post(release))
        .route("/__mock/gates", get(gates))
        .fallback(provider::handle)
        .layer(DefaultBodyLimit::disable())
        .with_state(provider)
}

async fn add_rule(State(provider): State<Arc<Provider>>, Json(rule): Json<Rule>) -> StatusCode {
    provider.rules.add(rule);
    StatusCode::NO_CONTENT
}

async fn clear_rules(State(provider): State<Arc<Provider>>) -> StatusCode {
    provider.rules.clear();
    StatusCode::NO_CONTENT
}

async fn requests(State(provider): State<Arc<Provider>>) -> Json<Value> {
    let requests = provider.journal.requests().into_iter().map(|request| {
        json!({
            "method": request.method,
            "path": request.path,
            "headers": request.headers,
            "body_base64": STANDARD.encode(&request.body),
            "ending": request.ending.name(),
        })
    });
    Json(json!({ "requests": requests.collect::<Vec<_>>() }))
}

async fn clear_requests(State(provider): State<Arc<Provider>>) -> StatusCode {
    provider.journal.clear();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Release {
    gate: String,
}

async fn release(State(provider): State<Arc<Provider>>, Json(release): Json<Release>) -> StatusCode {
    provider.gates.release(&release.gate);
    StatusCode::NO_CONTENT
}

async fn gates(State(provider): State<Arc<Provider>>) -> Json<Value> {
    Json(json!({ "held": provider.gates.held() }))
}
