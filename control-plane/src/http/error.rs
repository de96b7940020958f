//! Errors of the HTTP API, and how each is told.

use axum::{
    Json,
    extract::rejection::{JsonRejection, QueryRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store;

/// Why a request is not answered as asked.
#[derive(Debug)]
pub(crate) enum Error {
    Unauthorised,
    NotFound(String),
    /// What is wrong, naming the parameter.
    Invalid(String),
    Conflict(String),
    Store(store::Error),
    Random(getrandom::Error),
}

/// An error as it is sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    error: Detail,
}

#[derive(Serialize, ToSchema)]
struct Detail {
    /// For programs.
    code: &'static str,
    /// For people.
    message: String,
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<JsonRejection> for Error {
    fn from(rejection: JsonRejection) -> Self {
        Self::Invalid(rejection.body_text())
    }
}

impl From<QueryRejection> for Error {
    fn from(rejection: QueryRejection) -> Self {
        Self::Invalid(rejection.body_text())
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, code, message) = match self {
            Self::Unauthorised => (
                StatusCode::UNAUTHORIZED,
                "unauthorised",
                "send the admin token as 'authorization: Bearer <token>'; it is in the data folder".to_owned(),
            ),
            Self::NotFound(message) => (StatusCode::NOT_FOUND, "not_found", message),
            Self::Invalid(message) => (StatusCode::BAD_REQUEST, "invalid_request", message),
            Self::Conflict(message) => (StatusCode::CONFLICT, "conflict", message),
            // What the database says is for the log.
            Self::Store(error) => {
                tracing::error!(%error, "a request failed in the store");
                (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", "the store failed; see the log".to_owned())
            }
            Self::Random(error) => {
                tracing::error!(%error, "no random bits for a key");
                (StatusCode::INTERNAL_SERVER_ERROR, "internal", "no key could be made; see the log".to_owned())
            }
        };
        (status, Json(ErrorBody { error: Detail { code, message } })).into_response()
    }
}
