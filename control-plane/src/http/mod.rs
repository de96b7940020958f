//! The HTTP API: for people and programs that run Tollgate. Requests and answers are JSON; errors are
//! `{"error": {"code", "message"}}`.

mod error;
mod health;
mod keys;
mod models;
mod snapshot;
mod time;
mod usage;

use axum::{
    Json, Router,
    extract::{FromRef, Request, State},
    http::header::AUTHORIZATION,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use subtle::ConstantTimeEq;
use tollgate_core::words::Secret;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        ResponseBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) use error::Error;

use crate::app::App;

#[derive(OpenApi)]
#[openapi(
    info(title = "Tollgate control plane", description = "Usage, keys, models and what is in force."),
    modifiers(&AdminToken),
    security(("admin_token" = []))
)]
struct Api;

struct AdminToken;

impl Modify for AdminToken {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        openapi.components.get_or_insert_default().add_security_scheme("admin_token", SecurityScheme::Http(scheme));
    }
}

/// What the routes share: the state of the application, and who may ask.
#[derive(Clone)]
struct Served {
    app: App,
    admin_token: Secret,
}

impl FromRef<Served> for App {
    fn from_ref(served: &Served) -> Self {
        served.app.clone()
    }
}

/// Everything under `/api/v1` wants the admin token; `/health` and `/metrics` do not.
pub(crate) fn router(app: App, admin_token: Secret) -> Router {
    let served = Served { app, admin_token };
    let (behind_token, mut api) = OpenApiRouter::with_openapi(Api::openapi())
        .routes(routes!(usage::usage))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(models::models))
        .routes(routes!(snapshot::snapshot))
        .split_for_parts();
    add_refusals(&mut api);
    behind_token
        .route("/api/v1/openapi.json", get(move || async move { Json(api) }))
        .layer(from_fn_with_state(served.clone(), authorise))
        .route("/health", get(health::health))
        .route("/metrics", get(health::metrics))
        .fallback(async |request: Request| Error::NotFound(format!("nothing is served at {}", request.uri().path())))
        .with_state(served)
}

/// Every operation is behind the admin token.
fn add_refusals(api: &mut utoipa::openapi::OpenApi) {
    let refused = ResponseBuilder::new().description("The admin token is missing or wrong.").build();
    for path in api.paths.paths.values_mut() {
        let operations = [&mut path.get, &mut path.post, &mut path.put, &mut path.delete, &mut path.patch];
        for operation in operations.into_iter().flatten() {
            operation.responses.responses.insert("401".to_owned(), refused.clone().into());
        }
    }
}

async fn authorise(State(served): State<Served>, request: Request, next: Next) -> Response {
    let given = request.headers().get(AUTHORIZATION).map(|value| value.as_bytes()).unwrap_or_default();
    let given = given.strip_prefix(b"Bearer ").unwrap_or_default();
    if given.ct_eq(served.admin_token.expose().as_bytes()).into() {
        next.run(request).await
    } else {
        Error::Unauthorised.into_response()
    }
}
