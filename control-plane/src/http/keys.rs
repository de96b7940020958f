//! `/api/v1/keys`: made, listed, revoked.

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Error, error::ErrorBody, time::show_time};
use crate::{
    app::App,
    domain::key::{self, BootstrapKey, Source},
};

/// A key, without the key itself.
#[derive(Serialize, ToSchema)]
pub(super) struct Key {
    id: String,
    name: String,
    /// Its first characters.
    prefix: String,
    team: Option<String>,
    user: Option<String>,
    /// Patterns over the names of models.
    models: Vec<String>,
    /// `file` or `api`.
    source: &'static str,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    revoked_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Keys {
    keys: Vec<Key>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Under which its use is reported.
    name: String,
    team: Option<String>,
    user: Option<String>,
    /// Patterns over the names of models; all where it is absent.
    models: Option<Vec<String>>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Created {
    /// The key itself: shown here and never again.
    key: String,
    #[serde(flatten)]
    #[schema(inline)]
    stored: Key,
}

/// All keys, the oldest first, revoked ones included.
#[utoipa::path(get, path = "/api/v1/keys", 
    responses((status = 200, description = "All keys, revoked ones too, without the keys themselves.", body = Keys)))]
pub(super) async fn list(State(app): State<App>) -> Result<Json<Keys>, Error> {
    let keys = app.store.keys().await?.into_iter().map(show).collect();
    Ok(Json(Keys { keys }))
}

/// Makes a key. It works within a second.
#[utoipa::path(post, path = "/api/v1/keys", request_body = Wanted,
    responses(
        (status = 201, description = "The new key, which is shown this once.", body = Created),
        (status = 400, description = "The body says what is not allowed.", body = ErrorBody)))]
pub(super) async fn create(
    State(app): State<App>,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<(StatusCode, Json<Created>), Error> {
    let Json(wanted) = wanted?;
    if wanted.name.trim().is_empty() {
        return Err(Error::Invalid("name must not be empty".to_owned()));
    }
    let texts = [Some(&wanted.name), wanted.team.as_ref(), wanted.user.as_ref()].into_iter().flatten();
    if texts.chain(wanted.models.iter().flatten()).any(|text| text.chars().any(char::is_control)) {
        return Err(Error::Invalid("names must be free of control characters".to_owned()));
    }
    let models = wanted.models.unwrap_or_else(|| vec!["*".to_owned()]);
    if models.is_empty() || models.iter().any(String::is_empty) {
        return Err(Error::Invalid("models must name at least one model; [\"*\"] is all".to_owned()));
    }
    let key = key::generate().map_err(Error::Random)?;
    let stated = BootstrapKey { name: wanted.name, key, team: wanted.team, user: wanted.user, models };
    match app.store.add_key(&stated, Source::Api).await? {
        Some(stored) => {
            tracing::info!(key.id = stored.id, key.name = stored.name, "key made");
            let created = Created { key: stated.key.expose().to_owned(), stored: show(stored) };
            Ok((StatusCode::CREATED, Json(created)))
        }
        None => Err(Error::Conflict("this key exists already".to_owned())),
    }
}

/// Revokes a key. It stops working within a second.
#[utoipa::path(delete, path = "/api/v1/keys/{id}", params(("id" = String, Path, description = "as in the list")),
    responses(
        (status = 204, description = "It is revoked."),
        (status = 404, description = "There is no such key.", body = ErrorBody),
        (status = 409, description = "The configuration file states it, which alone can take it back.", body = ErrorBody)))]
pub(super) async fn revoke(State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, Error> {
    let missing = || Error::NotFound(format!("there is no key with the id {id}"));
    let key = app.store.key(&id).await?.ok_or_else(missing)?;
    if key.source == Source::File && key.revoked_at.is_none() {
        return Err(Error::Conflict(format!(
            "the key {} stands in the configuration file: take it out there",
            key.name
        )));
    }
    app.store.revoke_key(&id).await?;
    tracing::info!(key.id = id, key.name = key.name, "key revoked");
    Ok(StatusCode::NO_CONTENT)
}

fn show(key: key::Key) -> Key {
    let optional = |text: String| (!text.is_empty()).then_some(text);
    Key {
        id: key.id,
        name: key.name,
        prefix: key.prefix,
        team: optional(key.team),
        user: optional(key.user),
        models: key.models,
        source: key.source.name(),
        created_at: show_time(key.created_at),
        revoked_at: key.revoked_at.map(show_time),
    }
}
